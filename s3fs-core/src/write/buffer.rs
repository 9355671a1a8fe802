//! Bytes that are sent as one body: in memory while the budget allows, else in an unnamed file.

use std::sync::Arc;

use bytes::Bytes;

use crate::budget::{Grant, UNIT};
use crate::object::ETag;
use crate::store::Body;
use crate::write::error::WriteError;
use crate::write::pool::PartPool;
use crate::write::stage::StageFile;
use crate::write::target::{Destination, Target};

/// Largest buffer, in bytes, that is not taken from the pool.
const SMALL: u64 = 1 << 20;

/// Size of the pieces, in bytes, in which a file's bytes are copied.
const PIECE: u64 = 1 << 20;

/// Bytes that can be written at any offset and are sent as one body. Clones and bodies share them
/// with the buffer until it is changed.
#[derive(Clone, Debug)]
pub(super) struct PartBuffer {
    content: Content,
    target: Arc<Target>,
}

#[derive(Clone, Debug)]
enum Content {
    Memory(Arc<Pooled>),
    Spilled(Arc<Spilled>),
}

/// Memory with its grant; returns both on drop.
#[derive(Debug)]
struct Pooled {
    bytes: Vec<u8>,
    grant: Option<Grant>,
    granted: u64,
    pool: PartPool,
}

#[derive(Debug)]
struct Spilled {
    file: StageFile,
    length: u64,
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.bytes));
        self.grant.take();
    }
}

/// Shared memory of a buffer, as held by a body.
struct Lent(Arc<Pooled>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl PartBuffer {
    /// Creates an empty buffer.
    pub(super) fn new(target: &Arc<Target>) -> Self {
        Self {
            content: Content::Memory(Arc::new(Pooled::new(&target.pool))),
            target: Arc::clone(target),
        }
    }

    /// Returns the length in bytes.
    pub(super) fn length(&self) -> u64 {
        match &self.content {
            Content::Memory(memory) => memory.bytes.len() as u64,
            Content::Spilled(spilled) => spilled.length,
        }
    }

    /// Returns whether the bytes are in memory.
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.content, Content::Memory(_))
    }

    /// Writes at an offset; a gap before it reads as zeros.
    ///
    /// # Errors
    /// Fails if the budget and the space for temporary files are both exhausted.
    pub(super) fn write_at(&mut self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let end = offset + data.len() as u64;
        match self.exclusively(end)? {
            Exclusive::Memory(memory) => memory.write_at(offset as usize, data),
            Exclusive::Spilled(spilled) => spilled.write_at(offset, data)?,
        }
        Ok(())
    }

    /// Truncates the buffer, or extends it with zeros.
    ///
    /// # Errors
    /// Fails like [`write_at`](Self::write_at).
    pub(super) fn resize(&mut self, length: u64) -> Result<(), WriteError> {
        match self.exclusively(length)? {
            Exclusive::Memory(memory) => memory.bytes.resize(length as usize, 0),
            Exclusive::Spilled(spilled) => {
                spilled.grow(length)?;
                spilled.file.cut(length, spilled.length - length)?;
                spilled.length = length;
            }
        }
        Ok(())
    }

    /// Overwrites a range with zeros.
    ///
    /// # Errors
    /// Fails like [`write_at`](Self::write_at).
    pub(super) fn zero(&mut self, offset: u64, length: u64) -> Result<(), WriteError> {
        let end = offset.saturating_add(length).min(self.length());
        if offset >= end {
            return Ok(());
        }
        match self.exclusively(end)? {
            Exclusive::Memory(memory) => memory.bytes[offset as usize..end as usize].fill(0),
            Exclusive::Spilled(spilled) => spilled.file.clear(offset..end, 0)?,
        }
        Ok(())
    }

    /// Returns up to `length` bytes from an offset.
    ///
    /// # Errors
    /// Fails if the temporary file can't be read.
    pub(super) fn read_at(&self, offset: u64, length: u64) -> Result<Bytes, WriteError> {
        let end = offset.saturating_add(length).min(self.length());
        let offset = offset.min(end);
        match &self.content {
            Content::Memory(memory) => {
                let bytes = &memory.bytes[offset as usize..end as usize];
                Ok(Bytes::copy_from_slice(bytes))
            }
            Content::Spilled(spilled) => Ok(spilled.file.read(offset, end - offset)?),
        }
    }

    /// Passes all bytes to `take`, in pieces with their offsets.
    ///
    /// # Errors
    /// Fails if the temporary file can't be read, or if `take` fails.
    pub(super) fn each_piece<E: From<WriteError>>(
        &self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.content {
            Content::Memory(memory) if memory.bytes.is_empty() => Ok(()),
            Content::Memory(memory) => take(0, &memory.bytes),
            Content::Spilled(spilled) => {
                for at in (0..spilled.length).step_by(PIECE as usize) {
                    take(at, &self.read_at(at, PIECE)?)?;
                }
                Ok(())
            }
        }
    }

    /// Returns the present bytes as a request body.
    ///
    /// # Errors
    /// Fails if the temporary file fails.
    pub(super) fn body(&self) -> Result<Body, WriteError> {
        match &self.content {
            Content::Memory(memory) => {
                let lent = Lent(Arc::clone(memory));
                Ok(Body::memory(Bytes::from_owner(lent)))
            }
            Content::Spilled(spilled) => Ok(spilled.file.body(0..spilled.length)?),
        }
    }

    /// Stores the bytes in one request.
    ///
    /// # Errors
    /// Fails if the store or the temporary file fails.
    pub(super) async fn store(&self, to: &Destination) -> Result<ETag, WriteError> {
        let (store, body) = (&self.target.store, self.body()?);
        let putting = store.put(&to.key, body, &to.headers, &to.precondition);
        Ok(putting.await?)
    }

    /// Returns the content for exclusive use, with room up to `end`. Copies it first if it is
    /// shared.
    fn exclusively(&mut self, end: u64) -> Result<Exclusive<'_>, WriteError> {
        if self.content.is_shared() {
            self.content = self.copied()?.content;
        }
        self.make_room(end)?;
        Ok(match &mut self.content {
            Content::Memory(memory) => Exclusive::Memory(exclusive(memory)),
            Content::Spilled(spilled) => Exclusive::Spilled(exclusive(spilled)),
        })
    }

    fn copied(&self) -> Result<Self, WriteError> {
        let mut copy = Self::new(&self.target);
        self.each_piece(|at, bytes| copy.write_at(at, bytes))?;
        Ok(copy)
    }

    /// Ensures that memory up to `end` is granted, or moves the bytes to a file. Never waits: many
    /// half-filled parts would otherwise wait for each other's memory for ever.
    fn make_room(&mut self, end: u64) -> Result<(), WriteError> {
        let Content::Memory(memory) = &mut self.content else {
            return Ok(());
        };
        let memory = exclusive(memory);
        if !memory.take_grant(end, &self.target) {
            return self.spill();
        }
        let capacity = memory.bytes.capacity() as u64;
        if end <= capacity {
            return Ok(());
        }
        if end > SMALL && capacity < memory.pool.sizes().first() {
            let mut larger = memory.pool.take();
            larger.extend_from_slice(&memory.bytes);
            memory.bytes = larger;
        } else {
            let more = memory.granted - memory.bytes.len() as u64;
            memory.bytes.reserve_exact(more as usize);
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), WriteError> {
        let Content::Memory(memory) = &self.content else {
            return Ok(());
        };
        let file = self.target.stages.create()?;
        let length = memory.bytes.len() as u64;
        file.write(0, &memory.bytes, length)?;
        self.content = Content::Spilled(Arc::new(Spilled { file, length }));
        Ok(())
    }
}

