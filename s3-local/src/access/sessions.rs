//! Sessions of directory buckets: temporary keys for one bucket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::Policy;
use super::access_key::{AccessKey, SessionScope};
use crate::random;

/// New session, as its creator learns it.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) expires: SystemTime,
}

#[derive(Debug)]
struct Session {
    key: Arc<AccessKey>,
    expires: SystemTime,
}

/// Sessions by the IDs of their keys.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Creates a session that lasts `lifetime`.
    pub(crate) fn create(&self, scope: SessionScope, lifetime: Duration) -> NewSession {
        let new = NewSession {
            id: format!("SESSION{}", random::hex_string(8).to_uppercase()),
            secret: random::hex_string(20),
            token: random::hex_string(32),
            expires: SystemTime::now() + lifetime,
        };
        let key = Arc::new(AccessKey {
            secret: new.secret.as_str().into(),
            session_token: Some(new.token.as_str().into()),
            policy: Policy::new(),
            session: Some(scope),
        });
        let expires = new.expires;
        self.lock().insert(new.id.clone(), Session { key, expires });
        new
    }

    /// Returns the key of a session. `None` if there is no such session.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.lock().get(id).map(|session| Arc::clone(&session.key))
    }

    /// Returns whether a session has expired.
    pub(crate) fn has_expired(&self, id: &str) -> bool {
        let sessions = self.lock();
        let session = sessions.get(id);
        session.is_some_and(|session| session.expires <= SystemTime::now())
    }

    /// Ends all sessions: their keys are refused as expired from now on.
    pub(crate) fn end_all(&self) {
        for session in self.lock().values_mut() {
            session.expires = SystemTime::UNIX_EPOCH;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
