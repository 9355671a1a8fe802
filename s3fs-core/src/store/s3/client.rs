//! SDK client of one bucket: credentials, region, endpoint, timeouts, checksums.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, IdentityCache, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::ResolveIdentity as _;
use aws_smithy_runtime_api::shared::IntoShared as _;
use tokio::sync::Semaphore;

use super::PayloadSigning;
use super::answers::BoundAnswers;
use super::checksums::Checksums;
use super::connections::{Authorities, AuthoritiesError, HttpClient};
use super::directory::region_of_zone;
use super::endpoint::{Endpoint, EndpointError, PathStyle};
use super::identity::{CredentialSource, Identity, WatchRefusals, first_region, static_keys};
use super::owner::ExpectedOwner;
use super::profile::known_region;
use super::sessions::{Scope, SessionCache, Sessions};
use super::settings::Settings;
use super::variants::{Route, Variants};
use crate::config::{Credentials, MountConfig};
use crate::store::{Throttle, Vendor};

/// Maximum time of an attempt of a metadata request; a slower one counts as lost.
const METADATA_ATTEMPT: Duration = Duration::from_secs(20);

/// Minimum number of attempts that fit into the retry timeout, however short it is.
const ATTEMPTS: u32 = 3;

/// Minimum time of an attempt, however short the retry timeout is.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(1);

/// Maximum time of an attempt in which the server copies an object or joins parts.
const TRANSFER_ATTEMPT: Duration = Duration::from_mins(5);

/// Connect timeout.
const CONNECT: Duration = Duration::from_secs(5);

/// Access to a bucket, from the mount's configuration and the environment.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) sdk: SdkConfig,
    region: Region,
    pub(super) region_source: RegionSource,
    endpoint: Option<Endpoint>,
    path_style: PathStyle,
    pub(super) attempt: Duration,
    anonymous: bool,
    variants: Variants,
    /// Account that must own the bucket.
    owner: Option<String>,
    pub(super) identity: Option<Identity>,
    pub(super) bodies: Arc<Semaphore>,
    http: HttpClient,
    checksums: Checksums,
    /// Scope of the sessions of a directory bucket; `None` if the bucket is another one.
    sessions: Option<Scope>,
}

/// Access that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccessError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegionSource {
    /// Mount's own configuration: contradicting it is an error.
    Given,
    /// Environment, profile or default: only a first guess.
    Guessed,
}

impl Access {
    /// Reads the profile files and the environment as the AWS command line does.
    ///
    /// # Errors
    /// Returns an error if the endpoint is not a URL, or the file of certificates has none.
    pub(super) async fn load(config: &MountConfig, http: &HttpClient) -> Result<Self, AccessError> {
        let profile = match &config.credentials {
            Credentials::Chain { profile } => profile.as_deref(),
            _ => None,
        };
        let settings = Settings::load(profile).await;
        let variants = Variants::new(config.endpoints, &settings);
        let given = config.region.as_deref();
        let given = given.or_else(|| variants.region_of(&config.bucket));
        let (region, region_source) = if let Some(region) = given {
            (Region::new(region.to_owned()), RegionSource::Given)
        } else if let Some(region) = region_of_zone(&config.bucket) {
            (Region::new(region), RegionSource::Guessed)
        } else {
            let known = known_region(profile).await;
            (first_region(known, config), RegionSource::Guessed)
        };
        let client = http.trusting(&Authorities::configured(&settings))?;
        let identity = CredentialSource::of(config, &region, &client).map(Identity::new);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(client.clone())
            .region(region.clone());
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        loader = match (&identity, &config.credentials) {
            (Some(identity), _) => loader
                .credentials_provider(identity.clone())
                .identity_cache(identity.clone()),
            (
                None,
                Credentials::Static {
                    access_key_id,
                    secret_access_key,
                    session_token,
                },
            ) => loader.credentials_provider(static_keys(
                access_key_id,
                secret_access_key,
                session_token.clone(),
            )),
            (None, _) => loader.no_credentials(),
        };
        let sdk = loader.load().await;
        let endpoint = Endpoint::resolve(config.endpoint_url.as_deref(), &sdk)?;
        let variants = match &endpoint {
            Some(_) => variants.at_given_endpoint(config.endpoints),
            None => variants.with_those_of(&sdk),
        };
        let path_style = match &endpoint {
            _ if config.force_path_style => PathStyle::Forced,
            // Hosts of access points begin with their names.
            _ if config.bucket.region().is_some() => PathStyle::VirtualHosted,
            None => PathStyle::VirtualHosted,
            Some(endpoint) => endpoint.path_style(),
        };
        let anonymous = matches!(config.credentials, Credentials::Anonymous);
        Ok(Self {
            sdk,
            region,
            region_source,
            endpoint,
            path_style,
            attempt: attempt_limit(config.retry_timeout),
            anonymous,
            variants,
            owner: config.expected_bucket_owner.clone(),
            identity,
            bodies: Arc::clone(&http.bodies),
            http: http.clone(),
            checksums: Checksums::new(&settings, config.uploads.checksum),
            sessions: Scope::of(config),
        })
    }

