//! One file that is being written.
//!
//! A file begins whole in its buffer. If it stays within the first part's size, it is written
//! anywhere, as often as one likes, and stored by a single PUT. When it outgrows the buffer, an
//! upload is opened and full parts leave while the next one fills; from there on, only what is
//! still in the buffer can be written again. Storing (at close or fsync) completes the upload. A
//! write at the end of a file stored like that begins a new upload whose first parts are copied by
//! the server from the old one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::{Mutex, MutexGuard};

use crate::object::{ByteRange, ETag, Headers, ObjectMeta};
use crate::store::{Condition, Precondition, StoreError, StoreErrorKind};
use crate::write::buffer::PartBuffer;
use crate::write::plan::{FIRST_PART, MAX_OBJECT, PartSizes, copy_ranges};
use crate::write::target::Target;
use crate::write::upload::Upload;

/// How often the bytes of a file that is to be changed are asked for, if they break off.
const ATTEMPTS: u32 = 6;

/// Why a write was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// Bytes that have been uploaded already would have to change.
    #[error("a file beyond {} MiB can only be written from its beginning to its end", FIRST_PART >> 20)]
    NotSequential,
    /// Larger than any object.
    #[error("an object has at most 5 TiB")]
    TooLarge,
    /// The store failed; what was written since the last success is lost.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The temporary folder failed while memory was exhausted.
    #[error("the temporary folder cannot hold what memory cannot: {0}")]
    Spill(Arc<io::Error>),
    /// The file was deleted.
    #[error("the file was deleted")]
    Deleted,
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Spill(Arc::new(error))
    }
}

/// A file open for writing, shared by all its handles.
#[derive(Debug)]
pub struct Writer {
    target: Arc<Target>,
    inner: Mutex<Inner>,
    /// A copy of `Inner::length`, to be read without waiting for an upload.
    length: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    phase: Phase,
    /// What is not sent yet: the file from `base` on.
    buffer: PartBuffer,
    /// How many bytes have been handed to the upload, or are stored.
    base: u64,
    /// Whether the bucket lacks something of the file.
    dirty: bool,
    /// The version that was stored last.
    stored: Option<ETag>,
    precondition: Precondition,
    failed: Option<WriteError>,
    sizes: PartSizes,
}

#[derive(Debug)]
enum Phase {
    /// The buffer holds the whole file.
    Whole,
    /// Full parts are on their way.
    Streaming(Upload),
    /// All bytes are in the bucket, and too many to be held here.
    Stored(ETag),
}

impl Writer {
    /// A new, empty file. It exists in the bucket when it is stored, even if it stays empty.
    pub fn create(target: Target, precondition: Precondition) -> Self {
        Self::with(target, Phase::Whole, 0, &[], None, precondition)
    }

    /// A stored file, to be changed. A small one is fetched; a large one can be appended to.
    ///
    /// # Errors
    /// It was replaced or deleted meanwhile, or the store doesn't answer.
    pub async fn open(target: Target, meta: &ObjectMeta) -> Result<Self, StoreError> {
        let etag = meta.etag.clone();
        let unconditional = Precondition::None;
        if meta.size > target.pool.sizes().first() {
            let phase = Phase::Stored(etag.clone());
            return Ok(Self::with(
                target,
                phase,
                meta.size,
                &[],
                Some(etag),
                unconditional,
            ));
        }
        let mut content = Vec::with_capacity(meta.size as usize);
        let mut attempts = 1;
        while let Err(error) = fetch_rest(&target, meta, &mut content).await {
            if attempts == ATTEMPTS || !error.kind.is_transient() {
                return Err(error);
            }
            attempts += 1;
        }
        Ok(Self::with(
            target,
            Phase::Whole,
            0,
            &content,
            Some(etag),
            unconditional,
        ))
    }

    fn with(
        target: Target,
        phase: Phase,
        base: u64,
        content: &[u8],
        stored: Option<ETag>,
        precondition: Precondition,
    ) -> Self {
        let mut buffer = PartBuffer::new(&target.budget, &target.pool);
        let failed = buffer.write_at(0, content).err().map(WriteError::from);
        let length = AtomicU64::new(base + buffer.length());
        let dirty = stored.is_none();
        let inner = Inner {
            phase,
            buffer,
            base,
            dirty,
            stored,
            precondition,
            failed,
            sizes: target.pool.sizes(),
        };
        Self {
            target: Arc::new(target),
            inner: Mutex::new(inner),
            length,
        }
    }

    /// The file's size in bytes.
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Writes, if that needs no waiting; says whether it did.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn try_write(&self, offset: u64, data: &[u8]) -> Result<bool, WriteError> {
        let Ok(mut inner) = self.inner.try_lock() else {
            return Ok(false);
        };
        inner.check()?;
        let end = offset.saturating_add(data.len() as u64);
        if matches!(inner.phase, Phase::Stored(_))
            || offset < inner.base
            || end >= inner.base + inner.part_size()
        {
            return Ok(false);
        }
        let at = offset - inner.base;
        inner.buffer.write_at(at, data)?;
        inner.dirty = true;
        self.publish_length(&inner);
        Ok(true)
    }

