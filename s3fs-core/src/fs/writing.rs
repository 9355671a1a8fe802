//! Creating and writing files.

use std::ffi::OsStr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::fs::attr::Privilege;
use crate::fs::handles::{Handle, Opened};
use crate::fs::lookup::{check_length, possible};
use crate::fs::open_files::{OpenFile, Version, WriteHandle};
use crate::fs::owner::Maker;
use crate::fs::place::FilePlace;
use crate::fs::prepare::{NewEntry, Prepared};
use crate::fs::{Attr, Fs, FsError, HandleId};
use crate::object::{ByteRange, FileKind, ObjectRef};
use crate::store::Precondition;
use crate::tree::{Entry, EntryAttrs, FileState, Ino, Kind};
use crate::write::{Piece, Reading, WriteError, Writer};

/// Treatment of an existing file of the name to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Fail (`O_EXCL`).
    Refuse,
    /// Empty the file (`O_TRUNC`).
    Truncate,
    /// Keep its content.
    Keep,
}

impl Fs {
    /// Creates a file and opens it for writing. [`Existing::Refuse`] also fails if another client
    /// has created the object.
    ///
    /// # Errors
    /// The name can't be a key, or the mount doesn't allow it.
    pub async fn create(
        &self,
        dir: Ino,
        name: &OsStr,
        existing: Existing,
        mode: u16,
        maker: Maker,
    ) -> Result<(Attr, Opened), FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        self.core.check_dir(dir)?;
        let name = possible(name)?;
        let key = self.core.key_in(dir, &name)?;
        let kind = FileKind::File;
        let new = NewEntry { kind, mode, maker };
        let attributes = match self.find_or_prepare(dir, &name, new).await? {
            Prepared::Taken(entry) => return self.create_over(entry, existing, maker).await,
            Prepared::Free(attributes) => attributes,
        };
        check_length(&name)?;
        // An object that was deleted here but still exists may be replaced.
        let is_ours = self.writeback.queue.may_exist(&key) || self.orphans.keeps(&key);
        let must_be_new = (existing == Existing::Refuse || !self.core.may_overwrite()) && !is_ours;
        let precondition = if must_be_new {
            Precondition::Absent
        } else {
            Precondition::None
        };
        let entry = self.core.tree.create_with(
            dir,
            &name,
            Kind::File(FileState::new()),
            EntryAttrs::of(attributes),
        );
        self.prefetch.made(dir);
        self.core.tree.reference(entry.ino);
        let place = self.core.place(entry.ino, precondition);
        let writer = Writer::create(self.core.target(), place.clone());
        let file = self.core.share(entry.ino, writer, place)?;
        self.handle_opened(entry.ino);
        let handle = self.handles.insert(Handle::Write(Arc::new(WriteHandle::new(
            file,
            maker.thread,
        ))));
        Ok((self.attr(&entry), Opened { handle }))
    }

    /// Opens a file that exists, though the kernel took the name for free.
    async fn create_over(
        &self,
        entry: Entry,
        existing: Existing,
        maker: Maker,
    ) -> Result<(Attr, Opened), FsError> {
        if existing == Existing::Refuse {
            return Err(FsError::Exists);
        }
        if matches!(entry.kind, Kind::Dir) {
            return Err(FsError::IsDirectory);
        }
        let truncate = existing == Existing::Truncate;
        let file = self.open_writer(entry.ino, truncate, maker.thread).await?;
        if truncate && Privilege::of(maker.uid) == Privilege::Drops {
            self.drop_set_id(entry.ino);
        }
        // A file that is open for writing is not dropped before the kernel is told.
        self.core.tree.reference(entry.ino);
        let attr = match self.getattr(entry.ino) {
            Ok(attr) => attr,
            Err(error) => {
                self.writeback.release_writer(&file.file);
                return Err(error);
            }
        };
        self.handle_opened(entry.ino);
        Ok((
            attr,
            Opened {
                handle: self.handles.insert(Handle::Write(file)),
            },
        ))
    }

    /// Opens an existing file for writing.
    pub(super) async fn open_writer(
        &self,
        ino: Ino,
        truncate: bool,
        thread: u32,
    ) -> Result<Arc<WriteHandle>, FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        let file = self.shared_file(ino, truncate).await?;
        self.core.open_files.settle().await;
        self.core.tree.pin(ino);
        // The file may have been replaced meanwhile. A file that was deleted here while it was open
        // may be opened again.
        let entry = self.core.tree.entry(ino);
        let is_there = entry.is_some_and(|entry| entry.named) || file.writer.is_orphan();
        let mut ready = if is_there {
            Ok(())
        } else {
            Err(FsError::Stale)
        };
        if truncate && ready.is_ok() {
            let _unmoved = self.writeback.hold_folders().await;
            ready = file.writer.resize(0).await.map_err(FsError::from);
        }
        if let Err(error) = ready {
            self.writeback.release_writer(&file);
            return Err(error);
        }
        if truncate {
            self.written(&file);
        }
        Ok(Arc::new(WriteHandle::new(file, thread)))
    }

    /// Adds a handle of a file. Opens the file if it isn't open.
    async fn shared_file(&self, ino: Ino, truncate: bool) -> Result<Arc<OpenFile>, FsError> {
        loop {
            // A file that is being created may always be changed.
            if let Some(file) = self.core.open_files.share(ino, None) {
                return Ok(file);
            }
            self.core.check_may_overwrite()?;
            let changes = self.core.open_files.generation_count();
            // The new version keeps the stored metadata.
            self.prefetch.look(ino).await?;
            self.writeback.read_properties(ino).await?;
            let state = self.core.file(ino).ok_or(FsError::Stale)?;
            let place = self.core.place(ino, Precondition::None);
            let writer = match self.writer_for(ino, &state, truncate, &place).await {
                Err(error)
                    if error.is_stale() && self.core.open_files.generation_count() != changes =>
                {
                    continue;
                }
                writer => writer?,
            };
            let file = self.core.share(ino, writer, place)?;
            // A version that another handle stored during this fetch must not be undone.
            let now = self.core.file(ino).and_then(|file| file.etag);
            if truncate || now == state.etag {
                return Ok(file);
            }
            self.writeback.release_writer(&file);
        }
    }

    async fn writer_for(
        &self,
        ino: Ino,
        state: &FileState,
        truncate: bool,
        place: &Arc<FilePlace>,
    ) -> Result<Writer, FsError> {
        let key = self.core.key_of(ino)?;
        match &state.etag {
            Some(etag) if !truncate => {
                let object = ObjectRef {
                    key,
                    etag: etag.clone(),
                    size: state.size,
                };
                Ok(Writer::open(self.core.target(), place.clone(), object).await?)
            }
            _ => Ok(Writer::create(self.core.target(), place.clone())),
        }
    }

    /// Returns the handle through which a program changes a file, and marks it as in use.
    ///
    /// # Errors
    /// The handle is not open for writing. Or one of its descriptors was closed, the file was
    /// forgotten, and another open began to write it anew.
    pub(super) fn writing(&self, handle: HandleId) -> Result<Arc<WriteHandle>, FsError> {
        let handle = self.handles.write(handle)?;
        self.writeback.in_use(&handle)?;
        Ok(handle)
    }

    /// Records a change through a handle.
    ///
    /// # Errors
    /// The file was closed and forgotten meanwhile, and another open began to write it anew.
    pub(super) fn written_through(&self, handle: &WriteHandle) -> Result<(), FsError> {
        self.writeback.in_use(handle)?;
        self.written(&handle.file);
        Ok(())
    }

    /// Writes, if that needs no waiting. Returns whether it did.
    ///
    /// # Errors
    /// Same errors as [`write`](Self::write).
    pub fn try_write(&self, handle: HandleId, offset: u64, data: &[u8]) -> Result<bool, FsError> {
        let _change = self.core.begin_change()?;
        let handle = self.writing(handle)?;
        let done = handle.file.writer.try_write(offset, data)?;
        if done {
            self.written_through(&handle)?;
        }
        Ok(done)
    }

    /// Writes at an offset.
    ///
    /// # Errors
    /// There is no space, or an earlier write could not be sent.
    pub async fn write(&self, handle: HandleId, offset: u64, data: &[u8]) -> Result<(), FsError> {
        let _change = self.core.begin_change()?;
        let handle = self.writing(handle)?;
        // The write may store the file first, which must not happen while its key changes.
        let unmoved = self.writeback.hold_folders().await;
        let result = handle.file.writer.write(offset, data).await;
        drop(unmoved);
        let written = self.written_through(&handle);
        if let Err(error @ (WriteError::Store(_) | WriteError::Stage(_) | WriteError::Lost)) =
            &result
        {
            self.writeback
                .note_failure(handle.file.ino, error.to_string());
        }
        result?;
        written
    }

    /// Clears the set-ID bits of a file that a program without [`Privilege::Keeps`] has changed.
    ///
    /// # Errors
    /// The handle is not open for writing.
    pub fn written_by_other(&self, handle: HandleId) -> Result<(), FsError> {
        self.drop_set_id(self.handles.write(handle)?.file.ino);
        Ok(())
    }

    pub(super) fn written(&self, file: &OpenFile) {
        // The metadata of a streamed file was sent when its upload began.
        let has_begun = file.writer.has_begun();
        self.core
            .tree
            .wrote(file.ino, file.writer.length(), !has_begun);
    }

    /// Reads bytes of a file that is open for writing or not stored yet.
    pub(super) async fn read_back(
        &self,
        file: &OpenFile,
        version: &Version,
        range: ByteRange,
    ) -> Result<Bytes, FsError> {
        loop {
            match file.writer.read(range).await? {
                Reading::Pieces(pieces) => return self.join(version, pieces).await,
                // Sent bytes can be read only after the upload is complete.
                Reading::NotReadable => self.writeback.store_now(file).await?,
            }
        }
    }

    async fn join(&self, version: &Version, pieces: Vec<Piece>) -> Result<Bytes, FsError> {
        let is_single = pieces.len() == 1;
        let mut joined = BytesMut::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) if is_single => return Ok(bytes),
                Piece::Bytes(bytes) => joined.extend_from_slice(&bytes),
                Piece::Zeros(length) => {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    joined.resize(joined.len() + length, 0);
                }
                Piece::Object {
                    object,
                    offset,
                    length,
                } => {
                    let ObjectRef { key, etag, size } = &*object;
                    let reader = self.reader_of(version, key, etag.clone(), *size).await?;
                    let range = ByteRange::at(offset, length).ok_or(FsError::Stale)?;
                    let bytes = reader.read(range).await?;
                    if bytes.len() as u64 != length {
                        return Err(FsError::Stale);
                    }
                    joined.extend_from_slice(&bytes);
                }
            }
        }
        Ok(joined.freeze())
    }

    /// Changes a file's size, `through` a handle or by its name. A file that is not open is stored
    /// soon; an open one when it is closed.
    pub(super) async fn truncate(
        &self,
        ino: Ino,
        size: u64,
        through: Option<HandleId>,
        privilege: Privilege,
    ) -> Result<(), FsError> {
        let entry = self.core.tree.entry(ino).ok_or(FsError::NotFound)?;
        if matches!(entry.kind, Kind::Dir) {
            return Err(FsError::IsDirectory);
        }
        if let Some(handle) = through.filter(|handle| self.handles.write(*handle).is_ok()) {
            let handle = self.writing(handle)?;
            return self.resize(&handle, size, privilege).await;
        }
        let handle = self.open_writer(ino, size == 0, 0).await?;
        let resized = self.resize(&handle, size, privilege).await;
        let closed = if self.core.open_files.has_one_handle(ino) {
            self.writeback.changed_as_a_whole(&handle.file).await
        } else {
            Ok(())
        };
        self.writeback.release_writer(&handle.file);
        resized.and(closed)
    }

    async fn resize(
        &self,
        handle: &WriteHandle,
        size: u64,
        privilege: Privilege,
    ) -> Result<(), FsError> {
        let unmoved = self.writeback.hold_folders().await;
        let resized = handle.file.writer.resize(size).await;
        drop(unmoved);
        let written = self.written_through(handle);
        if privilege == Privilege::Drops {
            self.drop_set_id(handle.file.ino);
        }
        resized?;
        written
    }
}
