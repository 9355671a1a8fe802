//! Inode: a file or folder, with its state.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::object::{ETag, EntryName, ObjectMeta};
use crate::tree::kernel_listing::KernelListing;
use crate::tree::{EntryAttrs, FileNumber, Ino, NodeId};

/// Entry of a folder, as reported to callers.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Inode of the entry.
    pub ino: Ino,
    /// Number by which the kernel knows it.
    pub node: NodeId,
    /// Number by which programs know it.
    pub number: FileNumber,
    /// File or folder.
    pub kind: Kind,
    /// Attributes beside the bytes.
    pub attrs: Arc<EntryAttrs>,
    /// True while it is reachable by its name: it was not deleted.
    pub named: bool,
    /// Time until which the store need not be asked again; `None` for a local entry.
    pub valid_until: Option<Instant>,
}

/// Kind of an entry.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Folder.
    Dir,
    /// File.
    File(FileState),
}

/// State of a file.
#[derive(Clone, Debug)]
pub struct FileState {
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change of its bytes, or the time that a program has set.
    pub modified: SystemTime,
    /// True if a program has set `modified`, and the bytes have not changed since.
    pub modified_is_set: bool,
    /// Time when the present version was stored; `None` if the store has not reported it.
    pub stored: Option<SystemTime>,
    /// `ETag` of the stored version; `None` if it was never stored.
    pub etag: Option<ETag>,
    /// True if it was opened for reading: its first bytes are then probably in the kernel's page
    /// cache.
    pub was_read: bool,
}

impl FileState {
    /// Creates the state of a file that was never stored.
    pub fn new() -> Self {
        Self {
            size: 0,
            modified: SystemTime::now(),
            modified_is_set: false,
            stored: None,
            etag: None,
            was_read: false,
        }
    }

    /// Records when this version was stored, according to the store. Returns whether that differs
    /// from what was reported before.
    pub(super) fn stored_anew(&mut self, at: SystemTime) -> bool {
        let before = self.stored.replace(at);
        before.is_some_and(|before| before != at)
    }
}

impl Default for FileState {
    fn default() -> Self {
        Self::new()
    }
}

impl From<ObjectMeta> for FileState {
    fn from(meta: ObjectMeta) -> Self {
        Self {
            size: meta.size,
            modified: meta.modified,
            modified_is_set: false,
            stored: Some(meta.modified),
            etag: Some(meta.etag),
            was_read: false,
        }
    }
}

/// Record of an inode in the table.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) node: NodeId,
    pub(super) number: FileNumber,
    pub(super) parent: Ino,
    pub(super) name: Option<EntryName>,
    pub(super) kind: Kind,
    pub(super) attrs: Arc<EntryAttrs>,
    /// Number of the kernel's references: reported to it and not forgotten yet.
    pub(super) lookups: u64,
    /// Number of open handles.
    pub(super) handles: usize,
    /// Time until which the store need not be asked again.
    pub(super) valid_until: Instant,
    /// Time of the last change through this mount: earlier responses of the store are outdated.
    pub(super) changed: Option<Instant>,
    /// True if it exists whatever the store says: it is being written, or is a folder without an
    /// object.
    pub(super) is_dirty: bool,
    /// True while it is reachable by its name. A replaced version is not.
    pub(super) named: bool,
    /// True if it lost its name because another client replaced or deleted it.
    pub(super) superseded: bool,
    /// Time when an entry of this folder was last dropped.
    pub(super) lost_entry: Option<Instant>,
    /// Kernel's copy of this folder's listing.
    pub(super) kernel_listing: KernelListing,
}

impl Inode {
    pub(super) fn entry(&self, ino: Ino) -> Entry {
        Entry {
            ino,
            node: self.node,
            number: self.number,
            kind: self.kind.clone(),
            attrs: Arc::clone(&self.attrs),
            named: self.named,
            valid_until: (!self.is_dirty).then_some(self.valid_until),
        }
    }

    /// Returns whether a program may compare it with another: by its name or through a handle.
    pub(super) fn is_alive(&self) -> bool {
        self.named || self.handles > 0
    }

    /// Returns whether a response requested at `asked` is older than the last change through this
    /// mount.
    pub(super) fn outdates(&self, asked: Instant) -> bool {
        self.changed.is_some_and(|changed| changed >= asked)
    }
}
