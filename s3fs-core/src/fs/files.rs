//! Opening, reading and releasing files.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;

use crate::fs::handles::{Handle, Opened};
use crate::fs::open_files::{ReadHandle, Version};
use crate::fs::{Fs, FsError, HandleId};
use crate::object::{ByteRange, ETag, Key};
use crate::read::{Expected, Reader};
use crate::store::StoreErrorKind;
use crate::tree::{Ino, Kind, ListingEntry};

/// Mode of opening a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading only.
    Read,
    /// For writing, and perhaps reading.
    Write {
        /// The content is discarded (`O_TRUNC`).
        truncate: bool,
    },
}

impl Fs {
    /// Opens a file. `thread` is the ID of the thread that asks, as in [`Maker`](crate::fs::Maker).
    ///
    /// # Errors
    /// The file was deleted or replaced meanwhile, or may not be opened in this mode.
    pub async fn open(&self, ino: Ino, mode: OpenMode, thread: u32) -> Result<Opened, FsError> {
        let entry = self.core.tree.entry(ino).ok_or(FsError::NotFound)?;
        if matches!(entry.kind, Kind::Dir) {
            return Err(FsError::IsDirectory);
        }
        let opened = match mode {
            OpenMode::Read => self.open_reader(ino).await.map(Handle::Read),
            OpenMode::Write { truncate } => {
                let opened = self.open_writer(ino, truncate, thread).await;
                opened.map(Handle::Write)
            }
        };
        let handle = opened.inspect_err(|error| {
            self.came_late(ino, thread, error);
            self.outdated(ino, error);
        })?;
        self.had_turn(ino, thread);
        self.handle_opened(ino);
        Ok(Opened {
            handle: self.handles.insert(handle),
        })
    }

    /// Opens a file for reading without waiting, if it was opened ahead.
    pub fn try_open(&self, ino: Ino, mode: OpenMode, thread: u32) -> Option<Opened> {
        let changes = self.core.open_files.generation_count();
        if mode != OpenMode::Read || self.core.open_files.get(ino).is_some() {
            return None;
        }
        let file = self.core.file(ino)?;
        let (dir, name) = self.core.tree.place(ino)?;
        let key = self.core.tree.key_in(dir, &name)?;
        let reader = match self.prefetch.try_opened_ahead(ino, &key, &file) {
            Some(reader) => reader,
            // Its bytes are on their way.
            None if self.prefetch.is_opening(&key) => return None,
            None => self.core.open_known(ino, &key)?,
        };
        self.prefetch.opened(dir, &name, ino);
        let handle = self.read_handle(ino, key, file.etag?, reader, changes);
        self.back_off.had(dir, &name, thread);
        self.handle_opened(ino);
        Some(Opened {
            handle: self.handles.insert(Handle::Read(handle)),
        })
    }

    /// Records that a file was replaced before it could be opened. The next file of its name is
    /// then not replaced for a moment.
    fn came_late(&self, ino: Ino, thread: u32, error: &FsError) {
        if error.is_stale()
            && let Some((dir, name)) = self.core.tree.last_place(ino)
        {
            self.back_off.missed(dir, name, thread);
        }
    }

    fn had_turn(&self, ino: Ino, thread: u32) {
        if let Some((dir, name)) = self.core.tree.place(ino) {
            self.back_off.had(dir, &name, thread);
        }
    }

    /// Opens the version of the inode, and requests its first bytes. A file that is being written
    /// is read through its writer.
    async fn open_reader(&self, ino: Ino) -> Result<Arc<ReadHandle>, FsError> {
        loop {
            let changes = self.core.open_files.generation_count();
            let opened = self.try_open_reader(ino, changes).await;
            let is_outdated = opened.as_ref().is_err_and(FsError::is_outdated);
            // If this mount made another version, the inode has that version now.
            if !is_outdated || !self.has_changed_since(ino, changes).await {
                return opened;
            }
        }
    }

