//! Keys that may have an unknown object: a request to make it had no answer.
//!
//! Later decisions about such a key allow for both outcomes. If a file of it is deleted or renamed,
//! its object must be deleted too.

use std::collections::HashSet;

use crate::object::Key;
use crate::ordered::{Guard, LAST, Ordered};

/// Keys that may have an unknown object.
#[derive(Debug, Default)]
pub(super) struct Unsure(Ordered<HashSet<Key>, LAST>);

impl Unsure {
    /// Records that a request to make an object of the key failed, but may have made it.
    pub(super) fn add(&self, key: &Key) {
        self.lock().insert(key.clone());
    }

    /// Records that a later request about the key was answered.
    pub(super) fn settled(&self, key: &Key) {
        self.lock().remove(key);
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.lock().contains(key)
    }

    fn lock(&self) -> Guard<'_, HashSet<Key>> {
        self.0.lock()
    }
}
