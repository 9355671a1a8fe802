//! Buffers that are used again: fresh memory costs more in page faults than the copy into it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::budget::Grant;

/// Blocks lie on this grid of an object's offsets, so that the kernel's reads (128 KiB, aligned)
/// never cross two of them and are answered without a copy. Also how much must arrive before a
/// waiting reader gets its first byte.
pub const BLOCK: u64 = 256 << 10;

/// A smaller one gets memory of its own: many small files in whole buffers would take far more
/// memory than they are accounted for.
const SMALL: u64 = BLOCK / 2;

/// Keep so many unused buffers at most.
const KEEP: usize = 64;

/// Unused buffers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct BlockPool(Arc<Mutex<Vec<Vec<u8>>>>);

/// A buffer being filled.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    pool: BlockPool,
    grant: Option<Grant>,
}

impl BlockPool {
    /// An empty buffer with room for so many bytes, a block at most, accounted for by `grant`.
    pub fn take(&self, length: u64, grant: Option<Grant>) -> Block {
        let bytes = if length < SMALL {
            Vec::with_capacity(length as usize)
        } else {
            let unused = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
            unused.unwrap_or_else(|| Vec::with_capacity(BLOCK as usize))
        };
        Block {
            bytes,
            pool: self.clone(),
            grant,
        }
    }
}

impl Block {
    /// Appends.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes it holds.
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Makes it readable; the buffer returns to the pool when the last reader has dropped it.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut unused = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        if unused.len() < KEEP && bytes.capacity() as u64 >= BLOCK {
            unused.push(bytes);
        }
        drop(unused);
        self.grant.take();
    }
}
