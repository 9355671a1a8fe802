//! File system operations, independent of the kernel interface.
//!
//! Each file holds an `impl Fs` for one family of operations. This module combines the ones below
//! it and passes facts between them: results of listings and of writers go to the tree. It doesn't
//! depend on FUSE, functions or sandboxes.

mod attr;
mod back_off;
mod closing;
mod copies;
mod dentry_limit;
mod dirs;
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
mod owner;
mod place;
mod prefetch;
mod prepare;
mod ranges;
mod readers;
mod remove;
mod rename;
mod rename_folder;
mod requesters;
mod sync;
#[cfg(test)]
mod tests;
mod unshown;
mod writeback;
mod writing;
mod xattr;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

pub use attr::{Attr, Privilege, SetAttr};
pub use error::FsError;
pub use files::OpenMode;
pub use handle_id::HandleId;
pub use handles::Opened;
pub use notifier::KernelEdge;
pub use owner::Maker;
pub use ranges::Allocate;
pub use requesters::PidNamespace;
pub use writeback::{NotStored, Pending};
pub use writing::Existing;
pub use xattr::SetXattr;

use tokio::sync::RwLock;

use crate::budget::Budget;
use crate::config::{Access, MountConfig};
use crate::end::End;
use crate::fs::back_off::Turns;
use crate::fs::dentry_limit::Crowd;
use crate::fs::gate::Gate;
use crate::fs::handles::Handles;
use crate::fs::notifier::KernelCell;
use crate::fs::open_files::OpenFiles;
use crate::fs::orphans::Orphans;
use crate::fs::owner::Owner;
use crate::fs::prefetch::{Asked, Descents, Evidence, Habit, Looking, Walks};
use crate::fs::ranges::Grafts;
use crate::fs::readers::Readers;
use crate::fs::unshown::Unshown;
use crate::fs::writeback::{Ledger, Outbox, Rescues, Reserve};
use crate::list::{Listed, Merger};
use crate::read::{Ahead, BlockPool};
use crate::store::{Ending, ListPage, Store};
use crate::tree::{Ino, Kind, Seen, Told, Tree};
use crate::write::{Endings, PartPool, Stages};

/// Validity of the store's answers, in this process and in the kernel.
pub const TTL: Duration = Duration::from_secs(1);

/// File system of one mount.
#[derive(Debug)]
pub struct Fs {
    /// Reference to itself, for background tasks.
    me: Weak<Self>,
    /// Store whose requests end with the mount.
    store: Arc<dyn Store>,
    end: End,
    tree: Arc<Tree>,
    access: Access,
    /// The store keeps objects on the local disk.
    has_cache: bool,
    owner: Owner,
    /// Mount time, shown as the time of folders: S3 stores none.
    born: SystemTime,
    budget: Budget,
    blocks: BlockPool,
    parts: PartPool,
    stages: Stages,
    /// Aborts of unfinished uploads. The end of the mount waits for them.
    endings: Endings,
    /// Local folder for bytes that could not be stored.
    rescue: Option<PathBuf>,
    /// Closing a file waits until it is stored.
    waits_on_close: bool,
    /// Files opened ahead of programs.
    ahead: Ahead,
    walks: Walks,
    descents: Descents,
    /// Heuristic whether programs open the names that they look up.
    habit: Mutex<Habit<Ino>>,
    asked: Asked,
    handles: Handles,
    open_files: Arc<OpenFiles>,
    outbox: Outbox,
    /// Lock against renames of folders: a rename holds it for writing, a request about a key in a
    /// folder for reading.
    moving: RwLock<()>,
    orphans: Orphans,
    grafts: Grafts,
    /// Folders in which an entry was removed, and which must stay.
    kept: Mutex<HashSet<Ino>>,
    /// Heuristic for metadata that listings don't show.
    evidence: Evidence,
    looks: Walks,
    looking: Looking,
    readers: Readers,
    turns: Turns,
    unshown: Unshown,
    kernel: KernelCell,
    /// PID namespace of the process IDs in requests.
    requesters: OnceLock<PidNamespace>,
    crowd: Crowd,
    ledger: Ledger,
    rescues: Rescues,
    reserve: Reserve,
    /// Admits changes.
    gate: Gate,
    /// The kernel no longer uses the file system.
    is_cut_off: AtomicBool,
    /// At the end of the mount, requests to a silent store are cancelled.
    is_hasty: AtomicBool,
    /// Nothing is stored from now on.
    abandoned: AtomicBool,
    /// First page of the root, fetched on connecting and used by the first listing.
    root_page: Mutex<Option<(ListPage, Instant)>>,
}

