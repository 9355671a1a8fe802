//! Creating and writing files, and storing what was written.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use crate::fs::handles::{Handle, Opened};
use crate::fs::ledger::NotStored;
use crate::fs::open_files::{OpenFile, Version, WriteHandle};
use crate::fs::place::KeyPlace;
use crate::fs::{Attr, Fs, FsError, HandleId};
use crate::object::{ETag, EntryName, Key, ObjectRef};
use crate::store::Precondition;
use crate::tree::{Entry, FileState, Ino, Kind};
use crate::write::{Piece, Reading, Stages, Stored, Target, WriteError, Writer};

impl Fs {
    /// Creates a file and opens it for writing. `exclusive` insists, against other clients too,
    /// that it is new.
    ///
    /// # Errors
    /// The name can't be a key, or the mount doesn't allow it.
    pub async fn create(
        &self,
        dir: Ino,
        name: &OsStr,
        exclusive: bool,
        pid: u32,
    ) -> Result<(Attr, Opened), FsError> {
        self.check_writable()?;
        self.check_dir(dir)?;
        let name = EntryName::from_os(name).ok_or(FsError::NoKeyName)?;
        let key = self.key_in(dir, &name)?;
        if let Some(entry) = self.find(dir, &name).await? {
            return self.create_over(entry, exclusive, pid).await;
        }
        let must_be_new = exclusive || !self.may_overwrite();
        let precondition = if must_be_new {
            Precondition::Absent
        } else {
            Precondition::None
        };
        let state = FileState {
            size: 0,
            modified: SystemTime::now(),
            etag: None,
            was_read: false,
        };
        let entry = self.tree.create(dir, &name, Kind::File(state));
        self.outdate_pages(dir);
        self.tree.reference(entry.ino);
        let writer = Writer::create(self.target(), Arc::new(KeyPlace::new(&key, precondition)));
        let file = self.share(entry.ino, &key, writer)?;
        let handle = self
            .handles
            .insert(Handle::Write(Arc::new(WriteHandle::new(file, pid))));
        Ok((self.attr(&entry), Opened { handle }))
    }

    /// The kernel thought the name was free, and it isn't.
    async fn create_over(
        &self,
        entry: Entry,
        exclusive: bool,
        pid: u32,
    ) -> Result<(Attr, Opened), FsError> {
        if exclusive {
            return Err(FsError::Exists);
        }
        if matches!(entry.kind, Kind::Dir) {
            return Err(FsError::IsDirectory);
        }
        let file = self.open_writer(entry.ino, true, pid).await?;
        // Being open for writing, it is not dropped before the kernel is told.
        self.tree.reference(entry.ino);
        let attr = match self.getattr(entry.ino) {
            Ok(attr) => attr,
            Err(error) => {
                let _ = self.release_writer(&file.file).await;
                return Err(error);
            }
        };
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
        pid: u32,
    ) -> Result<Arc<WriteHandle>, FsError> {
        self.check_writable()?;
        let file = self.shared_file(ino, truncate).await?;
        self.open_files.settle().await;
        self.tree.pin(ino);
        // It may have been deleted or replaced meanwhile.
        let mut ready = self.key_of(ino).map(drop);
        if truncate && ready.is_ok() {
            ready = file.writer.resize(0).await.map_err(FsError::from);
        }
        if let Err(error) = ready {
            let _ = self.release_writer(&file).await;
            return Err(error);
        }
        if truncate {
            self.written(&file);
        }
        Ok(Arc::new(WriteHandle::new(file, pid)))
    }

    /// One more handle of a file, opened now if nobody else has.
    async fn shared_file(&self, ino: Ino, truncate: bool) -> Result<Arc<OpenFile>, FsError> {
        loop {
            // What is being created may be changed, whatever else may not.
            if let Some(file) = self.open_files.share(ino, None) {
                return Ok(file);
            }
            if !self.may_overwrite() {
                return Err(FsError::NotPermitted(
                    "existing objects are not to be replaced",
                ));
            }
            let changes = self.open_files.changes();
            let state = self.file(ino).ok_or(FsError::Stale)?;
            let key = self.key_of(ino)?;
            let writer = match self.writer_for(&key, &state, truncate).await {
                Err(error) if error.is_stale() && self.open_files.changes() != changes => continue,
                writer => writer?,
            };
            let file = self.share(ino, &key, writer)?;
            // What another handle stored while this one fetched must not be undone.
            let now = self.file(ino).and_then(|file| file.etag);
            if truncate || now == state.etag {
                return Ok(file);
            }
            self.release_writer(&file).await?;
        }
    }

    async fn writer_for(
        &self,
        key: &Key,
        state: &FileState,
        truncate: bool,
    ) -> Result<Writer, FsError> {
        let at = Arc::new(KeyPlace::new(key, Precondition::None));
        match &state.etag {
            Some(etag) if !truncate => {
                let object = ObjectRef {
                    key: key.clone(),
                    etag: etag.clone(),
                    size: state.size,
                };
                Ok(Writer::open(self.target(), at, object).await?)
            }
            _ => Ok(Writer::create(self.target(), at)),
        }
    }

    fn share(&self, ino: Ino, key: &Key, writer: Writer) -> Result<Arc<OpenFile>, FsError> {
        let uri = self.store.uri(key);
        let file = OpenFile { ino, uri, writer };
        self.open_files
            .share(ino, Some(file))
            .ok_or(FsError::BadHandle)
    }

    fn target(&self) -> Target {
        Target {
            store: Arc::clone(&self.store),
            stages: Stages::default(),
            budget: self.budget.clone(),
            pool: self.parts.clone(),
        }
    }

