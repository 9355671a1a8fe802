//! File that is open for writing.
//!
//! A file starts whole, in memory. If it stays within the first part's size, it is stored by a
//! single PUT. If it outgrows that at its end, it streams: full parts are sent while the next one
//! fills. Storing it (at close or fsync) then completes the upload.
//!
//! Any other change of a large file goes to the stage. Changed ranges are held there; the others
//! stay at their source. Storing sends the changed ranges and has the server copy the others.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::object::{ByteRange, Headers, ObjectRef};
use crate::store::{StoreError, StoreErrorKind};
use crate::write::attempts::Attempts;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::Extents;
use crate::write::fetch::fetch;
use crate::write::file_state::{FileState, Phase};
use crate::write::interrupts::{AskedInterrupt, FindNeed, Interruption, Interrupts};
use crate::write::missed::Missed;
use crate::write::reading::{Piece, Reading};
use crate::write::rescue::Rescued;
use crate::write::staged::Staged;
use crate::write::target::{FindDestination, Stored, Target};
use crate::write::unsent::Unsent;

/// File open for writing, shared by all its handles.
#[derive(Debug)]
pub struct Writer {
    inner: Mutex<FileState>,
    /// Copy of the file's size in bytes, readable without waiting for an upload.
    length: AtomicU64,
    /// Copy of the dirty flag: the bucket lacks some change of the file.
    is_dirty: AtomicBool,
    /// Copy of the flag that an upload has started.
    has_begun: AtomicBool,
    /// Copy of the flag that the file was deleted.
    is_orphan: AtomicBool,
    /// Copy of the number of unsent bytes, which shrinks while the file is being stored.
    unsent: Unsent,
    interrupts: Interrupts,
}

impl Writer {
    /// Creates a new, empty file. It exists in the bucket once it is stored, even if it stays
    /// empty.
    pub fn create(target: Target, at: Arc<dyn FindDestination>) -> Self {
        let target = Arc::new(target);
        let phase = Phase::Whole(PartBuffer::new(&target));
        Self::with(target, at, phase, None)
    }

    /// Opens a stored file for changes. Fetches a small one.
    ///
    /// # Errors
    /// Fails if the object was replaced or deleted meanwhile, if the store fails, or if there is no
    /// room for its bytes.
    pub async fn open(
        target: Target,
        at: Arc<dyn FindDestination>,
        object: ObjectRef,
    ) -> Result<Self, WriteError> {
        let target = Arc::new(target);
        let headers = at
            .destination()
            .map_or_else(Headers::default, |to| to.headers);
        let stored = (object.clone(), headers);
        let phase = if object.size > target.sizes().first() {
            let extents = Extents::of(Arc::new(object));
            Phase::Staged(Staged::new(&target, extents))
        } else {
            let mut buffer = PartBuffer::new(&target);
            if let Some(all) = ByteRange::new(0, object.size) {
                let take = |at, bytes: &[u8]| buffer.write_at(at, bytes);
                fetch(&*target.store, &object, all, take).await?;
            }
            Phase::Whole(buffer)
        };
        Ok(Self::with(target, at, phase, Some(stored)))
    }

    fn with(
        target: Arc<Target>,
        at: Arc<dyn FindDestination>,
        phase: Phase,
        stored: Option<(ObjectRef, Headers)>,
    ) -> Self {
        let length = AtomicU64::new(phase.length());
        let is_dirty = AtomicBool::new(stored.is_none());
        let (unsent, interrupts) = (target.unsent.clone(), target.interrupts.clone());
        let inner = Mutex::new(FileState {
            target,
            at,
            phase,
            dirty: stored.is_none(),
            stored,
            is_orphan: false,
            leftovers: Vec::new(),
            attempts: Attempts::default(),
            missed: Missed::default(),
        });
        Self {
            inner,
            length,
            is_dirty,
            has_begun: AtomicBool::new(false),
            is_orphan: AtomicBool::new(false),
            unsent,
            interrupts,
        }
    }

