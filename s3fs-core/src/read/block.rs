//! Pool of reusable buffers: page faults on fresh memory cost more than the copy into it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::budget::Grant;

/// Size of a block, in bytes. Blocks are aligned to this size within the object. The kernel's reads
/// (128 KiB, aligned) so never cross two of them and are answered without a copy. A waiting reader
/// gets its first byte once a block has arrived.
pub const BLOCK: u64 = 256 << 10;

/// Smallest pooled block, in bytes. A smaller one gets memory of its own: many small files in whole
/// buffers would take far more memory than they are accounted for.
const SMALL: u64 = BLOCK / 2;

/// Maximum number of unused buffers in the pool. No budget includes them.
const KEEP: usize = 64;

/// Pool of unused buffers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct BlockPool {
    unused: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// Buffer that is being filled.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    pool: BlockPool,
    grant: Option<Grant>,
}

impl BlockPool {
    /// Returns an empty buffer for `length` bytes (at most a block), accounted for by `grant`.
    pub fn take(&self, length: u64, grant: Option<Grant>) -> Block {
        let bytes = if length < SMALL {
            Vec::with_capacity(length as usize)
        } else {
            let unused = self.lock().pop();
            unused.unwrap_or_else(|| Vec::with_capacity(BLOCK as usize))
        };
        Block {
            bytes,
            pool: self.clone(),
            grant,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Block {
    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the number of bytes in the buffer.
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
        let mut unused = self.pool.lock();
        if unused.len() < KEEP && bytes.capacity() as u64 >= BLOCK {
            unused.push(bytes);
        }
        drop(unused);
        self.grant.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_buffers_take_sixteen_mebibytes_at_most() {
        let pool = BlockPool::default();
        let blocks: Vec<Block> = (0..1000).map(|_| pool.take(BLOCK, None)).collect();
        drop(blocks);
        let unused: usize = pool.lock().iter().map(Vec::capacity).sum();
        assert_eq!(unused, 16 << 20);
    }
}
