//! Sources of credentials: chain, profile, role, identity token.

use std::fmt;

use aws_config::profile::credentials::Builder as ProfileFiles;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::config::{ProvideCredentials, SharedCredentialsProvider, SharedHttpClient};

use super::KeyHash;
use super::assumed::Assumed;
use super::reread::{Reread, static_keys};
use super::web;
use crate::config::{AssumedRole, Credentials, MountConfig, RoleArn};
use crate::store::s3::profile::{or_guess, provider};

/// Source of a mount's credentials, from which providers are made.
pub(in crate::store::s3) struct CredentialSource {
    credentials: Credentials,
    role: Option<AssumedRole>,
    region: Region,
    http: SharedHttpClient,
    fips: Option<bool>,
    reread: Option<Reread>,
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialSource")
            .field("credentials", &self.credentials)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl CredentialSource {
    /// Returns the source of a mount's credentials; `None` for keys that stay as they are.
    pub(in crate::store::s3) fn of(
        config: &MountConfig,
        region: &Region,
        http: &SharedHttpClient,
    ) -> Option<Self> {
        let reread = Reread::of(config);
        let is_fixed = match config.credentials {
            Credentials::Chain { .. } | Credentials::WebIdentity { .. } => false,
            Credentials::Static { .. } => config.role.is_none() && reread.is_none(),
            Credentials::Anonymous => true,
        };
        (!is_fixed).then(|| Self {
            credentials: config.credentials.clone(),
            role: config.role.clone(),
            region: region.clone(),
            http: http.clone(),
            fips: config.endpoints.fips,
            reread,
        })
    }

    /// Returns whether its first keys were given, and others can be read from their place.
    pub(super) fn has_given_keys(&self) -> bool {
        self.reread.is_some()
    }

    /// Returns whether STS has refused given keys, and others can be read from their place.
    pub(super) fn doubts_given_keys(&self) -> bool {
        self.reread.as_ref().is_some_and(Reread::is_doubtful)
    }

    /// Notes that the bucket has refused these keys.
    pub(super) fn refused(&self, keys: KeyHash) {
        if let Some(reread) = &self.reread {
            reread.refused(keys);
        }
    }

    /// Notes that STS has refused the keys or what they are for.
    pub(super) fn doubt(&self) {
        if let Some(reread) = &self.reread {
            reread.doubt();
        }
    }

    /// Makes a provider, which reads files and the environment anew.
    pub(super) async fn provider(&self) -> SharedCredentialsProvider {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .region(self.region.clone());
        if let Some(fips) = self.fips {
            loader = loader.use_fips(fips);
        }
        let (base, sdk) = self.base(loader).await;
        match &self.role {
            None => base,
            Some(role) => SharedCredentialsProvider::new(Assumed::new(role, base, &sdk).await),
        }
    }

    /// Makes the provider without the role, and returns the configuration for requests to STS.
    async fn base(&self, loader: ConfigLoader) -> (SharedCredentialsProvider, SdkConfig) {
        match &self.credentials {
            Credentials::Chain { profile: None } => {
                let sdk = loader.load().await;
                let chain = sdk.credentials_provider();
                let chain = chain.unwrap_or_else(|| SharedCredentialsProvider::new(Nothing));
                (chain, sdk)
            }
            Credentials::Chain {
                profile: Some(name),
            } => {
                let loader = loader.profile_name(name);
                let files = ProfileFiles::default();
                let profile = provider(name, files, self.http.clone(), &self.region);
                (SharedCredentialsProvider::new(profile), plain(loader).await)
            }
            Credentials::Static {
                access_key_id,
                secret_access_key,
                session_token,
            } => {
                if let Some(reread) = self.reread.clone() {
                    let provider = SharedCredentialsProvider::new(reread);
                    return (provider, plain(loader).await);
                }
                let token = session_token.clone();
                let keys = static_keys(access_key_id, secret_access_key, token);
                (SharedCredentialsProvider::new(keys), plain(loader).await)
            }
            Credentials::WebIdentity {
                role_arn,
                session_name,
            } => {
                let (sdk, session) = (plain(loader).await, session_name.as_ref());
                let config = ProviderConfig::without_region()
                    .with_http_client(self.http.clone())
                    .with_use_fips(sdk.use_fips())
                    .with_region(Some(self.region.clone()));
                let provider = web::Token::new(role_arn, session, config);
                (SharedCredentialsProvider::new(provider), sdk)
            }
            Credentials::Anonymous => {
                (SharedCredentialsProvider::new(Nothing), plain(loader).await)
            }
        }
    }
}

/// Loads the configuration without credentials.
async fn plain(loader: ConfigLoader) -> SdkConfig {
    loader.no_credentials().load().await
}

/// Provider without credentials.
#[derive(Debug)]
struct Nothing;

impl ProvideCredentials for Nothing {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        let nothing = CredentialsError::not_loaded("there is no provider");
        Provided::ready(Err(nothing))
    }
}

/// Returns the region of the first requests: the known one, or the default one of the partition
/// that the role belongs to.
pub(in crate::store::s3) fn first_region(known: Option<Region>, config: &MountConfig) -> Region {
    let base = match &config.credentials {
        Credentials::WebIdentity { role_arn, .. } => Some(role_arn),
        _ => None,
    };
    let role = base.or(config.role.as_ref().map(|role| &role.arn));
    let of_partition = match role.map(RoleArn::partition) {
        Some("aws-cn") => Some("cn-north-1"),
        Some("aws-us-gov") => Some("us-gov-west-1"),
        Some("aws-eusc") => Some("eusc-de-east-1"),
        _ => None,
    };
    or_guess(known.or(of_partition.map(Region::from_static)))
}
