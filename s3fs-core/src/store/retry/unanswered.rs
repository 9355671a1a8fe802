//! Keys of uploads whose creation was not answered: the store may have created an upload whose ID
//! nobody knows.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::object::Key;
use crate::store::{StoreError, StoreErrorKind};

/// Maximum number of keys. Further ones are not recorded.
const MOST: usize = 100;

/// Keys with an unanswered creation of an upload.
#[derive(Debug, Default)]
pub(super) struct Unanswered(Mutex<BTreeSet<Key>>);

/// Attempt to create an upload. Dropping it before its answer records its key.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    unanswered: &'a Unanswered,
    key: Option<&'a Key>,
}

impl Unanswered {
    /// Starts an attempt to create an upload of a key.
    pub(super) fn attempt<'a>(&'a self, key: &'a Key) -> Attempt<'a> {
        Attempt {
            unanswered: self,
            key: Some(key),
        }
    }

    /// Returns the recorded keys, and forgets them.
    pub(super) fn take(&self) -> Vec<Key> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Records the result. A failure whose effect is unknown is no answer, unless the server says
    /// that it has refused the request for its rate.
    pub(super) fn ended<T>(mut self, result: &Result<T, StoreError>) {
        let is_answer = result.as_ref().err().is_none_or(|error| {
            !error.is_unknown() || matches!(error.kind, StoreErrorKind::Throttled(_))
        });
        if is_answer {
            self.key = None;
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key else {
            return;
        };
        let mut keys = self.unanswered.lock();
        if keys.len() < MOST {
            keys.insert(key.clone());
        }
    }
}
