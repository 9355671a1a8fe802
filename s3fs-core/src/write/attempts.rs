//! Attempts to store a file whose outcome nobody knows: the answer was lost, or the server failed.
//!
//! The object may be there. One that must not replace another client's has to tell its own by what was
//! stored beside the bytes: no two clients write a file of one size at the same nanosecond.

use crate::object::{ETag, Headers, Key};
use crate::store::{Described, Precondition, Store};

/// Most attempts that are remembered.
const MOST: usize = 8;

/// One attempt to make a file an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) key: Key,
    pub(super) headers: Headers,
    pub(super) size: u64,
}

impl Attempt {
    /// Whether an object is what this attempt stored.
    fn made(&self, found: &Described) -> bool {
        let metadata = &self.headers.metadata;
        let has = |(name, value)| found.headers.metadata.get(name) == Some(value);
        found.meta.size == self.size && !metadata.is_empty() && metadata.iter().all(has)
    }
}

/// The attempts of a file whose outcome is unknown, the latest last.
#[derive(Debug, Default)]
pub(super) struct Attempts(Vec<Attempt>);

/// What a refused condition turned out to mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The object is what was to be stored.
    Stored(ETag),
    /// The object is what an earlier attempt stored, and may be replaced.
    Earlier(ETag),
}

impl Attempts {
    /// Adds one whose outcome is unknown.
    pub(super) fn add(&mut self, attempt: Attempt) {
        self.0.retain(|earlier| *earlier != attempt);
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(attempt);
    }

    /// The object under a key is known again.
    pub(super) fn settled(&mut self, key: &Key) {
        self.0.retain(|attempt| attempt.key != *key);
    }

    /// Whether the object that kept an attempt from being carried out is of this file.
    pub(super) async fn find(
        &self,
        store: &dyn Store,
        now: &Attempt,
        precondition: &Precondition,
    ) -> Option<Found> {
        if *precondition != Precondition::Absent {
            return None;
        }
        let found = store.head(&now.key).await.ok()?;
        let etag = found.meta.etag.clone();
        if now.made(&found) {
            return Some(Found::Stored(etag));
        }
        let mut earlier = self.0.iter().filter(|attempt| attempt.key == now.key);
        earlier
            .any(|attempt| attempt.made(&found))
            .then_some(Found::Earlier(etag))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::object::ObjectMeta;

    fn attempt(time: &str, size: u64) -> Attempt {
        let mut headers = Headers::default();
        headers.metadata.insert("mtime".into(), time.into());
        let key = Key::new("f");
        Attempt { key, headers, size }
    }

    fn found(time: &str, size: u64) -> Described {
        Described {
            meta: ObjectMeta {
                size,
                modified: SystemTime::UNIX_EPOCH,
                etag: ETag::new("v"),
            },
            headers: attempt(time, size).headers,
        }
    }

    #[test]
    fn an_object_is_ours_if_its_size_and_time_are() {
        assert!(attempt("1.5", 7).made(&found("1.5", 7)));
        assert!(!attempt("1.5", 7).made(&found("1.6", 7)));
        assert!(!attempt("1.5", 7).made(&found("1.5", 8)));
        let nothing = Attempt {
            headers: Headers::default(),
            ..attempt("1.5", 7)
        };
        assert!(!nothing.made(&found("1.5", 7)), "nothing tells it");
    }

    #[test]
    fn a_few_attempts_are_remembered_until_the_key_is_known_again() {
        let mut attempts = Attempts::default();
        for size in 0..20 {
            attempts.add(attempt("1", size));
        }
        attempts.add(attempt("1", 19));
        assert_eq!(attempts.0.len(), MOST);
        attempts.settled(&Key::new("g"));
        assert_eq!(attempts.0.len(), MOST);
        attempts.settled(&Key::new("f"));
        assert!(attempts.0.is_empty());
    }
}
