//! Buffers that are used again.

use std::sync::{Arc, Mutex, PoisonError};

use crate::write::sizes::PartSizes;

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

    /// A buffer with room for a first part.
    pub(super) fn take(&self) -> Vec<u8> {
        let unused = self
            .unused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        unused.unwrap_or_else(|| Vec::with_capacity(self.sizes.first() as usize))
    }

    /// Takes a buffer back, if it is worth it.
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
