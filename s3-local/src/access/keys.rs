//! Access keys of a server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::Sessions;
use super::access_key::AccessKey;

/// Reason for which a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Expired,
    Revoked,
}

/// Access keys by ID. Clones share the sessions, and the keys that have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRing {
    keys: HashMap<String, Arc<AccessKey>>,
    pub(crate) sessions: Arc<Sessions>,
    ended: Arc<Mutex<HashMap<String, Ended>>>,
}

impl KeyRing {
    pub(crate) fn new(keys: impl IntoIterator<Item = (String, AccessKey)>) -> Self {
        let keys = keys.into_iter();
        Self {
            keys: keys.map(|(id, key)| (id, Arc::new(key))).collect(),
            sessions: Arc::default(),
            ended: Arc::default(),
        }
    }

    /// Returns the key with this ID, also of a session.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.keys.get(id).cloned().or_else(|| self.sessions.key(id))
    }

    /// Refuses a key from now on.
    pub(crate) fn end(&self, id: &str, how: Ended) {
        self.ended().insert(id.to_owned(), how);
    }

    fn ended(&self) -> MutexGuard<'_, HashMap<String, Ended>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl S3Auth for KeyRing {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let ended = self.ended().get(access_key).copied();
        if ended == Some(Ended::Expired) || self.sessions.has_expired(access_key) {
            let message = "The provided token has expired.";
            return Err(S3Error::with_message(S3ErrorCode::ExpiredToken, message));
        }
        let found = self.find(access_key).filter(|_| ended.is_none());
        found.map(|key| key.secret.clone()).ok_or_else(|| {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            S3Error::with_message(S3ErrorCode::InvalidAccessKeyId, message)
        })
    }
}
