//! Keys of inodes, and the cached state of files.

use crate::fs::FsError;
use crate::fs::core::Core;
use crate::object::{EntryName, Key, ObjectRef};
use crate::tree::{FileState, Ino, Kind};

impl Core {
    /// Returns the cached state of a file.
    pub(in crate::fs) fn file(&self, ino: Ino) -> Option<FileState> {
        match self.tree.entry(ino)?.kind {
            Kind::File(file) => Some(file),
            Kind::Dir => None,
        }
    }

    pub(in crate::fs) fn key_in(&self, dir: Ino, name: &EntryName) -> Result<Key, FsError> {
        let key = self.tree.key_in(dir, name).ok_or(FsError::NotFound)?;
        if key.is_too_long() {
            Err(FsError::KeyTooLong)
        } else if key.as_str().trim().is_empty() {
            // Amazon's library takes it for no key at all.
            Err(FsError::NoKeyName)
        } else {
            Ok(key)
        }
    }

    /// Returns the key of a file. If its name belongs to another inode, the kernel must look the
    /// name up again.
    pub(in crate::fs) fn key_of(&self, ino: Ino) -> Result<Key, FsError> {
        let (dir, name) = self.tree.place(ino).ok_or(FsError::Stale)?;
        self.key_in(dir, &name)
    }

    pub(in crate::fs) fn check_dir(&self, ino: Ino) -> Result<(), FsError> {
        match self.tree.entry(ino).ok_or(FsError::NotFound)?.kind {
            Kind::Dir => Ok(()),
            Kind::File(_) => Err(FsError::NotDirectory),
        }
    }

    /// Returns whether changes of a file are to be stored or kept: it was neither deleted nor
    /// replaced through this mount.
    pub(in crate::fs) fn is_wanted(&self, ino: Ino) -> bool {
        self.key_of(ino).is_ok() || self.tree.is_superseded(ino)
    }

    /// Returns the current or last key of a file.
    pub(in crate::fs) fn last_key_of(&self, ino: Ino) -> Option<Key> {
        let (dir, name) = self.tree.last_place(ino)?;
        self.tree.key_in(dir, &name)
    }

    /// Returns the key of a folder's marker.
    pub(in crate::fs) fn marker_of(&self, ino: Ino) -> Result<Key, FsError> {
        let prefix = self.tree.prefix_of(ino).ok_or(FsError::NotFound)?;
        let marker = Key::new(prefix);
        if marker.is_too_long() {
            Err(FsError::KeyTooLong)
        } else {
            Ok(marker)
        }
    }

    /// Records that the bucket has a file under another key, or as another version.
    pub(in crate::fs) async fn moved(&self, ino: Ino, old: &ObjectRef, new: ObjectRef) {
        self.zeros.moved(old, &new);
        self.open_files.changed();
        self.tree.update_file(ino, |file| {
            file.etag = Some(new.etag.clone());
            file.stored = None;
        });
        if let Some(file) = self.open_files.get(ino) {
            file.writer.moved(old, new).await;
        }
    }
}