    async fn try_open_reader(&self, ino: Ino, changes: u64) -> Result<Arc<ReadHandle>, FsError> {
        if self.core.open_files.is_ours(ino) {
            return Ok(Arc::new(ReadHandle::new(ino, None, 0)));
        }
        let Ok(key) = self.core.key_of(ino) else {
            return self.open_nameless(ino, changes).await;
        };
        let file = self.core.file(ino).ok_or(FsError::Stale)?;
        let (dir, name) = self.core.tree.place(ino).ok_or(FsError::Stale)?;
        if let Some(reader) = self.prefetch.opened_ahead(ino, &key, &file).await {
            self.prefetch.opened(dir, &name, ino);
            let etag = file.etag.ok_or(FsError::Stale)?;
            return Ok(self.read_handle(ino, key, etag, reader, changes));
        }
        if let Some(reader) = self.core.open_known(ino, &key) {
            self.prefetch.opened(dir, &name, ino);
            let etag = file.etag.ok_or(FsError::Stale)?;
            return Ok(self.read_handle(ino, key, etag, reader, changes));
        }
        let asked = Instant::now();
        let opened = self.core.open_object(key.clone(), &file).await;
        let (dir, name) = self.core.tree.place(ino).ok_or(FsError::Stale)?;
        match opened {
            Ok((reader, meta)) if Some(&meta.etag) == file.etag.as_ref() => {
                self.prefetch.opened(dir, &name, ino);
                self.confirmed(dir, &name, &meta, asked);
                Ok(self.read_handle(ino, key, meta.etag, reader, changes))
            }
            Ok((_, meta)) => {
                // A closed and stored file no longer belongs to this mount alone.
                if self.core.open_files.end_closed(ino) {
                    self.core.tree.disown(ino);
                }
                // Another version has another inode: the kernel looks the name up again.
                self.core
                    .tree
                    .apply(dir, &name, ListingEntry::File(meta), asked);
                Err(FsError::Stale)
            }
            Err(error) => {
                let is_missing = matches!(error.kind, StoreErrorKind::NoSuchKey);
                if is_missing && !self.relocations.has(ino) {
                    self.core
                        .tree
                        .apply(dir, &name, ListingEntry::Absent, asked);
                }
                Err(error.into())
            }
        }
    }

    /// Opens a file that has lost its name, while its bytes or its object exist.
    async fn open_nameless(&self, ino: Ino, changes: u64) -> Result<Arc<ReadHandle>, FsError> {
        if self.core.open_files.get(ino).is_some() {
            return Ok(Arc::new(ReadHandle::new(ino, None, 0)));
        }
        let file = self.core.file(ino).ok_or(FsError::Stale)?;
        let (dir, name) = self.core.tree.last_place(ino).ok_or(FsError::Stale)?;
        let key = self.core.key_in(dir, &name)?;
        let etag = file.etag.clone().ok_or(FsError::Stale)?;
        match self.core.open_object(key.clone(), &file).await {
            Ok((reader, meta)) if meta.etag == etag => {
                Ok(self.read_handle(ino, key, etag, reader, changes))
            }
            _ => Err(FsError::Stale),
        }
    }

    fn read_handle(
        &self,
        ino: Ino,
        key: Key,
        etag: ETag,
        reader: Arc<Reader>,
        changes: u64,
    ) -> Arc<ReadHandle> {
        let reader = self.readers.share(ino, &key, &etag, reader);
        let pages = self
            .kernel
            .pages(ino, etag.clone(), &self.core.open_files, &self.core.tree);
        if let Some(pages) = pages {
            reader.set_pages(pages);
        }
        Arc::new(ReadHandle::new(ino, Some((key, etag, reader)), changes))
    }

