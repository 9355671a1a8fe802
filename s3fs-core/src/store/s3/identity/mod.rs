//! Credentials of a mount that come from a source: loaded when they are needed, cached while they
//! are valid, and loaded anew when the bucket refuses them.

mod assumed;
mod expiry;
mod failures;
mod flight;
mod refusals;
mod reread;
mod source;
mod unsaid;
mod web;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::config::{
    ConfigBag, Credentials, IdentityCache, ProvideCredentials, ResolveCachedIdentity,
    RuntimeComponents, RuntimeComponentsBuilder, SharedCredentialsProvider, SharedIdentityCache,
};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::identity::{IdentityFuture, SharedIdentityResolver};
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub(super) use assumed::{NOT_ASSUMED, NotAssumed};
pub(super) use flight::Flight;
pub(super) use refusals::{SigningKeys, WatchRefusals, is_refusal};
pub(super) use reread::static_keys;
pub(super) use source::{CredentialSource, first_region};

use failures::{Failure, Failures};
use unsaid::Verdict;

use crate::store::{StoreError, StoreErrorKind};

/// Minimum time for which loaded credentials are used, however often they are refused: the requests
/// that are refused together load them anew once.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// Time for which a failure to load is repeated without another load; it grows with each failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Maximum duration of a load. The SDK's cache gives up earlier; the requests that wait by then
/// share the result.
const LONGEST_LOAD: Duration = Duration::from_secs(30);

/// Credentials of a mount. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Identity(Arc<IdentityState>);

#[derive(Debug)]
struct IdentityState {
    source: CredentialSource,
    current: RwLock<Arc<Generation>>,
    failures: Failures,
    verdict: tokio::sync::Mutex<Option<Verdict>>,
}

/// Credentials between two refusals. The SDK's provider of files reads them only once, so that a
/// refusal takes a new one.
#[derive(Debug)]
struct Generation {
    provider: OnceCell<SharedCredentialsProvider>,
    cache: SharedIdentityCache,
    /// Load in progress. After a failure, the cache has each waiter load on its own.
    loading: Flight<Result<Credentials, Failure>>,
    /// Keys that were loaded last.
    loaded: Mutex<Option<KeyHash>>,
    began: Instant,
}

/// Hash of an access key's ID and session token, to compare the keys of a request with the loaded
/// ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    fn new(id: &str, token: Option<&str>) -> Self {
        let mut hasher = DefaultHasher::new();
        (id, token.unwrap_or_default()).hash(&mut hasher);
        Self(hasher.finish())
    }

    fn of(keys: &Credentials) -> Self {
        Self::new(keys.access_key_id(), keys.session_token())
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

impl Generation {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            provider: OnceCell::new(),
            cache: IdentityCache::lazy().build(),
            loading: Flight::default(),
            loaded: Mutex::default(),
            began: Instant::now(),
        })
    }

    fn loaded(&self) -> Option<KeyHash> {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity {
    /// Creates the identity; nothing is loaded yet.
    pub(super) fn new(source: CredentialSource) -> Self {
        Self::pausing(source, FIRST_PAUSE)
    }

    fn pausing(source: CredentialSource, first_pause: Duration) -> Self {
        Self(Arc::new(IdentityState {
            source,
            current: RwLock::new(Generation::new()),
            failures: Failures::new(first_pause),
            verdict: tokio::sync::Mutex::default(),
        }))
    }

    fn current(&self) -> Arc<Generation> {
        let current = self.0.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Drops given keys that the bucket or STS shows to be old at the first request: a call may start a
    /// sandbox long after it got its keys. Returns whether others can be read.
    pub(super) fn drops_old(&self, error: &StoreError) -> bool {
        match error.kind {
            StoreErrorKind::StaleCredentials(_) if self.0.source.has_given_keys() => {
                if let Some(keys) = self.current().loaded() {
                    self.drop_refused(keys, Duration::ZERO);
                }
                true
            }
            StoreErrorKind::NoCredentials(_) if self.0.source.doubts_given_keys() => {
                // The refusal of the old keys would be repeated.
                self.0.failures.clear();
                true
            }
            _ => false,
        }
    }

    /// Drops the credentials if they are those of a refused request, and have been used for a
    /// while.
    fn on_refused(&self, keys: KeyHash) {
        self.drop_refused(keys, SHORTEST_USE);
    }

    fn drop_refused(&self, keys: KeyHash, shortest_use: Duration) {
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if current.loaded() == Some(keys) && current.began.elapsed() >= shortest_use {
            tracing::debug!("the credentials were refused: loading them again");
            self.0.source.refused(keys);
            *current = Generation::new();
        }
    }

    /// Drops a provider that has failed: it would repeat its error.
    fn failed(&self, generation: &Arc<Generation>, failure: &Failure) {
        self.0.failures.add(failure.clone(), Instant::now());
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, generation) {
            *current = Generation::new();
        }
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let generation = self.current();
        let (identity, of) = (self.clone(), Arc::clone(&generation));
        let load = async move { identity.load_once(&of).await };
        match generation.loading.join(load).await {
            Some(loaded) => loaded.map_err(Failure::error),
            None => Err(CredentialsError::unhandled("the load was aborted")),
        }
    }

    async fn load_once(&self, generation: &Arc<Generation>) -> Result<Credentials, Failure> {
        if let Some(failure) = self.0.failures.recent(Instant::now()) {
            return Err(failure);
        }
        let load = async {
            let source = &self.0.source;
            let provider = generation.provider.get_or_init(|| source.provider()).await;
            provider.provide_credentials().await
        };
        let loaded = tokio::time::timeout(LONGEST_LOAD, load).await;
        let loaded =
            loaded.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(LONGEST_LOAD)));
        match loaded {
            Ok(keys) => {
                let last = generation.loaded.lock();
                *last.unwrap_or_else(PoisonError::into_inner) = Some(KeyHash::of(&keys));
                self.0.failures.clear();
                Ok(keys)
            }
            Err(error) => {
                let failure = Failure::new(&error);
                if failure.not_assumed().is_some_and(NotAssumed::is_answered) {
                    self.0.source.doubt();
                }
                self.failed(generation, &failure);
                Err(failure)
            }
        }
    }
}