    /// Returns the region that requests are signed for.
    pub(super) fn region(&self) -> &str {
        self.region.as_ref()
    }

    /// Sets the region to the bucket's.
    pub(super) fn set_region(&mut self, region: String) {
        self.region = Region::new(region);
    }

    /// Returns the endpoint if it is not AWS's own.
    pub(super) fn endpoint_url(&self) -> Option<&str> {
        self.endpoint.as_ref().map(Endpoint::url)
    }

    /// Returns the host of requests about a bucket.
    pub(super) fn host(&self, bucket: &str) -> String {
        match (&self.endpoint, self.path_style) {
            // The SDK decides where the name of a directory bucket stands.
            _ if self.sessions.is_some() => {
                let url = self.check_route(bucket).ok();
                let host = url.as_ref().and_then(|url| url.host());
                host.unwrap_or(bucket).to_owned()
            }
            (Some(endpoint), PathStyle::Forced) => endpoint.host().to_owned(),
            (Some(endpoint), PathStyle::VirtualHosted) => format!("{bucket}.{}", endpoint.host()),
            (None, _) => {
                let url = self.check_route(bucket).ok();
                let host = url.as_ref().and_then(|url| url.host());
                host.unwrap_or(bucket).to_owned()
            }
        }
    }

    /// Returns the URL of requests about a bucket by the SDK's rules.
    ///
    /// # Errors
    /// Returns the SDK's words if there is no such endpoint.
    pub(super) fn check_route(&self, bucket: &str) -> Result<http::Uri, String> {
        self.variants.url(Route {
            bucket,
            region: self.region.as_ref(),
            endpoint: self.endpoint.as_ref().map(Endpoint::base),
            force_path_style: self.path_style == PathStyle::Forced,
        })
    }

    /// Returns whether the bucket's name stands before the host of an endpoint.
    pub(super) fn is_bucket_in_host(&self) -> bool {
        self.endpoint.is_some() && self.path_style == PathStyle::VirtualHosted
    }

    /// Returns the proxy of requests about a bucket, and the variable that names it.
    pub(super) fn proxy(&self, bucket: &str) -> Option<String> {
        let url = match (&self.endpoint, self.path_style) {
            (Some(endpoint), PathStyle::Forced) => endpoint.origin(None),
            (Some(endpoint), PathStyle::VirtualHosted) => endpoint.origin(Some(bucket)),
            (None, _) => format!("https://{}/", self.host(bucket)),
        };
        self.http.proxy_of(&url)
    }

    /// Returns the request rate of the server that requests about a bucket are sent to.
    pub(super) fn throttle(&self, bucket: &str) -> Arc<Throttle> {
        let server = match &self.endpoint {
            Some(endpoint) => endpoint.throttled(bucket),
            // AWS limits the requests to each bucket, whose name need not be in the host.
            None => format!("https://{}/{bucket}", self.host(bucket)),
        };
        self.http.throttles.of(&server)
    }

