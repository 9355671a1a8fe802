//! First request to a bucket: checks that it exists, finds its region, lists the mount's root.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::config::{Credentials, MountConfig};
use crate::object::{BucketKind, BucketName};
use crate::store::s3::advice::ConnectError;
use crate::store::s3::archive::Archives;
use crate::store::s3::chains::Chains;
use crate::store::s3::client::{Access, AccessError, RegionSource};
use crate::store::s3::connections::HttpClient;
use crate::store::s3::directory::conflict;
use crate::store::s3::endpoint::without_password;
use crate::store::s3::integrity::Integrity;
use crate::store::s3::own_marker::OwnMarker;
use crate::store::s3::pace::Pace;
use crate::store::s3::profile::check_profile;
use crate::store::s3::properties::Latest;
use crate::store::s3::refused::RefusedProperties;
use crate::store::s3::tag_state::TagState;
use crate::store::s3::{PayloadSigning, S3Store};
use crate::store::warning::Warning;
use crate::store::{
    Capabilities, ListFrom, ListPage, ListRequest, RetryLimits, Retrying, StoreError,
    StoreErrorKind,
};

/// Connected bucket, whose failed requests are retried.
pub type Bucket = Retrying<S3Store>;

/// Connects to the bucket and lists the root of the mount: one request if the region is right, two
/// if it must be found first.
///
/// # Errors
/// Returns an error if the bucket does not exist, the credentials are missing or refused, listing
/// is denied, or the endpoint does not respond or is not S3.
pub async fn connect(
    config: &MountConfig,
    http: &HttpClient,
) -> Result<(Bucket, ListPage), ConnectError> {
    let endpoint = config.endpoint_url.as_deref().map(without_password);
    let refused = |kind: StoreErrorKind, reason| ConnectError {
        bucket: config.bucket.clone(),
        endpoint: endpoint.clone(),
        reason,
        remedy: None,
        kind,
    };
    if let Some((reason, remedy)) = unsupported(&config.bucket).or_else(|| conflict(config)) {
        let kind = StoreErrorKind::Unsupported(reason.into());
        return Err(ConnectError {
            remedy: Some(remedy.into()),
            ..refused(kind, reason.into())
        });
    }
    if let Credentials::Chain { profile: None } = config.credentials {
        check_profile()
            .await
            .map_err(|reason| refused(StoreErrorKind::NoCredentials(reason.clone()), reason))?;
    }
    let mut access = Access::load(config, http).await.map_err(|error| {
        let reason = error.to_string();
        match error {
            AccessError::Endpoint(_) => refused(StoreErrorKind::Other(reason.clone()), reason),
            AccessError::Authorities(_) => ConnectError {
                remedy: Some(
                    "name a file with the certificates of all authorities to trust".into(),
                ),
                ..refused(StoreErrorKind::Certificate(reason.clone()), reason)
            },
        }
    })?;
    if let Err(reason) = access.check_route(config.bucket.as_str()) {
        return Err(refused(StoreErrorKind::Other(reason.clone()), reason));
    }
    let mut first = list_root(config, &access).await;
    if let (Err(error), Some(identity)) = (&first, &access.identity)
        && identity.drops_old(error)
    {
        first = Box::pin(list_root(config, &access)).await;
    }
    let moved_to = match &first {
        Err(error) => region_to_follow(error, &access),
        Ok(_) => None,
    };
    let answer: Result<_, StoreError> = match moved_to {
        Some(region) => {
            tracing::debug!(bucket = %config.bucket, region, "the bucket is in another region");
            access.set_region(region);
            list_root(config, &access).await
        }
        None => first,
    };
    let (store, page) = answer.map_err(|error| ConnectError::new(error, config, &access))?;
    let limits = RetryLimits::new(config.retry_timeout);
    Ok((store.within(limits), page))
}

