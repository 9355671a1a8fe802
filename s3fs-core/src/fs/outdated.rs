//! Versions that were used without asking the store, and turn out to be replaced.

use std::time::Instant;

use crate::config::Freshness;
use crate::fs::{Fs, FsError};
use crate::object::{EntryName, ObjectMeta};
use crate::tree::{Ino, ListingEntry};

impl Fs {
    /// Records that the store has the version of a file that the tree knows, so that it need not be
    /// asked again for a while.
    pub(super) fn confirmed(&self, dir: Ino, name: &EntryName, meta: &ObjectMeta, asked: Instant) {
        if !self.core.freshness.is_checked() {
            let seen = ListingEntry::File(meta.clone());
            self.core.tree.apply(dir, name, seen, asked);
        }
    }

    /// Makes the next use of a file ask the store, here and in the kernel, if the error says that it
    /// has another version. Returns a clearer error for a volume that is declared as immutable.
    pub(super) fn outdated(&self, ino: Ino, error: &FsError) -> Option<FsError> {
        if self.core.freshness.is_checked() || !error.is_outdated() {
            return None;
        }
        let (dir, name) = self.core.tree.distrust(ino)?;
        if let (Some(kernel), Some(dir)) = (self.kernel.get(), self.core.tree.entry(dir)) {
            // Not on this thread: it waits for operations on the folder.
            tokio::task::spawn_blocking(move || kernel.forget_name(dir.node, name.as_ref()));
        }
        // This mount may replace and delete its objects.
        let is_others = self.core.tree.place(ino).is_some() || self.core.tree.is_superseded(ino);
        (self.core.freshness == Freshness::Immutable && is_others).then_some(FsError::NotImmutable)
    }
}