    /// Returns the vendor of the server, judged by its host name.
    pub(super) fn vendor(&self) -> Vendor {
        match &self.endpoint {
            // No other vendor has them.
            _ if self.sessions.is_some() => Vendor::Amazon,
            Some(endpoint) if !endpoint.is_aws() => Vendor::Other,
            _ => Vendor::Amazon,
        }
    }

    pub(super) fn payload_signing(&self) -> PayloadSigning {
        self.endpoint
            .as_ref()
            .map_or(PayloadSigning::Unsigned, Endpoint::payload_signing)
    }

    /// Returns the client, and the sessions that it signs with.
    pub(super) fn client(&self) -> (Client, Option<Sessions>) {
        let client = |builder: Builder| Client::from_conf(self.variants.apply(builder).build());
        let Some(scope) = &self.sessions else {
            return (client(self.builder()), None);
        };
        let sessions = Sessions::new(client(self.builder()), scope.clone());
        let provider = SharedCredentialsProvider::new(sessions.clone());
        let keys = match &self.identity {
            Some(identity) => identity.clone().into_shared(),
            None => IdentityCache::lazy().build(),
        };
        let cache = SessionCache::new(keys, provider.cache_partition());
        let mut builder = self
            .builder()
            .identity_cache(cache)
            .interceptor(WatchRefusals(sessions.clone()));
        builder.set_express_credentials_provider(Some(provider));
        (client(builder), Some(sessions))
    }

    fn builder(&self) -> Builder {
        let mut builder = Builder::from(&self.sdk)
            .region(self.region.clone())
            .force_path_style(self.path_style == PathStyle::Forced)
            // `store/retry` repeats requests: the SDK's budget of repetitions, shared by all
            // requests of a client, is spent within a moment of a server's failures.
            .retry_config(RetryConfig::disabled())
            .timeout_config(metadata_timeouts(self.attempt))
            .interceptor(BoundAnswers)
            // It fails slow readers, and copies during which a server sends nothing; bodies have a
            // limit of their own (`S3Store::body`).
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(owner) = &self.owner {
            builder = builder.interceptor(ExpectedOwner(owner.clone()));
        }
        if self.anonymous {
            builder = builder.allow_no_auth();
        }
        if let Some(identity) = &self.identity {
            builder = builder.interceptor(WatchRefusals(identity.clone()));
        }
        builder.set_endpoint_url(self.endpoint.as_ref().map(Endpoint::base));
        builder
            .request_checksum_calculation(self.checksums.calculation(self.vendor()))
            .response_checksum_validation(self.checksums.validation(self.vendor()))
    }
}

/// Returns the maximum time of an attempt that moves no data.
fn attempt_limit(retry_timeout: Duration) -> Duration {
    (retry_timeout / ATTEMPTS).clamp(SHORTEST_ATTEMPT, METADATA_ATTEMPT)
}

/// Returns the timeouts of requests that move no data, or whose data has a limit of its own.
fn metadata_timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .build()
}

/// Returns the timeouts of requests that make the server move data.
pub(super) fn transfer_timeouts() -> Builder {
    aws_sdk_s3::Config::builder().timeout_config(
        TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(TRANSFER_ATTEMPT)
            .operation_attempt_timeout(TRANSFER_ATTEMPT)
            .build(),
    )
}

/// Returns the timeouts of requests with a body, which [`S3Store::sent`](super::S3Store::sent)
/// limits.
pub(super) fn sending_timeouts() -> Builder {
    aws_sdk_s3::Config::builder().timeout_config(
        TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .disable_read_timeout()
            .disable_operation_attempt_timeout()
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_leaves_time_for_others() {
        assert_eq!(attempt_limit(Duration::from_mins(5)), METADATA_ATTEMPT);
        let short = attempt_limit(Duration::from_secs(12));
        assert_eq!(short, Duration::from_secs(4));
        assert_eq!(attempt_limit(Duration::ZERO), SHORTEST_ATTEMPT);
    }
}
