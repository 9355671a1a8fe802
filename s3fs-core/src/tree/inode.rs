//! One inode.

use std::time::{Instant, SystemTime};

use crate::object::{ETag, EntryName, ObjectMeta};
use crate::tree::Ino;

/// What a name stands for, as told to the outside.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The inode.
    pub ino: Ino,
    /// What it is.
    pub kind: Kind,
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
    /// Last change.
    pub modified: SystemTime,
    /// The stored version; nothing if it has never been stored.
    pub etag: Option<ETag>,
    /// It was opened for reading, so that its first bytes are in the kernel's page cache, probably.
    pub was_read: bool,
}

impl From<ObjectMeta> for FileState {
    fn from(meta: ObjectMeta) -> Self {
        Self {
            size: meta.size,
            modified: meta.modified,
            etag: Some(meta.etag),
            was_read: false,
        }
    }
}

/// The table's record of an inode.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) parent: Ino,
    pub(super) name: Option<EntryName>,
    pub(super) kind: Kind,
    /// How often the kernel has been told of it and not forgotten it.
    pub(super) lookups: u64,
    /// Until then the store need not be asked again.
    pub(super) valid_until: Instant,
    /// The last change made through this mount: what the store said before is out of date.
    pub(super) changed: Option<Instant>,
    /// It exists whatever the store says: it is being written, or is a folder that has no object.
    pub(super) local: bool,
    /// Still reachable by its name. A replaced version is not.
    pub(super) named: bool,
    /// When one of a folder's entries was dropped last.
    pub(super) lost_entry: Option<Instant>,
}

impl Inode {
    pub(super) fn entry(&self, ino: Ino) -> Entry {
        Entry {
            ino,
            kind: self.kind.clone(),
            valid_until: (!self.local).then_some(self.valid_until),
        }
    }

    /// Whether an answer that was asked for at that time is older than what we did ourselves.
    pub(super) fn outdates(&self, asked: Instant) -> bool {
        self.changed.is_some_and(|changed| changed >= asked)
    }
}
