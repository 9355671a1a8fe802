//! Writeback: changes that the bucket has yet to receive, and how they reach it.
//!
//! `queue` has the desired state of each key. `flush` makes the requests for it, and `wait` waits
//! for them. `error_mode` decides whether a program waits, and `probe` whether the bucket takes
//! files at all. `failures` has the requests that failed, and `rescue` saves their bytes.

mod copied_ranges;
mod deletions;
mod error_mode;
mod failures;
mod flush;
mod markers;
mod probe;
mod properties;
mod queue;
mod rescue;
mod stats;
mod wait;

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use failures::NotStored;
pub use stats::Pending;

pub(super) use error_mode::ChangeKind;
pub(super) use queue::DesiredState;
use queue::Hold;

use crate::config::MountConfig;
use crate::fs::FsError;
use crate::fs::core::Core;
use crate::fs::prefetch::Prefetch;
use crate::fs::writeback::copied_ranges::CopiedRanges;
use crate::fs::writeback::error_mode::ErrorMode;
use crate::fs::writeback::failures::Failures;
use crate::fs::writeback::queue::Queue;
use crate::fs::writeback::rescue::Rescue;
use crate::object::Key;
use crate::ordered::{LAST, Ordered};
use crate::tree::Ino;

/// Changes of one mount that the bucket has yet to receive.
#[derive(Debug)]
pub(super) struct Writeback {
    core: Arc<Core>,
    prefetch: Arc<Prefetch>,
    pub(super) queue: Queue,
    error_mode: ErrorMode,
    failures: Failures,
    rescue: Rescue,
    copied_ranges: CopiedRanges,
    /// Folders in which an entry was removed, and which must stay.
    kept: Ordered<HashSet<Ino>, LAST>,
    /// Lock against renames of folders: a rename holds it for writing, a request about a key in a
    /// folder for reading.
    moving: RwLock<()>,
    /// Closing a file waits until it is stored.
    waits_on_close: bool,
}

impl Writeback {
    /// Creates an empty writeback. Must be called inside a tokio runtime.
    pub(super) fn new(core: Arc<Core>, prefetch: Arc<Prefetch>, config: &MountConfig) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            core,
            prefetch,
            queue: Queue::new(me.clone()),
            error_mode: ErrorMode::default(),
            failures: Failures::default(),
            rescue: Rescue::new(config.rescue.clone()),
            copied_ranges: CopiedRanges::default(),
            kept: Ordered::default(),
            moving: RwLock::new(()),
            waits_on_close: config.waits_on_close,
        })
    }

    /// Prevents renames of folders until the guard is dropped, so that every key stays.
    pub(super) async fn hold_folders(&self) -> RwLockReadGuard<'_, ()> {
        self.moving.read().await
    }

    /// Holds a key. A flush of the file that is about to lose this name, if there is one, is
    /// interrupted.
    pub(super) async fn hold(&self, key: &Key, removed: Option<Ino>) -> Hold<'_> {
        let file = removed.and_then(|ino| self.core.open_files.get(ino));
        let _asked = file.as_ref().map(|file| file.writer.interrupt());
        self.queue.hold(key).await
    }

    /// Waits for requests about keys in folders, and prevents them until the guard is dropped.
    pub(super) async fn move_folder(&self) -> RwLockWriteGuard<'_, ()> {
        self.moving.write().await
    }

    /// Returns whether failures of such changes are reported later, so that no program waits: the
    /// bucket took the last one.
    pub(super) fn reports_later(&self, change: ChangeKind) -> bool {
        self.error_mode.reports_later(change)
    }

    /// Waits for a queued change of a key, unless [`reports_later`](Self::reports_later).
    ///
    /// # Errors
    /// The change failed.
    pub(super) async fn confirm(&self, key: &Key, change: ChangeKind) -> Result<(), FsError> {
        if self.reports_later(change) {
            Ok(())
        } else {
            self.queue.settle(key).await
        }
    }

    /// Records the result of a change that an operation made itself.
    pub(super) fn note_change(&self, change: ChangeKind, succeeded: bool) {
        self.error_mode.note(change, succeeded);
    }

    /// Records a failure to change the object of a key. A later success removes it.
    pub(super) fn failed(&self, key: &Key, reason: String) {
        self.failures.failed(self.core.store.uri(key), reason);
    }

    /// Records that data of an object is lost. A later success does not remove this failure.
    pub(super) fn lost(&self, key: &Key, reason: &str) {
        let uri = self.core.store.uri(key);
        self.failures.lost_for_good(uri, reason.to_owned());
    }

    /// Removes the failure of a key: its object is as it should be.
    pub(super) fn settled(&self, key: &Key) {
        self.failures.settled(&self.core.store.uri(key));
    }
}
