//! Static keys that are read again from the place that they came from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::config::{Credentials, ProvideCredentials};

use crate::config::{KeySource, MountConfig, ReadKeySource};

/// Place that keys came from, with its reader.
#[derive(Debug)]
pub(super) struct Reread {
    source: KeySource,
    reader: Arc<dyn ReadKeySource>,
    /// True once the given keys were used.
    has_begun: AtomicBool,
}

impl Reread {
    /// Returns the place of a mount's keys, if it has one that can be read here.
    pub(super) fn of(config: &MountConfig) -> Option<Self> {
        Some(Self {
            source: config.key_source.clone()?,
            reader: Arc::clone(config.key_reader.as_ref()?),
            has_begun: AtomicBool::new(false),
        })
    }

    /// Returns a provider that reads the keys; `None` the first time, when those of the mount's
    /// configuration are as new.
    pub(super) fn provider(&self) -> Option<Reader> {
        let reader = || Reader {
            source: self.source.clone(),
            reader: Arc::clone(&self.reader),
        };
        self.has_begun.swap(true, Ordering::Relaxed).then(reader)
    }
}

/// Provider that reads keys.
#[derive(Debug)]
pub(super) struct Reader {
    source: KeySource,
    reader: Arc<dyn ReadKeySource>,
}

impl Reader {
    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let (source, reader) = (self.source.clone(), Arc::clone(&self.reader));
        let read = tokio::task::spawn_blocking(move || reader.read(&source));
        let read = read.await.map_err(CredentialsError::provider_error)?;
        let keys = read.map_err(CredentialsError::provider_error)?;
        Ok(Credentials::new(
            keys.access_key_id,
            keys.secret_access_key,
            keys.session_token,
            None,
            "secret",
        ))
    }
}

impl ProvideCredentials for Reader {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.load())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use s3_local::{Policy, S3Local};

    use super::*;
    use crate::config::{Credentials, ReadKeys};
    use crate::object::{BucketName, Key};
    use crate::store::s3::{HttpClient, connect};
    use crate::store::{Store, StoreErrorKind};

    /// Place whose keys a test replaces.
    #[derive(Debug, Default)]
    struct Place(Mutex<Option<&'static str>>);

    impl ReadKeySource for Place {
        fn read(&self, source: &KeySource) -> Result<ReadKeys, String> {
            assert_eq!(*source, KeySource::File("keys.env".into()));
            let key = self.0.lock().unwrap().ok_or("the file is gone")?;
            Ok(ReadKeys {
                access_key_id: key.into(),
                secret_access_key: "secret".into(),
                session_token: None,
            })
        }
    }

    #[tokio::test]
    async fn keys_of_a_secret_are_read_again_when_they_are_refused() {
        let server = ["first", "second"]
            .into_iter()
            .fold(S3Local::builder(), |builder, key| {
                builder.access_key(key, "secret", Policy::read_write("data"))
            });
        let server = server.start();
        server.create_bucket("data");
        let place = Arc::new(Place::default());
        let config = MountConfig {
            endpoint_url: Some(server.endpoint_url()),
            credentials: Credentials::Static {
                access_key_id: "first".into(),
                secret_access_key: "secret".into(),
                session_token: None,
            },
            key_source: Some(KeySource::File("keys.env".into())),
            key_reader: Some(place.clone()),
            retry_timeout: Duration::from_mins(1),
            ..MountConfig::new(BucketName::new("data").unwrap())
        };
        let (store, _) = connect(&config, &HttpClient::default()).await.unwrap();
        server.revoke_key("first");
        let head = tokio::spawn(async move { store.head(&Key::new("absent")).await });
        while server.log().requests().len() < 6 {
            tokio::task::yield_now().await;
        }
        *place.0.lock().unwrap() = Some("second");
        let error = head.await.unwrap().unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::NoSuchKey), "{error}");
    }
}