    /// Writes at an offset, waiting for the upload where it must.
    ///
    /// # Errors
    /// The bytes before have been uploaded and can't change any more, the object would be too
    /// large, or the upload failed.
    pub async fn write(&self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let mut inner = self.inner.lock().await;
        inner.check()?;
        if offset.saturating_add(data.len() as u64) > MAX_OBJECT {
            return Err(WriteError::TooLarge);
        }
        if offset < inner.base {
            return Err(WriteError::NotSequential);
        }
        let result = self.write_locked(&mut inner, offset, data).await;
        self.publish_length(&inner);
        // Parts may be lost, so nothing that follows could be stored as it was meant.
        result.map_err(|error| inner.poison(error))
    }

    async fn write_locked(
        &self,
        inner: &mut Inner,
        offset: u64,
        data: &[u8],
    ) -> Result<(), WriteError> {
        if let Phase::Stored(etag) = &inner.phase {
            let etag = etag.clone();
            inner.phase = Phase::Streaming(self.resume(inner.base, &etag).await?);
        }
        inner.dirty = true;
        let (mut offset, mut data) = (offset, data);
        // A gap that outgrows the part is filled with zeros, part by part.
        while offset - inner.base >= inner.part_size() {
            let full = inner.part_size();
            inner.buffer.resize(full)?;
            self.send_part(inner).await?;
        }
        while !data.is_empty() {
            let at = offset - inner.base;
            let room = inner.part_size() - at;
            let take = usize::try_from(room).unwrap_or(usize::MAX).min(data.len());
            inner.buffer.write_at(at, &data[..take])?;
            offset += take as u64;
            data = &data[take..];
            if inner.buffer.length() >= inner.part_size() {
                self.send_part(inner).await?;
            }
        }
        Ok(())
    }

    /// Sends the full buffer on its way, opening the upload if this is the first part.
    async fn send_part(&self, inner: &mut Inner) -> Result<(), WriteError> {
        if matches!(inner.phase, Phase::Whole) {
            inner.phase = Phase::Streaming(Upload::start(&self.target));
        }
        let Phase::Streaming(upload) = &mut inner.phase else {
            return Ok(());
        };
        inner.base += inner.buffer.length();
        Ok(upload.send(inner.buffer.take_body()).await?)
    }

    /// An upload whose first parts are the stored object.
    async fn resume(&self, length: u64, etag: &ETag) -> Result<Upload, StoreError> {
        let mut upload = Upload::start(&self.target);
        for range in copy_ranges(length) {
            upload.copy(range, etag.clone()).await?;
        }
        Ok(upload)
    }

    /// Makes the bucket hold the file as it is now. Returns the version, and whether a request was
    /// needed.
    ///
    /// # Errors
    /// It could not be stored. What is whole in memory is tried again by the next call.
    pub async fn store(&self) -> Result<Stored, WriteError> {
        let mut inner = self.inner.lock().await;
        inner.check()?;
        if let (false, Some(etag)) = (inner.dirty, &inner.stored) {
            return Ok(Stored {
                etag: etag.clone(),
                size: self.length(),
                anew: false,
            });
        }
        let etag = match inner.phase {
            Phase::Whole => self.put(&inner).await?,
            Phase::Streaming(_) => {
                let result = self.complete(&mut inner).await;
                result.map_err(|error| inner.poison(error))?
            }
            Phase::Stored(ref etag) => etag.clone(),
        };
        inner.dirty = false;
        inner.stored = Some(etag.clone());
        // It exists now, and is ours to replace.
        inner.precondition = Precondition::None;
        Ok(Stored {
            etag,
            size: self.length(),
            anew: true,
        })
    }

    async fn put(&self, inner: &MutexGuard<'_, Inner>) -> Result<ETag, WriteError> {
        let body = inner.buffer.copy_body()?;
        Ok(self
            .target
            .store
            .put(
                &self.target.key,
                body,
                &Headers::default(),
                &inner.precondition,
            )
            .await?)
    }

    async fn complete(&self, inner: &mut Inner) -> Result<ETag, WriteError> {
        if inner.buffer.length() > 0 {
            self.send_part(inner).await?;
        }
        let placeholder = Phase::Stored(ETag::new(""));
        let Phase::Streaming(upload) = std::mem::replace(&mut inner.phase, placeholder) else {
            unreachable!("only a streaming file is completed")
        };
        let etag = upload.complete(&inner.precondition).await?;
        inner.phase = Phase::Stored(etag.clone());
        Ok(etag)
    }

