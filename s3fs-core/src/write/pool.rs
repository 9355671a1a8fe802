//! Pool of reusable buffers.

use std::sync::{Arc, Mutex, PoisonError};

use crate::write::sizes::PartSizes;

/// Maximum number of unused buffers in the pool.
const KEEP: usize = 8;

/// Pool of buffers of the size of a first part: page faults on fresh memory cost more than the copy
/// into it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PartPool {
    unused: Arc<Mutex<Vec<Vec<u8>>>>,
    sizes: PartSizes,
}

impl PartPool {
    /// Creates a pool for parts whose first has `bytes` bytes.
    #[cfg(test)]
    pub fn with_first_part(bytes: u64) -> Self {
        Self {
            unused: Arc::default(),
            sizes: PartSizes::with_first(bytes),
        }
    }

    /// Returns the sizes of the parts.
    pub fn sizes(&self) -> PartSizes {
        self.sizes
    }

    /// Returns a buffer with room for a first part.
    pub(super) fn take(&self) -> Vec<u8> {
        let unused = self
            .unused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        unused.unwrap_or_else(|| Vec::with_capacity(self.sizes.first() as usize))
    }

    /// Returns a buffer to the pool, if it is large enough.
    pub(super) fn put(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() as u64 >= self.sizes.first() {
            bytes.clear();
            let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
            if unused.len() < KEEP {
                unused.push(bytes);
            }
        }
    }
}
