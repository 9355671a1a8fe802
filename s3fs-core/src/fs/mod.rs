//! File system operations, independent of the kernel interface.
//!
//! Each file holds an `impl Fs` for one family of operations. This module combines the ones below
//! it and passes facts between them: results of listings and of writers go to the tree. It doesn't
//! depend on FUSE, functions or sandboxes.

mod attr;
mod back_off;
mod closing;
mod copies;
mod core;
mod dentry_limit;
mod dirs;
mod emptied;
mod ending;
mod error;
mod files;
mod gate;
mod generation;
mod handle_id;
mod handles;
mod holders;
mod listing;
mod local;
mod lookup;
mod missed;
mod nodes;
mod notifier;
mod open_files;
mod orphans;
mod outdated;
mod owner;
mod place;
mod prefetch;
mod prepare;
mod ranges;
mod readers;
mod relocations;
mod remove;
mod rename;
mod rename_folder;
mod requesters;
mod separate_lookup;
mod server_rename;
mod sync;
#[cfg(test)]
mod tests;
mod unshown;
mod writeback;
mod writing;
mod xattr;

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

pub use attr::{Attr, Privilege, SetAttr};
pub use error::FsError;
pub use files::OpenMode;
pub use handle_id::HandleId;
pub use handles::Opened;
pub use notifier::KernelNotifier;
pub use owner::Maker;
pub use ranges::Allocate;
pub use requesters::PidNamespace;
pub use writeback::{NotStored, Pending};
pub use writing::Existing;
pub use xattr::SetXattr;

use crate::budget::Budget;
use crate::config::{MountConfig, SHORTEST_TTL};
use crate::fs::back_off::ReplaceBackOff;
use crate::fs::core::Core;
use crate::fs::dentry_limit::DentryLimit;
use crate::fs::handles::Handles;
use crate::fs::notifier::Notifier;
use crate::fs::orphans::Orphans;
use crate::fs::prefetch::Prefetch;
use crate::fs::readers::Readers;
use crate::fs::relocations::Relocations;
use crate::fs::unshown::Unshown;
use crate::fs::writeback::Writeback;
use crate::list::{Listed, Merger};
use crate::read::ReadMemory;
use crate::store::{ListPage, Store};
use crate::tree::{Ino, ListingEntry, Reported};
use crate::write::{PartPool, Stages};

/// Shortest validity of the store's answers, in this process and in the kernel. Answers about names and
/// versions may have [another](crate::config::Freshness).
pub const TTL: Duration = SHORTEST_TTL;

/// File system of one mount: its operations, and what they alone need.
#[derive(Debug)]
pub struct Fs {
    /// Reference to itself, for background tasks.
    me: Weak<Self>,
    core: Arc<Core>,
    writeback: Arc<Writeback>,
    prefetch: Arc<Prefetch>,
    handles: Handles,
    readers: Readers,
    orphans: Orphans,
    relocations: Relocations,
    back_off: ReplaceBackOff,
    unshown: Unshown,
    kernel: Notifier,
    dentry_limit: DentryLimit,
    /// PID namespace of the process IDs in requests.
    requesters: OnceLock<PidNamespace>,
}

/// Resources that mounts of one process share.
#[derive(Clone, Debug)]
pub struct SharedResources {
    /// Memory limit.
    pub budget: Budget,
    /// Memory for reading, part of the limit.
    pub reading: ReadMemory,
    /// Buffers for writing.
    pub parts: PartPool,
    /// Local storage of files that are being changed and don't fit into memory.
    pub stages: Stages,
}

impl Fs {
    /// Creates a file system over a store whose first root page was requested at `asked`.
    pub fn new(
        store: Arc<dyn Store>,
        config: &MountConfig,
        shared: &SharedResources,
        root_page: ListPage,
        asked: Instant,
    ) -> Arc<Self> {
        let core = Arc::new(Core::new(store, config, shared));
        let mut merger = Merger::new(config.prefix.as_str().to_owned());
        let is_complete = root_page.next.is_none();
        let entries = merger.page(root_page.clone());
        let entries = entries.iter().map(seen);
        core.tree
            .apply_all(Ino::ROOT, entries, asked, |_, _| Reported::No);
        if is_complete {
            core.tree.completed(Ino::ROOT, asked);
        }
        core.plant_folders(&config.folders);
        let prefetch = Prefetch::new(Arc::clone(&core), root_page, asked);
        let writeback = Writeback::new(Arc::clone(&core), Arc::clone(&prefetch), config);
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            core,
            writeback,
            prefetch,
            handles: Handles::default(),
            readers: Readers::default(),
            orphans: Orphans::default(),
            relocations: Relocations::default(),
            back_off: ReplaceBackOff::default(),
            unshown: Unshown::default(),
            kernel: Notifier::default(),
            dentry_limit: DentryLimit::default(),
            requesters: OnceLock::new(),
        })
    }

    /// Sets the kernel that the file system is served to.
    pub fn set_kernel(&self, kernel: Arc<dyn KernelNotifier>) {
        self.kernel.set(kernel);
    }

    /// Sets the namespace of process IDs in requests. Only the first call has an effect. The
    /// default is this process's own namespace.
    pub fn set_requesters(&self, namespace: PidNamespace) {
        let _ = self.requesters.set(namespace);
    }

    fn requesters(&self) -> PidNamespace {
        self.requesters.get().copied().unwrap_or_default()
    }
}

fn seen(listed: &Listed) -> (&crate::object::EntryName, ListingEntry) {
    match listed {
        Listed::Dir(name) => (name, ListingEntry::Dir),
        Listed::File(name, meta) => (name, ListingEntry::File(meta.clone())),
    }
}
