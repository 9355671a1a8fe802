//! One file that is open for writing.
//!
//! A file begins whole, in memory. If it stays within the first part's size, it is stored by a
//! single PUT. If it outgrows that at its end, it streams: full parts leave while the next one fills,
//! and storing it (at close or fsync) completes the upload. Anything else that happens to a large
//! file goes to the stage: what changed is held there, what did not is wherever it was, and storing
//! sends the one and has the server copy the other.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::object::{ByteRange, Headers, ObjectRef};
use crate::store::{StoreError, StoreErrorKind};
use crate::write::attempts::Attempts;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::Extents;
use crate::write::fetch::fetch;
use crate::write::inner::{Inner, Phase};
use crate::write::left::Left;
use crate::write::missed::Missed;
use crate::write::reading::{Piece, Reading};
use crate::write::rescue::Rescued;
use crate::write::staged::Staged;
use crate::write::target::{Place, Stored, Target};

/// A file open for writing, shared by all its handles.
#[derive(Debug)]
pub struct Writer {
    inner: Mutex<Inner>,
    /// A copy of the file's size, to be read without waiting for an upload.
    length: AtomicU64,
    /// A copy of whether the bucket lacks something of the file.
    is_dirty: AtomicBool,
    /// A copy of whether an upload has begun.
    has_begun: AtomicBool,
    /// A copy of whether the file was deleted.
    is_orphan: AtomicBool,
    /// A copy of what is still to be sent, which shrinks while the file is being stored.
    left: Left,
}

impl Writer {
    /// A new, empty file. It exists in the bucket when it is stored, even if it stays empty.
    pub fn create(target: Target, at: Arc<dyn Place>) -> Self {
        let target = Arc::new(target);
        let phase = Phase::Whole(PartBuffer::new(&target));
        Self::with(target, at, phase, None)
    }

