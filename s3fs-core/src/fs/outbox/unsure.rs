//! Keys with an object that nobody knows of, perhaps: a request that was to make it had no answer.
//!
//! Whatever is decided about such a key later counts on both: a file of it that is deleted or renamed
//! leaves an object that has to be deleted.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::object::Key;

/// The keys.
#[derive(Debug, Default)]
pub(super) struct Unsure(Mutex<HashSet<Key>>);

impl Unsure {
    /// A request that was to make an object of the key failed, and may have made it.
    pub(super) fn add(&self, key: &Key) {
        self.lock().insert(key.clone());
    }

    /// A later request about the key was answered.
    pub(super) fn settled(&self, key: &Key) {
        self.lock().remove(key);
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.lock().contains(key)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
