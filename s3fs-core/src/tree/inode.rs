//! One inode.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::object::{ETag, EntryName, ObjectMeta};
use crate::tree::{FileNumber, Ino, Looks, NodeId};

/// What a name stands for, as told to the outside.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The inode.
    pub ino: Ino,
    /// Number by which the kernel knows it.
    pub node: NodeId,
    /// Number by which programs know it.
    pub number: FileNumber,
    /// What it is.
    pub kind: Kind,
    /// What is kept of it beside its bytes.
    pub looks: Arc<Looks>,
    /// It is reachable by its name: it was not deleted.
    pub named: bool,
    /// Until when the store need not be asked again; nothing if it is this mount's to know.
    pub valid_until: Option<Instant>,
}

/// A folder or a file.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A folder.
    Dir,
    /// A file.
    File(FileState),
}

/// What is known of a file.
#[derive(Clone, Debug)]
pub struct FileState {
    /// Size in bytes.
    pub size: u64,
    /// Last change of its bytes, or what a program has set it to.
    pub modified: SystemTime,
    /// A program has set `modified`, and the bytes have not changed since.
    pub modified_is_set: bool,
    /// When the stored version was stored; nothing if the store has not said so.
    pub stored: Option<SystemTime>,
    /// The stored version; nothing if it has never been stored.
    pub etag: Option<ETag>,
    /// It was opened for reading, so that its first bytes are in the kernel's page cache, probably.
    pub was_read: bool,
}

impl FileState {
    /// A file that was never stored.
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

    /// Takes note of when the store says that this version was stored; whether that is another time
    /// than it said before.
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

/// The table's record of an inode.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) node: NodeId,
    pub(super) number: FileNumber,
    pub(super) parent: Ino,
    pub(super) name: Option<EntryName>,
    pub(super) kind: Kind,
    pub(super) looks: Arc<Looks>,
    /// How often the kernel has been told of it and not forgotten it.
    pub(super) lookups: u64,
    /// Number of open handles.
    pub(super) handles: usize,
    /// Until then the store need not be asked again.
    pub(super) valid_until: Instant,
    /// The last change made through this mount: what the store said before is out of date.
    pub(super) changed: Option<Instant>,
    /// It exists whatever the store says: it is being written, or is a folder that has no object.
    pub(super) local: bool,
    /// Still reachable by its name. A replaced version is not.
    pub(super) named: bool,
    /// Another client has replaced or deleted it: that is how it lost its name.
    pub(super) superseded: bool,
    /// When one of a folder's entries was dropped last.
    pub(super) lost_entry: Option<Instant>,
}

impl Inode {
    pub(super) fn entry(&self, ino: Ino) -> Entry {
        Entry {
            ino,
            node: self.node,
            number: self.number,
            kind: self.kind.clone(),
            looks: Arc::clone(&self.looks),
            named: self.named,
            valid_until: (!self.local).then_some(self.valid_until),
        }
    }

    /// Whether a program may compare it with another: by its name or through a handle.
    pub(super) fn is_alive(&self) -> bool {
        self.named || self.handles > 0
    }

    /// Whether an answer that was asked for at that time is older than what we did ourselves.
    pub(super) fn outdates(&self, asked: Instant) -> bool {
        self.changed.is_some_and(|changed| changed >= asked)
    }
}