    /// A stored file, to be changed. A small one is fetched.
    ///
    /// # Errors
    /// It was replaced or deleted meanwhile, or the store doesn't answer, or there is no room for
    /// what it has.
    pub async fn open(
        target: Target,
        at: Arc<dyn Place>,
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
        at: Arc<dyn Place>,
        phase: Phase,
        stored: Option<(ObjectRef, Headers)>,
    ) -> Self {
        let length = AtomicU64::new(phase.length());
        let is_dirty = AtomicBool::new(stored.is_none());
        let left = target.left.clone();
        let inner = Mutex::new(Inner {
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
            left,
        }
    }

    /// The file's size in bytes.
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Writes, if that needs no waiting; says whether it did.
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

    /// Writes at an offset, waiting for the store where it must: for a part to leave, or for what
    /// was sent to become an object where it changes.
    ///
    /// # Errors
    /// The object would be too large, there is no room for the bytes, or the store failed. Then some
    /// of the bytes may have been written, from the first on. What was written before stays.
    pub async fn write(&self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let mut inner = self.inner.lock().await;
        let written = inner.write(offset, data).await;
        self.publish(&inner);
        written
    }

    /// Bytes of mapped pages were refused when the kernel handed them over, and no program learns it. The
    /// file is not stored, until they are written again or cut off.
    pub async fn miss(&self, range: Range<u64>, cause: WriteError) {
        let mut inner = self.inner.lock().await;
        inner.miss(range, cause);
        self.publish(&inner);
    }

    /// Cuts the file off or extends it with zeros.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write).
    pub async fn resize(&self, length: u64) -> Result<(), WriteError> {
        let mut inner = self.inner.lock().await;
        let resized = inner.resize(length).await;
        self.publish(&inner);
        resized
    }

    /// Makes bytes zeros, as far as the file goes. Its length stays.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write).
    pub async fn punch(&self, offset: u64, length: u64) -> Result<(), WriteError> {
        let mut inner = self.inner.lock().await;
        let punched = inner.punch(offset..offset.saturating_add(length)).await;
        self.publish(&inner);
        punched
    }

    /// Makes bytes those of a stored object, without fetching them. The object must stay until the
    /// file is stored.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write), or the object has no such bytes.
    pub async fn graft(
        &self,
        offset: u64,
        source: Arc<ObjectRef>,
        source_offset: u64,
        length: u64,
    ) -> Result<(), WriteError> {
        let mut inner = self.inner.lock().await;
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
        let grafted = inner.graft(offset, (source, source_offset), length).await;
        self.publish(&inner);
        grafted
    }

    /// Up to `length` bytes from an offset; fewer only at the end of the file.
    ///
    /// # Errors
    /// The temporary file failed, or the bytes are lost.
    pub async fn read(&self, offset: u64, length: u64) -> Result<Reading, WriteError> {
        let inner = self.inner.lock().await;
        let range = offset..offset.saturating_add(length).min(inner.phase.length());
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

    /// Makes the bucket hold the file as it is now, where its place says.
    ///
    /// # Errors
    /// It could not be stored, or was deleted. Nothing is thrown away: the next call tries again,
    /// and sends no part twice.
    pub async fn store(&self) -> Result<Stored, WriteError> {
        let mut inner = self.inner.lock().await;
        let stored = inner.store().await;
        self.publish(&inner);
        stored
    }

    /// Whether the bucket has everything.
    pub fn is_stored(&self) -> bool {
        !self.is_dirty.load(Ordering::Acquire)
    }

    /// About how many bytes are still to be sent before the bucket has everything.
    pub fn left(&self) -> u64 {
        self.left.bytes()
    }

    /// Whether bytes are with an upload already, and with them the headers.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Whether some of its bytes are those of stored objects.
    pub async fn needs_objects(&self) -> bool {
        match &self.inner.lock().await.phase {
            Phase::Staged(staged) => staged.needs_objects(),
            Phase::Whole(_) | Phase::Streaming(_) => false,
        }
    }

    /// What was stored last.
    #[cfg(test)]
    pub async fn stored(&self) -> Option<ObjectRef> {
        let inner = self.inner.lock().await;
        inner.stored.as_ref().map(|(object, _)| object.clone())
    }

    /// Whether bytes are with an upload, which can only become an object of the key that the file had
    /// when it began. A file is to be stored before it is renamed then.
    pub async fn is_streaming(&self) -> bool {
        let inner = self.inner.lock().await;
        matches!(&inner.phase, Phase::Streaming(streaming) if streaming.unsent().is_none())
    }

    /// The file has to be stored again, though no byte changed: its headers or its name did.
    pub async fn touch(&self) {
        let mut inner = self.inner.lock().await;
        inner.dirty = true;
        self.publish(&inner);
    }

    /// The file was deleted and is still open, or nobody will try again to store it: from now on
    /// nothing is stored, and what is here stays readable and writable. What was with an upload is
    /// lost; the upload is aborted, unless it was left by [`rescue`](Self::rescue).
    pub async fn orphan(&self) {
        let mut inner = self.inner.lock().await;
        inner.orphan().await;
        self.publish(&inner);
    }

    /// Whether the file was deleted, or given up.
    pub fn is_orphan(&self) -> bool {
        self.is_orphan.load(Ordering::Acquire)
    }

    /// A stored object that the file may refer to has another name now.
    pub async fn moved(&self, from: &ObjectRef, to: ObjectRef) {
        self.inner.lock().await.moved(from, to).await;
    }

    /// Writes all that is here of a file that could not be stored into a local one. An upload that
    /// has the rest is left unfinished.
    ///
    /// # Errors
    /// Either file failed.
    pub async fn rescue(&self, into: &std::fs::File) -> io::Result<Rescued> {
        self.inner.lock().await.rescue(into)
    }

    fn publish(&self, inner: &Inner) {
        self.length.store(inner.phase.length(), Ordering::Release);
        self.is_dirty.store(inner.dirty, Ordering::Release);
        let has_begun =
            matches!(&inner.phase, Phase::Streaming(streaming) if streaming.has_upload());
        self.has_begun.store(has_begun, Ordering::Release);
        self.is_orphan.store(inner.is_orphan, Ordering::Release);
        self.left.count(|| inner.left());
    }
}
