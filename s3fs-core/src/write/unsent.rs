//! Counter of a file's unsent bytes. Readable while the file is being stored, when its writer is
//! locked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Approximate number of bytes of one file that are still to be sent.
#[derive(Clone, Debug, Default)]
pub struct Unsent(Arc<Mutex<u64>>);

impl Unsent {
    /// Returns the number of bytes.
    pub(super) fn bytes(&self) -> u64 {
        *self.lock()
    }

    /// Sets the number to `count()`, which never runs at the same time as [`taken`](Self::taken).
    pub(super) fn count(&self, count: impl FnOnce() -> u64) {
        let mut left = self.lock();
        *left = count();
    }

    /// Subtracts what `take` returns: the size of a part that it removes, once the store has it.
    pub(super) fn taken(&self, take: impl FnOnce() -> u64) {
        let mut left = self.lock();
        *left = left.saturating_sub(take());
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