/// Resources that mounts of one process share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Memory limit.
    pub budget: Budget,
    /// Buffers for reading.
    pub blocks: BlockPool,
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
        shared: &Shared,
        root_page: ListPage,
        asked: Instant,
    ) -> Arc<Self> {
        let tree = Tree::new(config.prefix.clone(), TTL);
        let mut merger = Merger::new(config.prefix.as_str().to_owned());
        let is_complete = root_page.next.is_none();
        let entries = merger.page(root_page.clone());
        tree.learn_all(Ino::ROOT, entries.iter().map(seen), asked, |_, _| Told::No);
        if is_complete {
            tree.completed(Ino::ROOT, asked);
        }
        let end = End::default();
        let fs = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            store: Arc::new(Ending::new(store, end.clone())),
            end,
            tree: Arc::new(tree),
            access: config.access,
            has_cache: config.cache.is_some(),
            owner: Owner::resolve(&config.ownership),
            born: SystemTime::now(),
            budget: shared.budget.clone(),
            blocks: shared.blocks.clone(),
            parts: shared.parts.clone(),
            stages: config.stage.as_ref().map_or_else(
                || shared.stages.clone(),
                |stage| Stages::new(stage.dir.clone(), stage.size),
            ),
            endings: Endings::default(),
            rescue: config.rescue.clone(),
            waits_on_close: config.waits_on_close,
            ahead: Ahead::new(TTL),
            walks: Walks::default(),
            descents: Descents::default(),
            habit: Mutex::default(),
            asked: Asked::default(),
            handles: Handles::default(),
            open_files: Arc::default(),
            outbox: Outbox::new(Weak::clone(me)),
            moving: RwLock::new(()),
            orphans: Orphans::default(),
            grafts: Grafts::default(),
            kept: Mutex::default(),
            evidence: Evidence::default(),
            looks: Walks::default(),
            looking: Looking::default(),
            readers: Readers::default(),
            turns: Turns::default(),
            unshown: Unshown::default(),
            kernel: KernelCell::default(),
            requesters: OnceLock::new(),
            crowd: Crowd::default(),
            ledger: Ledger::default(),
            rescues: Rescues::default(),
            reserve: Reserve::default(),
            gate: Gate::default(),
            is_cut_off: AtomicBool::new(false),
            is_hasty: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            root_page: Mutex::new(Some((root_page, asked))),
        });
        fs.plant_folders(&config.folders);
        fs
    }

    /// Creates folders that exist whether or not the bucket holds them.
    fn plant_folders(&self, folders: &[String]) {
        for folder in folders {
            let mut dir = Ino::ROOT;
            for component in folder.split('/') {
                let Some(name) = crate::object::EntryName::from_component(component) else {
                    break;
                };
                let asked = Instant::now();
                let entry = match self.tree.learn(dir, &name, Seen::Dir, asked) {
                    Some(entry) if matches!(entry.kind, Kind::Dir) => entry,
                    _ => self.tree.create(dir, &name, Kind::Dir),
                };
                self.tree.pin(entry.ino);
                dir = entry.ino;
            }
        }
    }

    /// Sets the kernel that the file system is served to.
    pub fn set_kernel(&self, kernel: Arc<dyn KernelEdge>) {
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

    fn take_root_page(&self) -> Option<(ListPage, Instant)> {
        let page = self
            .root_page
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        page.filter(|(_, asked)| asked.elapsed() < TTL)
    }

    /// Drops pages that were requested before an entry was made here.
    fn made(&self, dir: Ino) {
        self.descents.outdate();
        if dir == Ino::ROOT {
            self.root_page
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
        }
    }

    /// Checks that the mount allows changes.
    fn check_writable(&self) -> Result<(), FsError> {
        match self.access {
            Access::ReadOnly => Err(FsError::ReadOnly),
            Access::ReadWrite { .. } if self.abandoned.load(Ordering::Acquire) => {
                Err(FsError::ReadOnly)
            }
            Access::ReadWrite { .. } => Ok(()),
        }
    }

    fn may_overwrite(&self) -> bool {
        matches!(
            self.access,
            Access::ReadWrite {
                overwrite: true,
                ..
            }
        )
    }

    fn may_delete(&self) -> bool {
        matches!(self.access, Access::ReadWrite { delete: true, .. })
    }

    fn check_may_overwrite(&self) -> Result<(), FsError> {
        if self.may_overwrite() {
            Ok(())
        } else {
            let why = "existing objects are not to be replaced";
            Err(FsError::NotPermitted(why))
        }
    }

    fn check_may_delete(&self) -> Result<(), FsError> {
        if self.may_delete() {
            Ok(())
        } else {
            Err(FsError::NotPermitted("objects are not to be deleted"))
        }
    }
}

fn seen(listed: &Listed) -> (&crate::object::EntryName, Seen) {
    match listed {
        Listed::Dir(name) => (name, Seen::Dir),
        Listed::File(name, meta) => (name, Seen::File(meta.clone())),
    }
}
