//! What could not be stored: the account that a mount gives at its end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// An object that could not be stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotStored {
    /// `s3://bucket/key`.
    pub object: String,
    /// The cause, as a sentence fragment.
    pub reason: String,
}

impl fmt::Display for NotStored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.reason)
    }
}

/// The latest failure of each object; a later success settles it.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<String, String>>);

impl Ledger {
    pub(super) fn failed(&self, object: String, reason: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(object, reason);
    }

    pub(super) fn settled(&self, object: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(object);
    }

    pub(super) fn open(&self) -> Vec<NotStored> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = failures.iter();
        open.map(|(object, reason)| NotStored {
            object: object.clone(),
            reason: reason.clone(),
        })
        .collect()
    }
}