impl ProvideCredentials for Identity {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.load())
    }
}

impl ResolveCachedIdentity for Identity {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let cache = self.current().cache.clone();
        IdentityFuture::new(async move {
            cache
                .resolve_cached_identity(resolver, components, config)
                .await
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let cache: &dyn ResolveCachedIdentity = &self.current().cache;
        cache.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let cache: &dyn ResolveCachedIdentity = &self.current().cache;
        cache.validate_final_config(components, config)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::Region;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;
    use futures_util::future::join_all;

    use super::reread::tests::read_keys_by;
    use super::*;
    use crate::config::{AssumedRole, KeySource, MountConfig, ReadKeySource, ReadKeys};
    use crate::object::BucketName;
    use crate::store::served::BUCKET;

    /// Place without keys, which counts its reads.
    #[derive(Debug, Default)]
    struct Gone(AtomicUsize);

    impl ReadKeySource for Gone {
        fn read(&self, _: &KeySource) -> Result<ReadKeys, String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err("the file is gone".into())
        }
    }

    #[tokio::test]
    async fn requests_share_a_load_that_fails() {
        let place = Arc::new(Gone::default());
        let mut config = MountConfig::new(BucketName::new(BUCKET).unwrap());
        read_keys_by(&mut config, place.clone());
        let http = http_client_fn(|_, _| unreachable!());
        let source = CredentialSource::of(&config, &Region::new("us-east-1"), &http).unwrap();
        let identity = Identity::pausing(source, Duration::from_hours(1));
        let keys = identity.load().await.unwrap();
        // Without the time in use that a refusal demands.
        identity.drop_refused(KeyHash::of(&keys), Duration::ZERO);
        for _ in 0..2 {
            for failed in join_all((0..64).map(|_| identity.load())).await {
                let text = crate::object::chain_in_one_line(&failed.unwrap_err());
                assert!(text.contains("the file is gone"), "{text}");
            }
        }
        assert_eq!(place.0.load(Ordering::Relaxed), 1);
    }

    /// Place with the key `second`.
    #[derive(Debug)]
    struct Second;

    impl ReadKeySource for Second {
        fn read(&self, _: &KeySource) -> Result<ReadKeys, String> {
            Ok(ReadKeys {
                access_key_id: "second".into(),
                secret_access_key: "secret".into(),
                session_token: None,
                expires: None,
            })
        }
    }

    /// STS that knows the key `second` alone.
    #[derive(Debug)]
    struct Sts;

    impl HttpConnector for Sts {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let signed = request.headers().get("authorization").unwrap_or_default();
            let (status, body) = if signed.contains("Credential=second/") {
                let body = "<AssumeRoleResponse><AssumeRoleResult><Credentials>\
                            <AccessKeyId>role</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                            <SessionToken>t</SessionToken>\
                            <Expiration>2120-01-01T00:00:00Z</Expiration>\
                            </Credentials></AssumeRoleResult></AssumeRoleResponse>";
                (200, body)
            } else {
                let body = "<ErrorResponse><Error><Code>ExpiredToken</Code>\
                            <Message>it is old</Message></Error></ErrorResponse>";
                (403, body)
            };
            let status = status.try_into().unwrap();
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
        }
    }

    #[tokio::test]
    async fn given_keys_that_sts_refuses_at_first_are_read_again_at_once() {
        let mut config = MountConfig::new(BucketName::new(BUCKET).unwrap());
        read_keys_by(&mut config, Arc::new(Second));
        config.role = Some(AssumedRole {
            arn: "arn:aws:iam::123456789012:role/reader".parse().unwrap(),
            session_name: None,
            external_id: None,
        });
        let http = http_client_fn(|_, _| SharedHttpConnector::new(Sts));
        let source = CredentialSource::of(&config, &Region::new("us-east-1"), &http).unwrap();
        let identity = Identity::pausing(source, Duration::from_hours(1));
        let failed = identity.load().await.unwrap_err();
        let text = crate::object::chain_in_one_line(&failed);
        assert!(text.contains("ExpiredToken: it is old"), "{text}");
        let words = format!("{NOT_ASSUMED} reader: ExpiredToken: it is old");
        let refused = StoreErrorKind::NoCredentials(words);
        let refused = StoreError::new("ListObjectsV2", "s3://data".into(), refused);
        assert!(identity.drops_old(&refused));
        assert_eq!(identity.load().await.unwrap().access_key_id(), "role");
        assert!(!identity.drops_old(&refused), "these keys are not doubted");
    }
}
