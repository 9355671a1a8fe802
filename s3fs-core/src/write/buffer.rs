//! The part that is being filled: in memory while the budget allows, else in a nameless file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::budget::{Budget, Grant};
use crate::store::Body;
use crate::write::plan::PartSizes;

/// Memory is taken from the budget in such steps.
const STEP: u64 = 1 << 20;

/// Keep so many unused buffers at most.
const KEEP: usize = 8;

/// Buffers of the size of a first part, used again: fresh memory costs more in page faults than
/// the copy into it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PartPool {
    unused: Arc<Mutex<Vec<Vec<u8>>>>,
    sizes: PartSizes,
}

impl PartPool {
    /// Of parts whose first has so many bytes.
    #[cfg(test)]
    pub fn with_first_part(bytes: u64) -> Self {
        Self {
            unused: Arc::default(),
            sizes: PartSizes::with_first(bytes),
        }
    }

    /// The sizes of the parts.
    pub fn sizes(&self) -> PartSizes {
        self.sizes
    }

    fn take(&self) -> Vec<u8> {
        let unused = self
            .unused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        unused.unwrap_or_else(|| Vec::with_capacity(self.sizes.first() as usize))
    }

    fn put(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() as u64 >= self.sizes.first() {
            bytes.clear();
            let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
            if unused.len() < KEEP {
                unused.push(bytes);
            }
        }
    }
}

/// Bytes that can be written anywhere and are sent as one body.
#[derive(Debug)]
pub struct PartBuffer {
    content: Content,
    budget: Budget,
    pool: PartPool,
}

#[derive(Debug)]
enum Content {
    Memory(Pooled),
    Spilled { file: Arc<File>, length: u64 },
}

/// Memory with its grant, returned to both on drop.
#[derive(Debug)]
struct Pooled {
    bytes: Vec<u8>,
    grant: Option<Grant>,
    granted: u64,
    pool: PartPool,
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.bytes));
        self.grant.take();
    }
}

impl PartBuffer {
    /// An empty buffer.
    pub fn new(budget: &Budget, pool: &PartPool) -> Self {
        let content = Content::Memory(Pooled {
            bytes: Vec::new(),
            grant: None,
            granted: 0,
            pool: pool.clone(),
        });
        Self {
            content,
            budget: budget.clone(),
            pool: pool.clone(),
        }
    }

    /// How many bytes.
    pub fn length(&self) -> u64 {
        match &self.content {
            Content::Memory(memory) => memory.bytes.len() as u64,
            Content::Spilled { length, .. } => *length,
        }
    }

