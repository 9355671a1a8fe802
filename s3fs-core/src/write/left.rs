//! How much of a file is still to be sent: to be read while the file is being stored, which locks its
//! writer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// About how many bytes of one file are still to be sent.
#[derive(Clone, Debug, Default)]
pub struct Left(Arc<Mutex<u64>>);

impl Left {
    /// How many bytes.
    pub(super) fn bytes(&self) -> u64 {
        *self.lock()
    }

    /// Counts anew, while nothing is [`taken`](Self::taken).
    pub(super) fn count(&self, count: impl FnOnce() -> u64) {
        let mut left = self.lock();
        *left = count();
    }

    /// The store has got what `take` takes from that which is counted, of so many bytes.
    pub(super) fn taken(&self, take: impl FnOnce() -> u64) {
        let mut left = self.lock();
        *left = left.saturating_sub(take());
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
