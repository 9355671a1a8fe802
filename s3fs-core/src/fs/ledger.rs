//! What could not be stored: the account that a mount gives at its end.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::object::Shown;

/// An object that could not be stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotStored {
    /// `s3://bucket/key`.
    pub object: String,
    /// The cause, as a sentence fragment.
    pub reason: String,
    /// The local file that its bytes are kept in.
    pub kept_in: Option<PathBuf>,
}

impl fmt::Display for NotStored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Shown(&self.object), Shown(&self.reason))?;
        match &self.kept_in {
            Some(path) => write!(f, "; its bytes are kept in {}", Shown(path.display())),
            None => Ok(()),
        }
    }
}

/// The latest failure of each object; a later success settles it.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<String, Failure>>);

#[derive(Clone, Debug, Default)]
struct Failure {
    reason: String,
    /// Storing the object later does not settle it.
    is_final: bool,
}

impl Ledger {
    pub(super) fn failed(&self, object: String, reason: String) {
        self.lock(|failures| {
            let failure = failures.entry(object).or_default();
            if !failure.is_final {
                failure.reason = reason;
            }
        });
    }

    /// Something of an object is lost, whatever is stored of it later.
    pub(super) fn lost_for_good(&self, object: String, reason: String) {
        let failure = Failure {
            reason,
            is_final: true,
        };
        self.lock(|failures| failures.insert(object, failure));
    }

    /// Returns whether the object could not be stored.
    pub(super) fn has(&self, object: &str) -> bool {
        self.lock(|failures| failures.contains_key(object))
    }

    pub(super) fn settled(&self, object: &str) {
        self.lock(|failures| {
            if failures
                .get(object)
                .is_some_and(|failure| !failure.is_final)
            {
                failures.remove(object);
            }
        });
    }

    /// The objects and the reasons.
    pub(super) fn open(&self) -> Vec<(String, String)> {
        self.lock(|failures| {
            let open = failures.iter();
            open.map(|(object, failure)| (object.clone(), failure.reason.clone()))
                .collect()
        })
    }

    fn lock<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Failure>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
