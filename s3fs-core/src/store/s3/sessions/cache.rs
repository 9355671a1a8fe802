//! Cache of the identities of a client for a directory bucket.

use aws_sdk_s3::config::{
    ConfigBag, ResolveCachedIdentity, RuntimeComponents, RuntimeComponentsBuilder,
    SharedIdentityCache,
};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::identity::{
    IdentityCachePartition, IdentityFuture, ResolveIdentity as _, SharedIdentityResolver,
};

/// Cache of the keys of the mount. Sessions are not in it: [`Sessions`](super::Sessions) keeps and drops
/// them.
#[derive(Debug)]
pub(in crate::store::s3) struct SessionCache {
    keys: SharedIdentityCache,
    sessions: Option<IdentityCachePartition>,
}

impl SessionCache {
    /// Wraps the cache of the mount's keys. `sessions` is the partition of their provider.
    pub(in crate::store::s3) fn new(
        keys: SharedIdentityCache,
        sessions: Option<IdentityCachePartition>,
    ) -> Self {
        Self { keys, sessions }
    }
}

impl ResolveCachedIdentity for SessionCache {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        if Some(resolver.cache_partition()) != self.sessions {
            return self
                .keys
                .resolve_cached_identity(resolver, components, config);
        }
        IdentityFuture::new(async move { resolver.resolve_identity(components, config).await })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let keys: &dyn ResolveCachedIdentity = &self.keys;
        keys.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let keys: &dyn ResolveCachedIdentity = &self.keys;
        keys.validate_final_config(components, config)
    }
}
