//! Attempts to store a file whose outcome is unknown: the response was lost, or the server failed.
//!
//! The object may exist. A writer that must not replace another client's object recognises its own
//! by the metadata stored beside the bytes ([`Described::is_from`]).

use crate::object::{ETag, Headers, Key};
use crate::store::{Described, Store, StoreError};
use crate::write::error::WriteError;

/// Maximum number of attempts remembered per file.
const MOST: usize = 8;

/// Attempt to store a file as an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) key: Key,
    pub(super) headers: Headers,
    pub(super) size: u64,
}

impl Attempt {
    /// Returns whether this attempt stored the object `found`.
    pub(super) fn made(&self, found: &Described) -> bool {
        found.is_from(&self.headers, self.size)
    }
}

/// Attempts of a file whose outcome is unknown, the latest last.
#[derive(Debug, Default)]
pub(super) struct Attempts(Vec<Attempt>);

/// Meaning of a failed precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StoredBy {
    /// Object that this attempt stored.
    Stored(ETag),
    /// Object that an earlier attempt stored; it may be replaced.
    Earlier(ETag),
}

impl Attempts {
    /// Adds an attempt whose outcome is unknown.
    pub(super) fn add(&mut self, attempt: Attempt) {
        self.0.retain(|earlier| *earlier != attempt);
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(attempt);
    }

    /// Forgets the attempts for a key, whose object is known again.
    pub(super) fn settled(&mut self, key: &Key) {
        self.0.retain(|attempt| attempt.key != *key);
    }

    /// Returns the attempt of this file that stored the object in the way of `now`, or `None` if it
    /// is another client's object. `error` is the failure of `now`: a request that was only refused
    /// has stored nothing, whatever the object looks like.
    ///
    /// # Errors
    /// Fails if the object's metadata can't be requested.
    pub(super) async fn find(
        &self,
        store: &dyn Store,
        now: &Attempt,
        error: &WriteError,
    ) -> Result<Option<StoredBy>, StoreError> {
        let found = store.head(&now.key).await?;
        let etag = found.meta.etag.clone();
        let may_be_stored = error.is_unknown() || self.0.contains(now);
        if may_be_stored && now.made(&found) {
            return Ok(Some(StoredBy::Stored(etag)));
        }
        let mut earlier = self.0.iter().filter(|attempt| attempt.key == now.key);
        let is_earlier = earlier.any(|attempt| attempt.made(&found));
        Ok(is_earlier.then_some(StoredBy::Earlier(etag)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;

    use super::*;
    use crate::object::ObjectMeta;
    use crate::store::memory::MemoryStore;
    use crate::store::{Body, Precondition, StoreErrorKind};

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

    #[tokio::test]
    async fn an_object_is_ours_only_after_an_attempt_whose_outcome_is_unknown() {
        let store = MemoryStore::default();
        let now = attempt("1", 4);
        let body = Body::memory(Bytes::from_static(b"lock"));
        let stored = store.put(&now.key, body, &now.headers, &Precondition::Absent);
        let etag = stored.await.unwrap();
        let refusal = || {
            let kind = StoreErrorKind::PreconditionFailed;
            StoreError::new("PutObject", "s3://bucket/f".into(), kind)
        };
        let find = async |attempts: &Attempts, error: StoreError| {
            let error = error.into();
            attempts.find(&store, &now, &error).await.unwrap()
        };
        let mut attempts = Attempts::default();
        assert_eq!(find(&attempts, refusal()).await, None, "another client's");
        let stored = Some(StoredBy::Stored(etag));
        assert_eq!(find(&attempts, refusal().after_unknown()).await, stored);
        attempts.add(attempt("0", 4));
        assert_eq!(find(&attempts, refusal()).await, None, "another attempt");
        attempts.add(now.clone());
        assert_eq!(find(&attempts, refusal()).await, stored);
    }
}
