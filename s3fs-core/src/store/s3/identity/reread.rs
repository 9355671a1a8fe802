//! Static keys that are read again from the place that they came from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::config::{Credentials, ProvideCredentials};

use super::KeyHash;
use super::expiry::{SHORTEST, first_look, next_look};
use super::flight::Flight;
use crate::config::{self, KeySource, MountConfig, ReadKeySource};

/// Time before the expiry of credentials at which the SDK's cache loads them again.
const SDK_LEAD: Duration = Duration::from_secs(10);

/// Keys with the place that they came from. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Reread(Arc<RereadSource>);

#[derive(Debug)]
struct RereadSource {
    source: KeySource,
    reader: Arc<dyn ReadKeySource>,
    state: Mutex<RereadState>,
    /// Read in progress. Nothing can stop a reader, so that another must not begin beside it.
    reading: Flight<Result<Credentials, String>>,
}

#[derive(Debug)]
struct RereadState {
    keys: Credentials,
    trust: Trust,
    /// Time at which they are read again although nobody has refused them.
    look: Option<SystemTime>,
    /// Time at which they expire, if it is known.
    expires: Option<SystemTime>,
}

/// Keys before a read.
enum Present {
    Good(Credentials),
    /// Still valid: used while others are read.
    Due(Credentials),
    /// Used only if there are no others.
    Old,
}

impl RereadState {
    /// Returns the keys; the SDK's cache loads them again when they are due.
    fn timed(&self) -> Credentials {
        let mut keys = self.keys.clone();
        *keys.expiry_mut() = self.look.map(|look| look + SDK_LEAD);
        keys
    }

    fn present(&self, now: SystemTime) -> Present {
        let is_due = self.look.is_some_and(|look| look <= now);
        let is_valid = self.expires.is_some_and(|expires| expires > now);
        match (self.trust, is_due) {
            (Trust::Good, false) => Present::Good(self.timed()),
            (Trust::Good, true) if is_valid => Present::Due(self.timed()),
            _ => Present::Old,
        }
    }
}

/// Trust in keys. Those that nobody has refused are read again only before they expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Good,
    /// STS has refused, but perhaps for another reason: used if there are no others.
    Doubtful,
    /// The bucket has refused these keys.
    Refused,
}

impl Reread {
    /// Returns the static keys of a mount, if their place can be read here.
    pub(super) fn of(config: &MountConfig) -> Option<Self> {
        let config::Credentials::Static {
            access_key_id,
            secret_access_key,
            session_token,
        } = &config.credentials
        else {
            return None;
        };
        let keys = static_keys(access_key_id, secret_access_key, session_token.clone());
        Some(Self(Arc::new(RereadSource {
            source: config.key_source.clone()?,
            reader: Arc::clone(config.key_reader.as_ref()?),
            state: Mutex::new(RereadState {
                keys,
                trust: Trust::Good,
                look: config
                    .keys_expire
                    .map(|expires| first_look(expires, SystemTime::now())),
                expires: config.keys_expire,
            }),
            reading: Flight::default(),
        })))
    }

    /// Has the keys read again if they are these.
    pub(super) fn refused(&self, keys: KeyHash) {
        let mut state = self.0.state();
        if KeyHash::of(&state.keys) == keys {
            state.trust = Trust::Refused;
        }
    }

    /// Has the keys read again; they are used if that fails.
    pub(super) fn doubt(&self) {
        let mut state = self.0.state();
        if state.trust == Trust::Good {
            state.trust = Trust::Doubtful;
        }
    }

    /// Returns whether STS has refused the keys since they were read.
    pub(super) fn is_doubtful(&self) -> bool {
        self.0.state().trust == Trust::Doubtful
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let present = self.0.state().present(SystemTime::now());
        let place = Arc::clone(&self.0);
        let read = async move { place.read().await };
        match present {
            Present::Good(keys) => return Ok(keys),
            Present::Due(keys) => {
                self.0.reading.start(read);
                return Ok(keys);
            }
            Present::Old => (),
        }
        let read = self.0.reading.join(read).await;
        let read = read.ok_or_else(|| CredentialsError::unhandled("the read was aborted"))?;
        read.map_err(CredentialsError::provider_error)
    }
}

impl RereadSource {
    fn state(&self) -> MutexGuard<'_, RereadState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) -> Result<Credentials, String> {
        // The read that has just ended may have brought them.
        if let Present::Good(keys) = self.state().present(SystemTime::now()) {
            return Ok(keys);
        }
        tracing::debug!("reading keys again");
        let (source, reader) = (self.source.clone(), Arc::clone(&self.reader));
        let read = tokio::task::spawn_blocking(move || reader.read(&source)).await;
        let read = read.unwrap_or_else(|error| Err(error.to_string()));
        let mut state = self.state();
        let now = SystemTime::now();
        match read {
            Ok(read) => {
                state.keys = static_keys(
                    &read.access_key_id,
                    &read.secret_access_key,
                    read.session_token,
                );
                state.trust = Trust::Good;
                state.look = read.expires.map(|expires| next_look(expires, now));
                state.expires = read.expires;
            }
            Err(reason) if state.trust == Trust::Refused => return Err(reason),
            Err(reason) => {
                tracing::warn!(%reason, "failed to read keys again: using the last");
                state.look = state.look.map(|look| look.max(now + SHORTEST));
            }
        }
        Ok(state.timed())
    }
}

/// Returns keys that were given, in the SDK's form.
pub(in crate::store::s3) fn static_keys(
    id: &str,
    secret: &str,
    token: Option<String>,
) -> Credentials {
    Credentials::new(id, secret, token, None, "secret")
}

impl ProvideCredentials for Reread {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.load())
    }
}

#[cfg(test)]
#[path = "reread_tests.rs"]
pub(super) mod tests;