    /// Reads bytes of an open file, if they are already fetched.
    pub fn try_read(&self, handle: HandleId, range: ByteRange) -> Option<Result<Bytes, FsError>> {
        match self.handles.get(handle) {
            Ok(Handle::Read(file)) => {
                let changes = self.core.open_files.generation_count();
                file.try_read(changes, range).map(Ok)
            }
            Ok(Handle::Write(_)) => None,
            Ok(Handle::Dir(_)) => Some(Err(FsError::BadHandle)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Reads bytes of an open file. Returns fewer than requested only at its end.
    ///
    /// # Errors
    /// The object was replaced or deleted, or the store doesn't answer.
    pub async fn read(&self, handle: HandleId, range: ByteRange) -> Result<Bytes, FsError> {
        match self.handles.get(handle)? {
            Handle::Read(file) => self.read_version(&file, range).await,
            Handle::Write(handle) => {
                let (file, version) = (&handle.file, &handle.reader);
                loop {
                    let changes = self.core.open_files.generation_count();
                    let read = self.read_back(file, version, range).await;
                    let is_outdated = read.as_ref().is_err_and(FsError::is_outdated);
                    if !is_outdated || !self.has_changed_since(file.ino, changes).await {
                        return read;
                    }
                }
            }
            Handle::Dir(_) => Err(FsError::BadHandle),
        }
    }

    /// Reads bytes of the version that a handle shows: the one it was opened with, or the newest
    /// that this mount has made of it since.
    async fn read_version(&self, handle: &ReadHandle, range: ByteRange) -> Result<Bytes, FsError> {
        loop {
            let changes = self.core.open_files.generation_count();
            let read = self.try_read_version(handle, changes, range).await;
            let is_outdated = read.as_ref().is_err_and(FsError::is_outdated);
            if !is_outdated || !self.has_changed_since(handle.ino, changes).await {
                return read.map_err(|error| self.outdated(handle.ino, &error).unwrap_or(error));
            }
        }
    }

    /// Waits for a rename of a file by the server. Returns whether this mount may have given the file
    /// another version or key since a generation.
    async fn has_changed_since(&self, ino: Ino, generation: u64) -> bool {
        self.relocations.ended(ino).await;
        self.core.open_files.generation_count() != generation
    }

    async fn try_read_version(
        &self,
        handle: &ReadHandle,
        changes: u64,
        range: ByteRange,
    ) -> Result<Bytes, FsError> {
        let ino = handle.ino;
        if handle.checked.load(Ordering::Acquire) != changes {
            if let Some(file) = self.core.open_files.get(ino) {
                return self.read_back(&file, &handle.reader, range).await;
            }
            let known = self.core.file(ino);
            if let Ok(key) = self.core.key_of(ino)
                && let Some((etag, size)) = known.and_then(|file| Some((file.etag?, file.size)))
            {
                self.reader_of(&handle.reader, &key, etag, size).await?;
                handle.checked.store(changes, Ordering::Release);
            }
        }
        let version = handle.reader.lock().await;
        let (_, etag, reader) = version.as_ref().cloned().ok_or(FsError::Stale)?;
        drop(version);
        // This mount made or began a newer version, which another client or a deletion has ended.
        let newest = self.core.file(ino).and_then(|file| file.etag);
        if handle.checked.load(Ordering::Acquire) != changes && newest != Some(etag) {
            return Err(FsError::Stale);
        }
        Ok(reader.read(range).await?)
    }

    /// Returns a reader of the version `etag`.
    pub(super) async fn reader_of(
        &self,
        version: &Version,
        key: &Key,
        etag: ETag,
        size: u64,
    ) -> Result<Arc<Reader>, FsError> {
        let mut version = version.lock().await;
        if let Some((at, of, reader)) = &*version
            && (at, of) == (key, &etag)
        {
            return Ok(Arc::clone(reader));
        }
        let opening = self.core.open_expecting(key.clone(), Expected::Size(size));
        let (reader, meta) = opening.await?;
        if meta.etag != etag {
            return Err(FsError::Stale);
        }
        *version = Some((key.clone(), etag, Arc::clone(&reader)));
        Ok(reader)
    }

    /// Releases a handle. A file that was written is stored soon if it isn't yet. A failure to
    /// store it shows in [`not_stored`](Self::not_stored).
    pub fn release(&self, handle: HandleId) {
        let ino = match self.handles.remove(handle) {
            Some(Handle::Write(handle)) => {
                self.core.open_files.released(&handle);
                // Its changes, if it has any, would go with the writer.
                let _ = self.writeback.check_displaced(&handle.file);
                self.writeback.handle_gone(handle.file.ino);
                handle.file.ino
            }
            Some(Handle::Read(handle)) => handle.ino,
            Some(Handle::Dir(dir)) => return self.closedir(handle, dir.ino),
            None => return,
        };
        self.handle_closed(ino);
    }
}
