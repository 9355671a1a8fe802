//! Count of events after which a reader may hold an older version than the file has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of times that a file was opened for writing, changed for the first time since it was stored, or
/// stored: while it stays, so does every version. Clones share one count.
#[derive(Clone, Debug, Default)]
pub(super) struct Generation(Arc<AtomicU64>);

impl Generation {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Counts a change of some file's bytes, or one that may come from now on.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