/// Content of a buffer that is not shared.
enum Exclusive<'a> {
    Memory(&'a mut Pooled),
    Spilled(&'a mut Spilled),
}

fn exclusive<T>(content: &mut Arc<T>) -> &mut T {
    Arc::get_mut(content).unwrap_or_else(|| unreachable!("shared content is copied first"))
}

impl Content {
    fn is_shared(&self) -> bool {
        match self {
            Self::Memory(memory) => Arc::strong_count(memory) > 1,
            Self::Spilled(spilled) => Arc::strong_count(spilled) > 1 || spilled.file.is_sent(),
        }
    }
}

impl Pooled {
    fn new(pool: &PartPool) -> Self {
        Self {
            bytes: Vec::new(),
            grant: None,
            granted: 0,
            pool: pool.clone(),
        }
    }

    fn write_at(&mut self, offset: usize, data: &[u8]) {
        if offset == self.bytes.len() {
            return self.bytes.extend_from_slice(data);
        }
        let end = offset + data.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(data);
    }

    /// Takes memory up to `end`: double the present grant if possible, else only what is needed.
    fn take_grant(&mut self, end: u64, target: &Target) -> bool {
        if end <= self.granted {
            return true;
        }
        let least = end.next_multiple_of(UNIT);
        let first = self.pool.sizes().first();
        let doubled = self.granted + self.granted.min(first);
        let doubled = if self.granted < first {
            doubled.min(first)
        } else {
            doubled
        };
        let wanted = [least.max(doubled), least];
        let grant = wanted.into_iter().find_map(|size| {
            let grant = target.budget.take_to_keep(size - self.granted)?;
            Some((size, grant))
        });
        let Some((size, grant)) = grant else {
            return false;
        };
        self.granted = size;
        match &mut self.grant {
            Some(all) => all.merge(grant),
            None => self.grant = Some(grant),
        }
        true
    }
}

impl Spilled {
    /// Extends the file with zeros.
    fn grow(&mut self, length: u64) -> Result<(), WriteError> {
        if length > self.length {
            self.write_at(length - 1, &[0])?;
        }
        Ok(())
    }

    /// Writes at an offset. The file has zeros behind its end, so a gap needs no writing.
    fn write_at(&mut self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let end = offset + data.len() as u64;
        let new = end.saturating_sub(self.length);
        if let Err(error) = self.file.write(offset, data, new) {
            // What was written behind the end must not show when the buffer grows.
            self.file.cut(self.length, 0)?;
            return Err(error);
        }
        self.length = end.max(self.length);
        Ok(())
    }
}