    /// Writes, if that needs no waiting; says whether it did.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn try_write(&self, handle: HandleId, offset: u64, data: &[u8]) -> Result<bool, FsError> {
        let handle = self.handles.write(handle)?;
        let done = handle.file.writer.try_write(offset, data)?;
        if done {
            self.written(&handle.file);
        }
        Ok(done)
    }

    /// Writes at an offset.
    ///
    /// # Errors
    /// What was uploaded already would have to change, or the upload failed.
    pub async fn write(&self, handle: HandleId, offset: u64, data: &[u8]) -> Result<(), FsError> {
        let handle = self.handles.write(handle)?;
        let result = handle.file.writer.write(offset, data).await;
        self.written(&handle.file);
        if let Err(error @ (WriteError::Store(_) | WriteError::Stage(_))) = &result {
            self.ledger
                .failed(handle.file.uri.clone(), error.to_string());
        }
        Ok(result?)
    }

    fn written(&self, file: &OpenFile) {
        let size = file.writer.length();
        self.tree.update_file(file.ino, |state| {
            state.size = size;
            state.modified = SystemTime::now();
        });
    }

    /// Bytes of a file that is open for writing.
    pub(super) async fn read_back(
        &self,
        file: &OpenFile,
        version: &Version,
        offset: u64,
        length: u64,
    ) -> Result<Bytes, FsError> {
        let pieces = loop {
            match file.writer.read(offset, length).await? {
                Reading::Pieces(pieces) => break pieces,
                Reading::NotReadable => self.store_file(file).await?,
            };
        };
        let mut bytes = BytesMut::new();
        for piece in pieces {
            bytes.extend_from_slice(&self.piece(version, piece).await?);
        }
        Ok(bytes.freeze())
    }

    async fn piece(&self, version: &Version, piece: Piece) -> Result<Bytes, FsError> {
        match piece {
            Piece::Bytes(bytes) => Ok(bytes),
            Piece::Zeros(length) => Ok(vec![0; usize::try_from(length).unwrap_or(0)].into()),
            Piece::Object {
                object,
                offset,
                length,
            } => {
                let (key, etag) = (&object.key, object.etag.clone());
                let reader = self.reader_of(version, key, etag, object.size).await?;
                Ok(reader.read(offset, length).await?)
            }
        }
    }

    /// A program closes one of its descriptors. If it is the process that opened the file, the
    /// file is stored before `close` returns.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn flush(&self, handle: HandleId, pid: u32) -> Result<(), FsError> {
        match self.handles.get(handle)? {
            Handle::Write(handle) if handle.opener == pid => {
                self.store_file(&handle.file).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Makes the bucket hold the file as it is now.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn fsync(&self, handle: HandleId) -> Result<(), FsError> {
        match self.handles.get(handle)? {
            Handle::Write(handle) => self.store_file(&handle.file).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Stores a file and lets the tree and the ledger know.
    pub(super) async fn store_file(&self, file: &OpenFile) -> Result<ETag, FsError> {
        match file.writer.store().await {
            Ok(Stored {
                etag, size, anew, ..
            }) => {
                if anew {
                    self.open_files.changed();
                    let etag = etag.clone();
                    self.tree.update_file(file.ino, |state| {
                        state.etag = Some(etag);
                        state.size = size;
                    });
                }
                self.ledger.settled(&file.uri);
                Ok(etag)
            }
            Err(WriteError::Deleted) => Err(WriteError::Deleted.into()),
            Err(error) => {
                self.ledger.failed(file.uri.clone(), error.to_string());
                Err(error.into())
            }
        }
    }

    /// The last thing that happens to a handle. The last handle of a file stores it.
    ///
    /// # Errors
    /// It could not be stored.
    pub(super) async fn release_writer(&self, file: &OpenFile) -> Result<(), FsError> {
        let ino = file.ino;
        loop {
            if self.open_files.leave_others(ino) {
                return Ok(());
            }
            let stored = self.store_file(file).await.map(drop);
            let ended = self.open_files.end(ino, || {
                let may_end = stored.is_err() || file.writer.is_stored();
                if may_end && stored.is_ok() {
                    self.tree.unpin(ino);
                    // Pages that were asked for before it was stored lack it.
                    self.descents.outdate();
                } else if may_end && let Some((dir, name)) = self.tree.place(ino) {
                    // The kernel's pages hold what the bucket doesn't: the name gets a new inode.
                    self.tree.uncovered(dir, &name);
                }
                may_end
            });
            if ended {
                return stored;
            }
        }
    }

    /// Changes a file's size. If nobody has it open, it is stored.
    pub(super) async fn truncate(&self, ino: Ino, size: u64) -> Result<(), FsError> {
        if matches!(
            self.tree.entry(ino).ok_or(FsError::NotFound)?.kind,
            Kind::Dir
        ) {
            return Err(FsError::IsDirectory);
        }
        let handle = self.open_writer(ino, size == 0, 0).await?;
        let resized = handle.file.writer.resize(size).await;
        self.written(&handle.file);
        let stored = self.release_writer(&handle.file).await;
        resized?;
        stored
    }

    /// Stores all that is open and returns what could not be stored since the mount began.
    pub async fn finish(&self) -> Vec<NotStored> {
        for file in self.open_files.all() {
            // The ledger knows of failures.
            let _ = self.store_file(&file).await;
        }
        self.not_stored()
    }

    /// Throws away all that is not stored.
    pub async fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        for file in self.open_files.all() {
            file.writer.orphan().await;
        }
    }

    /// What could not be stored until now.
    pub fn not_stored(&self) -> Vec<NotStored> {
        self.ledger.open()
    }
}