async fn list_root(
    config: &MountConfig,
    access: &Access,
) -> Result<(Bucket, ListPage), StoreError> {
    let limits = RetryLimits::connecting(config.retry_timeout);
    let throttle = access.throttle(config.bucket.as_str());
    let bodies = Arc::clone(&access.bodies);
    let store = Retrying::sharing(S3Store::new(config, access), limits, throttle, bodies);
    let root = ListRequest {
        prefix: config.prefix.as_str(),
        folded: true,
        from: ListFrom::Beginning,
        max_keys: 1000,
    };
    match store.list_first(root).await {
        Ok(page) => Ok((store, page)),
        Err(error) if matches!(error.kind, StoreErrorKind::WrongRegion { region: None }) => {
            let region = store.single().bucket_region().await;
            Err(StoreError {
                kind: StoreErrorKind::WrongRegion { region },
                ..error
            })
        }
        Err(error) => Err(error),
    }
}

/// Returns the reason for which a bucket of this kind is not served, and the remedy.
fn unsupported(bucket: &BucketName) -> Option<(&'static str, &'static str)> {
    match bucket.kind() {
        BucketKind::MultiRegion if cfg!(not(feature = "multi-region")) => Some((
            "requests to multi-region access points have signatures (SigV4A) that this program was \
             built without",
            "build it with the feature `multi-region`, or name an access point or bucket of one region",
        )),
        BucketKind::MultiRegion
        | BucketKind::Directory
        | BucketKind::General
        | BucketKind::Alias
        | BucketKind::AccessPoint
        | BucketKind::OutpostsAlias
        | BucketKind::OutpostsAccessPoint => None,
    }
}

/// Returns the region to try next, unless the mount's configuration sets one.
fn region_to_follow(error: &StoreError, access: &Access) -> Option<String> {
    let StoreErrorKind::WrongRegion {
        region: Some(region),
    } = &error.kind
    else {
        return None;
    };
    let is_new = region != access.region();
    (access.region_source == RegionSource::Guessed && is_new).then(|| region.clone())
}

impl S3Store {
    /// Creates the store of a bucket; nothing is sent yet.
    pub(super) fn new(config: &MountConfig, access: &Access) -> Self {
        let signing: PayloadSigning = access.payload_signing();
        let (client, sessions) = access.client();
        let is_directory = sessions.is_some();
        Self {
            capabilities: if is_directory {
                Capabilities::of_directory_bucket()
            } else {
                Capabilities::of(access.vendor())
            },
            client,
            sessions,
            bucket: config.bucket.clone(),
            payer: config
                .requester_pays
                .then_some(aws_sdk_s3::types::RequestPayer::Requester),
            payload_signing: signing,
            identity: access.identity.clone(),
            endpoint_url: access.endpoint_url().map(str::to_owned),
            host: access.host(config.bucket.as_str()),
            patience: access.attempt,
            pace: Pace::default(),
            warning: Warning::default(),
            chains: Chains::default(),
            uploads: config.uploads.clone(),
            properties: Latest::default(),
            own_marker: OwnMarker::default(),
            tags: if is_directory {
                TagState::absent()
            } else {
                TagState::default()
            },
            refused_properties: RefusedProperties::default(),
            integrity: Integrity::new(config.uploads.checksum),
            completes_plainly: AtomicBool::new(false),
            archives: Archives::default(),
        }
    }

