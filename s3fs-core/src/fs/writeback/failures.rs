//! Failures to store objects, reported when a mount ends.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::object::Shown;
use crate::ordered::{LAST, Ordered};

/// Object that could not be stored, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotStored {
    /// `s3://bucket/key`.
    pub object: String,
    /// Cause, as a sentence fragment.
    pub reason: String,
    /// Local file that holds its bytes.
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

/// Latest failure of each object. A later success removes it.
#[derive(Debug, Default)]
pub(in crate::fs) struct Failures(Ordered<BTreeMap<String, Failure>, LAST>);

#[derive(Clone, Debug, Default)]
struct Failure {
    reason: String,
    /// A later success does not remove the failure.
    is_final: bool,
}

impl Failures {
    pub(in crate::fs) fn failed(&self, object: String, reason: String) {
        let reason = without_object(&object, reason);
        self.lock(|failures| {
            let failure = failures.entry(object).or_default();
            if !failure.is_final {
                failure.reason = reason;
            }
        });
    }

    /// Records that data of an object is lost. A later success does not remove this failure.
    pub(in crate::fs) fn lost_for_good(&self, object: String, reason: String) {
        let failure = Failure {
            reason: without_object(&object, reason),
            is_final: true,
        };
        self.lock(|failures| failures.insert(object, failure));
    }

    /// Returns whether the object could not be stored.
    pub(in crate::fs) fn has(&self, object: &str) -> bool {
        self.lock(|failures| failures.contains_key(object))
    }

    pub(in crate::fs) fn settled(&self, object: &str) {
        self.lock(|failures| {
            if failures
                .get(object)
                .is_some_and(|failure| !failure.is_final)
            {
                failures.remove(object);
            }
        });
    }

    /// Returns the failed objects and their reasons.
    pub(in crate::fs) fn open(&self) -> Vec<(String, String)> {
        self.lock(|failures| {
            let open = failures.iter();
            open.map(|(object, failure)| (object.clone(), failure.reason.clone()))
                .collect()
        })
    }

    fn lock<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Failure>) -> T) -> T {
        act(&mut self.0.lock())
    }
}

/// Removes the object from an error of a request about it: it is named beside the reason.
fn without_object(object: &str, reason: String) -> String {
    let named = format!(" {}: ", Shown(object));
    if reason.contains(&named) {
        reason.replace(&named, ": ")
    } else {
        reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_once() {
        let failures = Failures::default();
        let reason = "PutObject s3://b/a key: access denied";
        failures.failed("s3://b/a key".into(), reason.into());
        let other = "CopyObject s3://b/from: access denied";
        failures.lost_for_good("s3://b/to".into(), other.into());
        let expected = [
            ("s3://b/a key", "PutObject: access denied"),
            ("s3://b/to", other),
        ];
        let expected = expected.map(|(object, reason)| (object.to_owned(), reason.to_owned()));
        assert_eq!(failures.open(), expected);
    }
}
