//! Core of a file system: its store, its tree, its open files, and what it allows.

mod keys;
mod lifecycle;
mod objects;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;

pub(super) use lifecycle::Lifecycle;

use crate::config::{Access, Freshness, MountConfig, SHORTEST_TTL};
use crate::fs::gate::Change;
use crate::fs::open_files::OpenFiles;
use crate::fs::owner::Owner;
use crate::fs::{FsError, SharedResources};
use crate::object::EntryName;
use crate::read::Supply;
use crate::store::{Ending, Store};
use crate::tree::{Ino, Kind, ListingEntry, Tree};
use crate::write::{Endings, Stages, ZeroSources};

/// State that operations, writeback and prefetch share.
#[derive(Debug)]
pub(super) struct Core {
    /// Store whose requests end with the mount.
    pub(super) store: Arc<dyn Store>,
    pub(super) tree: Arc<Tree>,
    pub(super) open_files: Arc<OpenFiles>,
    pub(super) owner: Owner,
    /// Mount time, shown as the time of folders: S3 stores none.
    pub(super) born: SystemTime,
    pub(super) shared: SharedResources,
    /// Memory for reading, and the limits of read-ahead.
    pub(super) supply: Supply,
    /// Aborts of unfinished uploads. The end of the mount waits for them.
    pub(super) endings: Endings,
    /// Zeros in objects of this mount.
    pub(super) zeros: ZeroSources,
    pub(super) lifecycle: Lifecycle,
    access: Access,
    pub(super) freshness: Freshness,
    /// Runtime of requests that begin on the kernel's threads.
    runtime: Handle,
    /// The store keeps objects on the local disk.
    has_cache: bool,
}

impl Core {
    /// Creates the state of a mount. Must be called inside a tokio runtime.
    pub(super) fn new(
        store: Arc<dyn Store>,
        config: &MountConfig,
        shared: &SharedResources,
    ) -> Self {
        let lifecycle = Lifecycle::default();
        let mut shared = shared.clone();
        if let Some(stage) = &config.stage {
            shared.stages = Stages::new(stage.dir.clone(), stage.size);
        }
        Self {
            store: Arc::new(Ending::new(store, lifecycle.end.clone())),
            tree: Arc::new(Tree::new(config.prefix.clone(), config.freshness.ttl())),
            open_files: Arc::default(),
            owner: Owner::resolve(&config.ownership),
            born: SystemTime::now(),
            supply: shared.reading.supply(),
            shared,
            endings: Endings::default(),
            zeros: ZeroSources::default(),
            lifecycle,
            access: config.access,
            freshness: config.freshness,
            runtime: Handle::current(),
            has_cache: config.cache.is_some(),
        }
    }

    /// Creates folders that exist whether or not the bucket holds them.
    pub(super) fn plant_folders(&self, folders: &[String]) {
        for folder in folders {
            let mut dir = Ino::ROOT;
            for component in folder.split('/') {
                let Some(name) = EntryName::from_component(component) else {
                    break;
                };
                let asked = Instant::now();
                let entry = match self.tree.apply(dir, &name, ListingEntry::Dir, asked) {
                    Some(entry) if matches!(entry.kind, Kind::Dir) => entry,
                    _ => self.tree.create(dir, &name, Kind::Dir),
                };
                self.tree.pin(entry.ino);
                dir = entry.ino;
            }
        }
    }

    /// Begins a change.
    ///
    /// # Errors
    /// The mount has closed.
    pub(super) fn begin_change(&self) -> Result<Change<'_>, FsError> {
        self.lifecycle.gate.enter()
    }

    /// Returns whether programs may read a local copy without this file system. It needs a cache
    /// and a read-only mount, so that no program of this mount changes the file meanwhile.
    pub(super) fn may_be_read_locally(&self) -> bool {
        self.has_cache && self.access == Access::ReadOnly
    }

    /// Returns the time for which the kernel may use attributes, if it may use their name for `valid`.
    /// The time is short where files can be written: the kernel does not notice that mapped memory
    /// changes the time of a file.
    pub(super) fn attributes_ttl(&self, valid: Duration) -> Duration {
        let ttl = match self.access {
            Access::ReadOnly => self.freshness.ttl(),
            Access::ReadWrite { .. } => SHORTEST_TTL,
        };
        valid.clamp(SHORTEST_TTL, ttl)
    }

    /// Checks that the mount allows changes.
    pub(super) fn check_writable(&self) -> Result<(), FsError> {
        match self.access {
            Access::ReadOnly => Err(FsError::ReadOnly),
            Access::ReadWrite { .. } if self.lifecycle.is_abandoned() => Err(FsError::ReadOnly),
            Access::ReadWrite { .. } => Ok(()),
        }
    }

    pub(super) fn may_overwrite(&self) -> bool {
        matches!(
            self.access,
            Access::ReadWrite {
                overwrite: true,
                ..
            }
        )
    }

    pub(super) fn may_delete(&self) -> bool {
        matches!(self.access, Access::ReadWrite { delete: true, .. })
    }

    pub(super) fn check_may_overwrite(&self) -> Result<(), FsError> {
        if self.may_overwrite() {
            Ok(())
        } else {
            let why = "existing objects are not to be replaced";
            Err(FsError::NotPermitted(why))
        }
    }

    pub(super) fn check_may_delete(&self) -> Result<(), FsError> {
        if self.may_delete() {
            Ok(())
        } else {
            Err(FsError::NotPermitted("objects are not to be deleted"))
        }
    }
}
