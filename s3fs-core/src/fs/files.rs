//! Opening, reading and releasing files.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::fs::handles::{Handle, Opened};
use crate::fs::{Fs, FsError, HandleId};
use crate::read::Reader;
use crate::store::StoreErrorKind;
use crate::tree::{FileState, Ino, Kind, Seen};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading only.
    Read,
    /// For writing, and perhaps reading.
    Write {
        /// Its present content is of no interest (`O_TRUNC`).
        truncate: bool,
    },
}

impl Fs {
    /// Opens a file. `pid` is the process that asked.
    ///
    /// # Errors
    /// It was deleted or replaced meanwhile, or may not be opened like this.
    pub async fn open(&self, ino: Ino, mode: OpenMode, pid: u32) -> Result<Opened, FsError> {
        let entry = self.tree.entry(ino).ok_or(FsError::NotFound)?;
        let Kind::File(file) = entry.kind else {
            return Err(FsError::IsDirectory);
        };
        let handle = match mode {
            OpenMode::Read => Handle::Read(self.open_reader(ino, &file).await?),
            OpenMode::Write { truncate } => {
                Handle::Write(self.open_writer(ino, &file, truncate, pid).await?)
            }
        };
        Ok(Opened {
            handle: self.handles.insert(handle),
        })
    }

    /// Opens the version that the inode stands for, asking the store for its first bytes; a file
    /// that is being written is stored first, so that a reader sees what was written before.
    async fn open_reader(&self, ino: Ino, file: &FileState) -> Result<Arc<Reader>, FsError> {
        let expected = match self.open_files.get(ino) {
            Some(open) => Some(self.store_file(&open).await?),
            None => file.etag.clone(),
        };
        let key = self.key_of(ino)?;
        let store = Arc::clone(&self.store);
        let asked = Instant::now();
        let opened = Reader::open(store, key, file.size, &self.budget, &self.blocks).await;
        let (dir, name) = self.tree.place(ino).ok_or(FsError::Stale)?;
        match opened {
            Ok((reader, meta)) if Some(&meta.etag) == expected.as_ref() => Ok(reader),
            Ok((_, meta)) => {
                // Another version has another inode: the kernel looks the name up again.
                self.tree.learn(dir, &name, Seen::File(meta), asked);
                Err(FsError::Stale)
            }
            Err(error) => {
                if matches!(error.kind, StoreErrorKind::NoSuchKey) {
                    self.tree.learn(dir, &name, Seen::Absent, asked);
                }
                Err(error.into())
            }
        }
    }

    /// Bytes of an open file, if they are here already.
    pub fn try_read(
        &self,
        handle: HandleId,
        offset: u64,
        length: u64,
    ) -> Option<Result<Bytes, FsError>> {
        match self.handles.get(handle) {
            Ok(Handle::Read(reader)) => reader.try_read(offset, length).map(Ok),
            Ok(Handle::Write(_)) => None,
            Ok(Handle::Dir(_)) => Some(Err(FsError::BadHandle)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Bytes of an open file; fewer than asked for only at its end.
    ///
    /// # Errors
    /// The object was replaced or deleted, or the store doesn't answer.
    pub async fn read(&self, handle: HandleId, offset: u64, length: u64) -> Result<Bytes, FsError> {
        match self.handles.get(handle)? {
            Handle::Read(reader) => Ok(reader.read(offset, length).await?),
            Handle::Write(file) => self.read_back(&file, offset, length).await,
            Handle::Dir(_) => Err(FsError::BadHandle),
        }
    }

    /// Closes a handle for good. A file that was written is stored if it isn't yet; whether that
    /// went well shows in [`not_stored`](Self::not_stored).
    pub async fn release(&self, handle: HandleId) {
        if let Some(Handle::Write(file)) = self.handles.remove(handle) {
            self.release_writer(&file).await;
        }
    }
}