    /// Requests the region of the bucket; the header has it even if access is denied.
    async fn bucket_region(&self) -> Option<String> {
        let request = self.client.head_bucket().bucket(self.bucket.as_str());
        match request.send().await {
            Ok(answer) => answer.bucket_region().map(str::to_owned),
            Err(error) => {
                let headers = error.raw_response()?.headers();
                headers.get("x-amz-bucket-region").map(str::to_owned)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, SystemTime};

    use aws_credential_types::Credentials as Keys;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::future::ProvideCredentials as Provided;
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
    use aws_sdk_s3::config::IdentityCache;
    use s3_local::{Fault, Operation, S3Local, Server};

    use super::*;
    use crate::object::{BucketName, Key};
    use crate::store::Store;

    /// Provider that loads credentials for each request from a service that fails a few times: with
    /// an error, without credentials, or without a response.
    #[derive(Clone, Debug)]
    struct Failing {
        keys: Keys,
        failures: Arc<AtomicUsize>,
    }

    impl Failing {
        fn of(server: &Server) -> Self {
            let (id, secret) = (server.access_key_id(), server.secret_access_key());
            let expired = Some(SystemTime::now() - Duration::from_mins(1));
            Self {
                keys: Keys::new(id, secret, None, expired, "test"),
                failures: Arc::default(),
            }
        }

        fn fail(&self, times: usize) {
            self.failures.store(times, Ordering::Relaxed);
        }

        async fn load(&self) -> Result<Keys, CredentialsError> {
            let failures = &self.failures;
            let fail = |left: usize| left.checked_sub(1);
            match failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fail) {
                Err(_) => Ok(self.keys.clone()),
                Ok(3) => Err(CredentialsError::not_loaded("the service does not answer")),
                Ok(2) => std::future::pending().await,
                Ok(_) => Err(CredentialsError::provider_error("HTTP 503")),
            }
        }
    }

    impl ProvideCredentials for Failing {
        fn provide_credentials<'a>(&'a self) -> Provided<'a>
        where
            Self: 'a,
        {
            Provided::new(self.load())
        }
    }

    #[tokio::test]
    async fn mounts_of_one_server_share_its_request_rate() {
        let (server, other) = (S3Local::builder().start(), S3Local::builder().start());
        let http = HttpClient::default();
        let mount = async |server: &Server, bucket: &str| {
            server.create_bucket(bucket);
            let config = MountConfig {
                endpoint_url: Some(server.endpoint_url()),
                credentials: Credentials::Static {
                    access_key_id: server.access_key_id().to_owned(),
                    secret_access_key: server.secret_access_key().to_owned(),
                    session_token: None,
                },
                ..MountConfig::new(BucketName::new(bucket).unwrap())
            };
            connect(&config, &http).await.unwrap().0
        };
        let stores = [
            mount(&server, "one").await,
            mount(&server, "two").await,
            mount(&other, "one").await,
        ];
        let knobs = server.knobs();
        knobs.fail_next(Operation::HeadObject, 8, Fault::SlowDown503);
        let key = Key::new("absent");
        let requests = (0..8).map(|_| stores[0].head(&key));
        for answer in futures_util::future::join_all(requests).await {
            let error = answer.unwrap_err();
            assert!(matches!(error.kind, StoreErrorKind::NoSuchKey), "{error}");
        }
        let are_limited = stores.each_ref().map(Retrying::is_limited);
        assert_eq!(are_limited, [true, true, false]);
    }

    #[tokio::test]
    async fn credentials_that_worked_once_are_waited_for_and_others_are_not() {
        let server = S3Local::builder().start();
        server.create_bucket("data");
        let config = MountConfig {
            endpoint_url: Some(server.endpoint_url()),
            ..MountConfig::new(BucketName::new("data").unwrap())
        };
        let mut access = Access::load(&config, &HttpClient::default()).await.unwrap();
        let provider = Failing::of(&server);
        let patience = Duration::from_millis(50);
        let cache = IdentityCache::lazy().load_timeout(patience).build();
        access.sdk = access
            .sdk
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider.clone()))
            .identity_cache(cache)
            .build();
        for failures in 1..=3 {
            provider.fail(failures);
            let error = list_root(&config, &access).await.unwrap_err();
            let kind = &error.kind;
            assert!(matches!(kind, StoreErrorKind::NoCredentials(_)), "{error}");
            assert!(!error.is_unknown(), "nothing was sent");
            assert_eq!(provider.failures.load(Ordering::Relaxed), failures - 1);
        }
        provider.fail(0);
        let (store, _) = list_root(&config, &access).await.unwrap();
        let store = store.within(RetryLimits::new(config.retry_timeout));
        provider.fail(3);
        let error = store.head(&Key::new("absent")).await.unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::NoSuchKey), "{error}");
        assert_eq!(provider.failures.load(Ordering::Relaxed), 0);
    }
}