    /// Writes at an offset; a gap before it reads as zeros.
    ///
    /// # Errors
    /// The budget is exhausted and the temporary folder is full or missing.
    pub fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let end = offset + data.len() as u64;
        self.make_room(end)?;
        match &mut self.content {
            Content::Memory(memory) => {
                let (offset, end) = (offset as usize, end as usize);
                if offset == memory.bytes.len() {
                    memory.bytes.extend_from_slice(data);
                } else {
                    if memory.bytes.len() < end {
                        memory.bytes.resize(end, 0);
                    }
                    memory.bytes[offset..end].copy_from_slice(data);
                }
            }
            Content::Spilled { file, length } => {
                file.write_all_at(data, offset)?;
                *length = end.max(*length);
            }
        }
        Ok(())
    }

    /// Cuts off, or extends with zeros.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at).
    pub fn resize(&mut self, new_length: u64) -> io::Result<()> {
        self.make_room(new_length)?;
        match &mut self.content {
            Content::Memory(memory) => memory.bytes.resize(new_length as usize, 0),
            Content::Spilled { file, length } => {
                file.set_len(new_length)?;
                *length = new_length;
            }
        }
        Ok(())
    }

    /// Up to `length` bytes from an offset.
    ///
    /// # Errors
    /// The temporary file can't be read.
    pub fn read_at(&self, offset: u64, length: u64) -> io::Result<Bytes> {
        let end = offset.saturating_add(length).min(self.length());
        let offset = offset.min(end);
        match &self.content {
            Content::Memory(memory) => Ok(Bytes::copy_from_slice(
                &memory.bytes[offset as usize..end as usize],
            )),
            Content::Spilled { file, .. } => {
                let mut bytes = vec![0; (end - offset) as usize];
                file.read_exact_at(&mut bytes, offset)?;
                Ok(bytes.into())
            }
        }
    }

    /// Takes the bytes out as a body and leaves the buffer empty.
    pub fn take_body(&mut self) -> Body {
        let empty = Self::new(&self.budget, &self.pool);
        match std::mem::replace(self, empty).content {
            Content::Memory(memory) => Body::Memory(Bytes::from_owner(memory)),
            Content::Spilled { file, length } => Body::File { file, length },
        }
    }

    /// A copy of the bytes as a body.
    ///
    /// # Errors
    /// The temporary file can't be read.
    pub fn copy_body(&self) -> io::Result<Body> {
        match &self.content {
            Content::Memory(_) => Ok(Body::Memory(self.read_at(0, self.length())?)),
            // Whoever sends it keeps the buffer from changing meanwhile.
            Content::Spilled { file, length } => Ok(Body::File {
                file: Arc::clone(file),
                length: *length,
            }),
        }
    }

    /// Makes sure that memory up to `end` is granted, or goes to a file. Never waits: the memory
    /// of many half-filled parts would otherwise wait for each other for ever.
    fn make_room(&mut self, end: u64) -> io::Result<()> {
        let Content::Memory(memory) = &mut self.content else {
            return Ok(());
        };
        while memory.granted < end {
            let step = (end - memory.granted).next_multiple_of(STEP);
            let Some(grant) = self.budget.take_to_keep(step) else {
                return self.spill();
            };
            match &mut memory.grant {
                Some(all) => all.merge(grant),
                None => memory.grant = Some(grant),
            }
            memory.granted += step;
        }
        let capacity = memory.bytes.capacity() as u64;
        if end > capacity && end > STEP && capacity < self.pool.sizes.first() {
            let mut larger = self.pool.take();
            larger.extend_from_slice(&memory.bytes);
            memory.bytes = larger;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let Content::Memory(memory) = &self.content else {
            return Ok(());
        };
        let file = tempfile::tempfile()?;
        file.write_all_at(&memory.bytes, 0)?;
        let length = memory.bytes.len() as u64;
        self.content = Content::Spilled {
            file: Arc::new(file),
            length,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(body: Body) -> Vec<u8> {
        match body {
            Body::Memory(bytes) => bytes.to_vec(),
            Body::File { file, length } => {
                let mut bytes = vec![0; length as usize];
                file.read_exact_at(&mut bytes, 0).unwrap();
                bytes
            }
        }
    }

    #[test]
    fn writes_land_where_they_are_put_in_memory_and_in_a_file() {
        for budget in [8 << 20, 0] {
            let mut buffer = PartBuffer::new(&Budget::new(budget), &PartPool::default());
            buffer.write_at(0, b"hello").unwrap();
            buffer.write_at(7, b"world").unwrap();
            buffer.write_at(1, b"a").unwrap();
            assert_eq!(&buffer.read_at(3, 100).unwrap()[..], b"lo\0\0world");
            buffer.resize(9).unwrap();
            assert_eq!(bytes(buffer.take_body()), b"hallo\0\0wo");
            assert_eq!(buffer.length(), 0);
        }
    }

    #[test]
    fn a_buffer_that_finds_no_memory_goes_to_a_file_with_what_it_has() {
        let budget = Budget::new(1 << 20);
        let mut buffer = PartBuffer::new(&budget, &PartPool::default());
        buffer.write_at(0, &[1; 1000]).unwrap();
        buffer.write_at(1000, &vec![2; 2 << 20]).unwrap();
        assert!(matches!(buffer.content, Content::Spilled { .. }));
        assert!(budget.try_take(1 << 20).is_some(), "its memory went back");
        let all = bytes(buffer.take_body());
        assert_eq!((all[999], all[1000], all.len()), (1, 2, 1000 + (2 << 20)));
    }
}
