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
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use futures_util::FutureExt;
    use s3_local::{Policy, S3Local};

    use super::*;
    use crate::config::{Credentials, ReadKeys};
    use crate::object::{BucketName, Key};
    use crate::store::served::{BUCKET, connected};
    use crate::store::{Store, StoreErrorKind};

    /// Gives a mount the keys `first`, to be read again by `reader`.
    pub(in super::super) fn read_keys_by(config: &mut MountConfig, reader: Arc<dyn ReadKeySource>) {
        config.credentials = Credentials::Static {
            access_key_id: "first".into(),
            secret_access_key: "secret".into(),
            session_token: None,
        };
        config.key_source = Some(KeySource::File("keys.env".into()));
        config.key_reader = Some(reader);
    }

    /// Place whose keys a test replaces.
    #[derive(Debug, Default)]
    struct RereadSource(Mutex<Option<&'static str>>);

    impl ReadKeySource for RereadSource {
        fn read(&self, source: &KeySource) -> Result<ReadKeys, String> {
            assert_eq!(*source, KeySource::File("keys.env".into()));
            let key = self.0.lock().unwrap().ok_or("the file is gone")?;
            Ok(ReadKeys {
                access_key_id: key.into(),
                secret_access_key: "secret".into(),
                session_token: None,
                expires: None,
            })
        }
    }

    #[tokio::test]
    async fn keys_of_a_secret_are_read_again_when_they_are_refused() {
        let server = ["first", "second"]
            .into_iter()
            .fold(S3Local::builder(), |builder, key| {
                builder.access_key(key, "secret", Policy::read_write(BUCKET))
            });
        let server = server.start();
        server.create_bucket(BUCKET);
        let place = Arc::new(RereadSource::default());
        let store = connected(&server, |config| {
            read_keys_by(config, place.clone());
            config.retry_timeout = Duration::from_mins(1);
        });
        let store = store.await;
        server.revoke_key("first");
        let head = tokio::spawn(async move { store.head(&Key::new("absent")).await });
        while server.log().requests().len() < 6 {
            tokio::task::yield_now().await;
        }
        *place.0.lock().unwrap() = Some("second");
        let error = head.await.unwrap().unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::NoSuchKey), "{error}");
    }

    #[tokio::test]
    async fn keys_that_were_replaced_before_the_first_request_are_read_again() {
        let server = S3Local::builder().access_key("second", "secret", Policy::read_write(BUCKET));
        let server = server.start();
        server.create_bucket(BUCKET);
        let place = Arc::new(RereadSource(Mutex::new(Some("second"))));
        let store = connected(&server, |config| read_keys_by(config, place.clone())).await;
        assert!(store.head(&Key::new("absent")).await.is_err());
        assert!(server.log().count(s3_local::Operation::ListObjectsV2) == 2);
    }

    /// Place that answers when a test allows it.
    #[derive(Debug)]
    struct Slow {
        reads: AtomicUsize,
        allowed: Mutex<Receiver<Result<&'static str, String>>>,
    }

    impl ReadKeySource for Slow {
        fn read(&self, _: &KeySource) -> Result<ReadKeys, String> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let key = self.allowed.lock().unwrap().recv().unwrap()?;
            Ok(ReadKeys {
                access_key_id: key.into(),
                secret_access_key: "secret".into(),
                session_token: None,
                expires: None,
            })
        }
    }

    fn slow() -> (Reread, Arc<Slow>, Sender<Result<&'static str, String>>) {
        slow_since(None)
    }

    /// Returns keys that expire at this time, and their place.
    fn slow_since(
        expires: Option<SystemTime>,
    ) -> (Reread, Arc<Slow>, Sender<Result<&'static str, String>>) {
        let (allow, allowed) = channel();
        let place = Arc::new(Slow {
            reads: AtomicUsize::new(0),
            allowed: Mutex::new(allowed),
        });
        let mut config = MountConfig::new(BucketName::new(BUCKET).unwrap());
        read_keys_by(&mut config, place.clone());
        config.keys_expire = expires;
        (Reread::of(&config).unwrap(), place, allow)
    }

    #[tokio::test]
    async fn a_read_goes_on_and_is_shared_when_its_request_gives_up() {
        let (reread, place, allow) = slow();
        reread.refused(KeyHash::new("first", None));
        for _ in 0..3 {
            let given_up = tokio::spawn({
                let reread = reread.clone();
                async move { reread.load().await }
            });
            while place.reads.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            given_up.abort();
            assert!(given_up.await.unwrap_err().is_cancelled());
        }
        allow.send(Ok("second")).unwrap();
        // Another read would fail.
        drop(allow);
        // Read once, and good until they are refused.
        for _ in 0..2 {
            assert_eq!(reread.load().await.unwrap().access_key_id(), "second");
        }
        assert_eq!(place.reads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn keys_that_the_bucket_has_not_refused_outlive_a_read_that_fails() {
        let (reread, place, allow) = slow();
        let gone = || Err("the file is gone".to_owned());
        reread.refused(KeyHash::new("of a role", None));
        assert_eq!(reread.load().await.unwrap().access_key_id(), "first");
        assert_eq!(place.reads.load(Ordering::Relaxed), 0);
        reread.doubt();
        allow.send(gone()).unwrap();
        assert_eq!(reread.load().await.unwrap().access_key_id(), "first");
        reread.refused(KeyHash::new("first", None));
        allow.send(gone()).unwrap();
        let error = reread.load().await.unwrap_err();
        assert!(format!("{error:?}").contains("the file is gone"));
        assert_eq!(place.reads.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn keys_that_have_expired_are_read_again_unrefused_and_used_if_there_are_no_others() {
        let now = SystemTime::now();
        let (reread, place, allow) = slow_since(Some(now));
        allow.send(Err("the file is gone".to_owned())).unwrap();
        for _ in 0..2 {
            let keys = reread.load().await.unwrap();
            assert_eq!(keys.access_key_id(), "first");
            assert!(keys.expiry().unwrap() > now + SHORTEST, "asked later");
            assert_eq!(place.reads.load(Ordering::Relaxed), 1);
        }
        let (reread, place, allow) = slow_since(Some(now));
        allow.send(Ok("second")).unwrap();
        for _ in 0..2 {
            let keys = reread.load().await.unwrap();
            assert_eq!((keys.access_key_id(), keys.expiry()), ("second", None));
        }
        assert_eq!(place.reads.load(Ordering::Relaxed), 1);
        let (reread, place, _allow) = slow_since(Some(now + Duration::from_hours(1)));
        assert_eq!(reread.load().await.unwrap().access_key_id(), "first");
        assert_eq!(place.reads.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn keys_that_are_still_valid_are_used_while_others_are_read() {
        let now = SystemTime::now();
        let (reread, place, allow) = slow_since(Some(now + Duration::from_hours(1)));
        reread.0.state().look = Some(now);
        for _ in 0..2 {
            let loaded = reread.load().now_or_never().expect("a load that waits");
            assert_eq!(loaded.unwrap().access_key_id(), "first");
        }
        allow.send(Ok("second")).unwrap();
        // Another read would fail.
        drop(allow);
        while reread.load().await.unwrap().access_key_id() == "first" {
            tokio::task::yield_now().await;
        }
        assert_eq!(place.reads.load(Ordering::Relaxed), 1);
        let (reread, place, allow) = slow_since(Some(now + Duration::from_hours(1)));
        reread.0.state().look = Some(now);
        reread.refused(KeyHash::new("first", None));
        allow.send(Ok("second")).unwrap();
        let keys = reread.load().await.unwrap();
        assert_eq!(keys.access_key_id(), "second", "refused ones are not used");
        assert_eq!(place.reads.load(Ordering::Relaxed), 1);
    }
}
