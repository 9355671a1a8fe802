//! Credentials of a mount that come from a source: loaded when they are needed, cached while they
//! are valid, and loaded anew when the bucket refuses them.

mod assumed;
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
pub(super) use refusals::{WatchRefusals, is_refusal};
pub(super) use source::{Source, first_region};

use unsaid::Verdict;

/// Minimum time for which loaded credentials are used, however often they are refused: the requests
/// that are refused together load them anew once.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// Credentials of a mount. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Identity(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: Source,
    current: RwLock<Arc<Generation>>,
    verdict: tokio::sync::Mutex<Option<Verdict>>,
}

/// Credentials between two refusals. The SDK's provider of files reads them only once, so that a
/// refusal takes a new one.
#[derive(Debug)]
struct Generation {
    provider: OnceCell<SharedCredentialsProvider>,
    cache: SharedIdentityCache,
    /// Keys that were loaded last.
    loaded: Mutex<Option<KeyHash>>,
    began: Instant,
}

/// Hash of an access key's ID and session token, to compare the keys of a request with the loaded
/// ones.
#[derive(Clone, Copy, PartialEq, Eq)]
struct KeyHash(u64);

impl KeyHash {
    fn new(id: &str, token: Option<&str>) -> Self {
        let mut hasher = DefaultHasher::new();
        (id, token.unwrap_or_default()).hash(&mut hasher);
        Self(hasher.finish())
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
    pub(super) fn new(source: Source) -> Self {
        Self(Arc::new(Shared {
            source,
            current: RwLock::new(Generation::new()),
            verdict: tokio::sync::Mutex::default(),
        }))
    }

    fn current(&self) -> Arc<Generation> {
        let current = self.0.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Drops the credentials if they are those of a refused request, and have been used for a
    /// while.
    fn refused(&self, keys: KeyHash) {
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if current.loaded() == Some(keys) && current.began.elapsed() >= SHORTEST_USE {
            tracing::debug!("the credentials were refused: loading them again");
            *current = Generation::new();
        }
    }

    /// Drops a provider that has failed: it would repeat its error.
    fn failed(&self, generation: &Arc<Generation>) {
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, generation) && current.began.elapsed() >= SHORTEST_USE {
            *current = Generation::new();
        }
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let generation = self.current();
        let provider = generation
            .provider
            .get_or_init(|| self.0.source.provider())
            .await;
        let loaded = provider.provide_credentials().await;
        match &loaded {
            Ok(keys) => {
                let hash = KeyHash::new(keys.access_key_id(), keys.session_token());
                let mut last = generation
                    .loaded
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *last = Some(hash);
            }
            Err(_) => self.failed(&generation),
        }
        loaded
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