    /// Cuts the file off or extends it with zeros.
    ///
    /// # Errors
    /// The bytes before the new end have been uploaded and can't change any more.
    pub async fn resize(&self, length: u64) -> Result<(), WriteError> {
        let mut inner = self.inner.lock().await;
        if length == 0 && !matches!(inner.failed, Some(WriteError::Deleted)) {
            // Nothing of what failed is wanted any more.
            inner.failed = None;
        }
        inner.check()?;
        if length == self.length() && length > 0 {
            return Ok(());
        }
        if length > MAX_OBJECT {
            return Err(WriteError::TooLarge);
        }
        if length == 0 {
            self.abandon_upload(&mut inner).await;
            inner.base = 0;
            inner.phase = Phase::Whole;
            inner.buffer.resize(0)?;
        } else if length < inner.base {
            return Err(WriteError::NotSequential);
        } else if length - inner.base < inner.part_size()
            && !matches!(inner.phase, Phase::Stored(_))
        {
            let in_buffer = length - inner.base;
            inner.buffer.resize(in_buffer)?;
        } else {
            let result = self.write_locked(&mut inner, length - 1, &[0]).await;
            result.map_err(|error| inner.poison(error))?;
        }
        inner.dirty = true;
        self.publish_length(&inner);
        Ok(())
    }

    /// Bytes of a file that is still whole here; nothing if it isn't.
    ///
    /// # Errors
    /// The temporary folder failed.
    pub async fn read(&self, offset: u64, length: u64) -> Result<Option<Bytes>, WriteError> {
        let inner = self.inner.lock().await;
        if let Some(WriteError::Deleted) = inner.failed {
            return Err(WriteError::Deleted);
        }
        match inner.phase {
            Phase::Whole => Ok(Some(inner.buffer.read_at(offset, length)?)),
            Phase::Streaming(_) | Phase::Stored(_) => Ok(None),
        }
    }

    /// Throws away what is not stored; every later write is refused.
    pub async fn discard(&self) {
        self.hold().await.discard().await;
    }

    /// Waits for what is being stored and keeps everything else from beginning.
    pub async fn hold(&self) -> Held<'_> {
        let inner = self.inner.lock().await;
        Held {
            writer: self,
            inner,
        }
    }

    /// Whether the bucket has everything, and nobody is about to change that.
    pub fn is_stored(&self) -> bool {
        self.inner.try_lock().is_ok_and(|inner| !inner.dirty)
    }

    async fn abandon_upload(&self, inner: &mut Inner) {
        let placeholder = Phase::Stored(ETag::new(""));
        match std::mem::replace(&mut inner.phase, placeholder) {
            Phase::Streaming(upload) => upload.abort().await,
            other => inner.phase = other,
        }
    }

    fn publish_length(&self, inner: &Inner) {
        self.length
            .store(inner.base + inner.buffer.length(), Ordering::Release);
    }
}

/// A writer that does nothing until this is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    writer: &'a Writer,
    inner: MutexGuard<'a, Inner>,
}

impl Held<'_> {
    /// Whether a version has been stored by this writer, or was there before.
    pub fn is_stored(&self) -> bool {
        self.inner.stored.is_some()
    }

    /// As [`Writer::discard`].
    pub async fn discard(mut self) {
        self.inner.failed = Some(WriteError::Deleted);
        self.writer.abandon_upload(&mut self.inner).await;
        let target = &self.writer.target;
        self.inner.buffer = PartBuffer::new(&target.budget, &target.pool);
    }
}

/// Fetches what is missing of a small object's bytes.
async fn fetch_rest(
    target: &Target,
    meta: &ObjectMeta,
    content: &mut Vec<u8>,
) -> Result<(), StoreError> {
    let Some(missing) = ByteRange::new(content.len() as u64, meta.size) else {
        return Ok(());
    };
    let Target { store, key, .. } = target;
    let range = Some(missing).filter(|missing| missing.start() > 0);
    let mut answer = store.get(key, range, Condition::Is(&meta.etag)).await?;
    let failed = |kind| StoreError {
        operation: "GetObject",
        object: store.uri(key),
        kind,
    };
    if answer.range != Some(missing) {
        let words = format!("asked for {missing}, got {:?}", answer.range);
        return Err(failed(StoreErrorKind::NotS3(words)));
    }
    while let Some(piece) = answer.body.next().await? {
        content.extend_from_slice(&piece);
    }
    match meta.size.checked_sub(content.len() as u64) {
        Some(0) => Ok(()),
        left => Err(failed(StoreErrorKind::Truncated(format!(
            "{left:?} of {missing} missing"
        )))),
    }
}

/// A file is in the bucket.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The version.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// Whether anything had to be sent.
    pub anew: bool,
}

impl Inner {
    fn check(&self) -> Result<(), WriteError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn poison(&mut self, error: WriteError) -> WriteError {
        self.failed = Some(error.clone());
        error
    }

    fn part_size(&self) -> u64 {
        match &self.phase {
            Phase::Streaming(upload) => self.sizes.part(upload.next_number()),
            Phase::Whole | Phase::Stored(_) => self.sizes.first(),
        }
    }
}