    /// Returns the file's size in bytes.
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Writes if that needs no waiting; returns whether it did.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write).
    pub fn try_write(&self, offset: u64, data: &[u8]) -> Result<bool, WriteError> {
        let Ok(mut inner) = self.inner.try_lock() else {
            return Ok(false);
        };
        let written = inner.try_write(offset, data);
        self.publish(&inner);
        written
    }

    /// Writes at an offset. Waits for the store where necessary: until a part is sent, or, if sent
    /// bytes change, until they have become an object.
    ///
    /// # Errors
    /// Fails if the object would be too large, if there is no room for the bytes, or if the store
    /// fails. Some of the bytes may then have been written, from the first on. Earlier writes stay.
    pub async fn write(&self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let mut inner = self.lock_for(Interruption::Change).await;
        let written = inner.write(offset, data).await;
        self.publish(&inner);
        written
    }

    /// Records that bytes of mapped pages were refused when the kernel wrote them back. No program
    /// learns this. The file is not stored until they are written again or cut off.
    pub async fn miss(&self, range: Range<u64>, cause: WriteError) {
        let mut inner = self.inner.lock().await;
        inner.miss(range, cause);
        self.publish(&inner);
    }

    /// Truncates the file, or extends it with zeros.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write).
    pub async fn resize(&self, length: u64) -> Result<(), WriteError> {
        let mut inner = self.lock_for(Interruption::Change).await;
        let resized = inner.resize(length).await;
        self.publish(&inner);
        resized
    }

    /// Overwrites a range with zeros, up to the end of the file. Its length stays.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write).
    pub async fn punch(&self, offset: u64, length: u64) -> Result<(), WriteError> {
        let mut inner = self.lock_for(Interruption::Change).await;
        let punched = inner.punch(offset..offset.saturating_add(length)).await;
        self.publish(&inner);
        punched
    }

    /// Replaces a range with bytes of a stored object, without fetching them. The object must stay
    /// until the file is stored.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write), or if the object has no such bytes.
    pub async fn copy_range(
        &self,
        offset: u64,
        source: Arc<ObjectRef>,
        source_offset: u64,
        length: u64,
    ) -> Result<(), WriteError> {
        let mut inner = self.lock_for(Interruption::Change).await;
        let has_them = source_offset
            .checked_add(length)
            .is_some_and(|end| end <= source.size);
        if !has_them {
            return Err(StoreError::new(
                "UploadPartCopy",
                inner.target.store.uri(&source.key),
                StoreErrorKind::Other("no such bytes".into()),
            )
            .into());
        }
        let copied = inner
            .copy_range(offset, (source, source_offset), length)
            .await;
        self.publish(&inner);
        copied
    }

    /// Reads bytes; fewer than requested only at the end of the file.
    ///
    /// # Errors
    /// Fails if the temporary file fails, or if the bytes are lost.
    pub async fn read(&self, wanted: ByteRange) -> Result<Reading, WriteError> {
        let inner = self.inner.lock().await;
        let range = wanted.start()..wanted.end().min(inner.phase.length());
        if range.is_empty() {
            return Ok(Reading::Pieces(Vec::new()));
        }
        inner.missed.check(&range)?;
        match &inner.phase {
            Phase::Whole(buffer) => {
                let bytes = buffer.read_at(range.start, range.end - range.start)?;
                Ok(Reading::Pieces(vec![Piece::Bytes(bytes)]))
            }
            Phase::Streaming(streaming) => streaming.read(&range),
            Phase::Staged(staged) => staged.read(range),
        }
    }

    /// Stores the file as it is now, at its present destination.
    ///
    /// # Errors
    /// Fails if the file could not be stored, or was deleted. Nothing is dropped: the next call
    /// retries, and sends no part twice.
    pub async fn store(&self) -> Result<Stored, WriteError> {
        let mut inner = self.inner.lock().await;
        let stored = inner.store().await;
        self.publish(&inner);
        stored
    }

    /// Stores the file as [`store`](Self::store) does, unless a caller that changes or removes it
    /// interrupts that. `need` tells whether it may.
    ///
    /// # Errors
    /// Fails like [`store`](Self::store), or with [`WriteError::Interrupted`].
    pub async fn store_unless(&self, need: FindNeed) -> Result<Stored, WriteError> {
        let mut inner = self.inner.lock().await;
        let interruptible = self.interrupts.allow(need);
        let stored = inner.store().await;
        drop(interruptible);
        self.publish(&inner);
        stored
    }

    /// Asks to interrupt a flush under way, as the file is about to lose its name.
    pub fn interrupt(&self) -> AskedInterrupt {
        self.interrupts.ask(Interruption::Removal)
    }

    /// Locks the file for a change. Interrupts a flush that holds it, if that is allowed.
    async fn lock_for(&self, why: Interruption) -> MutexGuard<'_, FileState> {
        if let Ok(inner) = self.inner.try_lock() {
            return inner;
        }
        let _asked = self.interrupts.ask(why);
        self.inner.lock().await
    }

    /// Stores a file without changes again, with its present headers. Returns `None` if it has
    /// changes: the headers are stored with them.
    pub async fn store_headers(&self) -> Option<Result<Stored, WriteError>> {
        let mut inner = self.inner.lock().await;
        if inner.dirty {
            return None;
        }
        inner.dirty = true;
        let stored = inner.store().await;
        self.publish(&inner);
        Some(stored)
    }

    /// Returns whether the bucket has all changes.
    pub fn is_stored(&self) -> bool {
        !self.is_dirty.load(Ordering::Acquire)
    }

    /// Returns the approximate number of bytes still to be sent before the bucket has all changes.
    pub fn unsent_bytes(&self) -> u64 {
        self.unsent.bytes()
    }

    /// Returns whether an upload has some bytes already, which also fixes the headers.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Waits for the store's answer to the start of the upload that streams the file. Returns `None`
    /// without such an upload, and while the file is being stored, which may take long.
    pub async fn upload_begun(&self) -> Option<Result<(), StoreError>> {
        let begun = match &self.inner.try_lock().ok()?.phase {
            Phase::Streaming(streaming) => streaming.upload()?.begun(),
            Phase::Whole(_) | Phase::Staged(_) => return None,
        };
        begun.answer().await
    }

    /// Returns whether some bytes have a stored object as their source.
    pub async fn needs_objects(&self) -> bool {
        match &self.inner.lock().await.phase {
            Phase::Staged(staged) => staged.needs_objects(),
            Phase::Whole(_) | Phase::Streaming(_) => false,
        }
    }

    /// Returns the object that was stored last.
    #[cfg(test)]
    pub async fn stored(&self) -> Option<ObjectRef> {
        let inner = self.inner.lock().await;
        inner.stored.as_ref().map(|(object, _)| object.clone())
    }

    /// Returns whether an upload has bytes. It can only become an object of the key that the file
    /// had when it started, so the file must be stored before it is renamed.
    pub async fn is_streaming(&self) -> bool {
        let inner = self.inner.lock().await;
        matches!(&inner.phase, Phase::Streaming(streaming) if streaming.unsent().is_none())
    }

    /// Marks the file dirty though no byte changed, because its headers or its name did.
    pub async fn touch(&self) {
        let mut inner = self.inner.lock().await;
        inner.dirty = true;
        self.publish(&inner);
    }

    /// Marks a file that is deleted but still open, or that nobody will try to store again. Nothing
    /// is stored from now on; bytes held here stay readable and writable. Bytes that only an upload
    /// has are lost. The upload is aborted, unless [`rescue`](Self::rescue) left it.
    pub async fn orphan(&self) {
        let mut inner = self.lock_for(Interruption::Removal).await;
        inner.orphan().await;
        self.publish(&inner);
    }

    /// Returns whether the file was deleted, or will not be stored again.
    pub fn is_orphan(&self) -> bool {
        self.is_orphan.load(Ordering::Acquire)
    }

    /// Updates references to a stored object that was renamed.
    pub async fn moved(&self, from: &ObjectRef, to: ObjectRef) {
        self.inner.lock().await.moved(from, to).await;
    }

    /// Writes all bytes held here into a local file, for a file that could not be stored. An upload
    /// that has other bytes is left unfinished.
    ///
    /// # Errors
    /// Fails if the local file or the temporary file fails.
    pub async fn rescue(&self, into: &std::fs::File) -> io::Result<Rescued> {
        self.inner.lock().await.rescue(into)
    }

    fn publish(&self, inner: &FileState) {
        self.length.store(inner.phase.length(), Ordering::Release);
        let was_dirty = self.is_dirty.swap(inner.dirty, Ordering::AcqRel);
        if inner.dirty && !was_dirty {
            inner.at.changed();
        }
        let has_begun =
            matches!(&inner.phase, Phase::Streaming(streaming) if streaming.has_upload());
        self.has_begun.store(has_begun, Ordering::Release);
        self.is_orphan.store(inner.is_orphan, Ordering::Release);
        self.unsent.count(|| inner.unsent_bytes());
    }
}
