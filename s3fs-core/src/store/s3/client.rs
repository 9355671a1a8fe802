//! An SDK client for one bucket: credentials, region, endpoint, time limits, checksums.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::profile::credentials::Builder as ProfileFiles;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    Credentials as SdkCredentials, RequestChecksumCalculation, ResponseChecksumValidation,
};
use http::Uri;
use tokio::sync::Semaphore;

use super::PayloadSigning;
use super::connections::HttpClient;
use super::profile::{known_region, or_guess, provider};
use crate::config::{Credentials, MountConfig};
use crate::store::Vendor;

/// A request for metadata that takes longer has been lost.
const METADATA_ATTEMPT: Duration = Duration::from_secs(20);

/// An attempt to send a part: 8 MiB at 250 kbit/s take 270 s.
const TRANSFER_ATTEMPT: Duration = Duration::from_mins(5);

/// What the user and the environment say about how to reach a bucket.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) sdk: SdkConfig,
    region: Region,
    pub(super) region_source: RegionSource,
    path_style: PathStyle,
    anonymous: bool,
    pub(super) bodies: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegionSource {
    /// The mount's own configuration: contradicting it is an error.
    Given,
    /// The environment or a profile, or nothing at all: only a first guess.
    Guessed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathStyle {
    Forced,
    VirtualHosted,
}

impl Access {
    /// Reads the profile files and the environment as the AWS command line does.
    pub(super) async fn load(config: &MountConfig, http: &HttpClient) -> Self {
        let profile = match &config.credentials {
            Credentials::Chain { profile } => profile.as_deref(),
            _ => None,
        };
        let (region, region_source) = match &config.region {
            Some(region) => (Region::new(region.clone()), RegionSource::Given),
            None => (or_guess(known_region(profile).await), RegionSource::Guessed),
        };
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.client.clone())
            .region(region.clone());
        loader = match &config.credentials {
            Credentials::Chain {
                profile: Some(profile),
            } => loader.profile_name(profile).credentials_provider(provider(
                profile,
                ProfileFiles::default(),
                http,
                &region,
            )),
            Credentials::Chain { profile: None } => loader,
            Credentials::Anonymous => loader.no_credentials(),
            Credentials::Static {
                access_key_id,
                secret_access_key,
                session_token,
            } => loader.credentials_provider(SdkCredentials::new(
                access_key_id,
                secret_access_key,
                session_token.clone(),
                None,
                "secret",
            )),
        };
        if let Some(url) = &config.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let sdk = loader.load().await;
        let path_style = path_style(config.force_path_style, sdk.endpoint_url());
        let anonymous = matches!(config.credentials, Credentials::Anonymous);
        Self {
            sdk,
            region,
            region_source,
            path_style,
            anonymous,
            bodies: Arc::clone(&http.bodies),
        }
    }

    /// The region requests are signed for.
    pub(super) fn region(&self) -> &str {
        self.region.as_ref()
    }

    /// Follows a bucket to where it is.
    pub(super) fn set_region(&mut self, region: String) {
        self.region = Region::new(region);
    }

    /// The endpoint, where it isn't AWS's own.
    pub(super) fn endpoint_url(&self) -> Option<&str> {
        self.sdk.endpoint_url()
    }

    /// Whose server it is, as far as its name tells.
    pub(super) fn vendor(&self) -> Vendor {
        match self.endpoint_url() {
            Some(url) if !is_aws(url) => Vendor::Other,
            _ => Vendor::Amazon,
        }
    }

    pub(super) fn payload_signing(&self) -> PayloadSigning {
        match self.endpoint_url().and_then(parse_host) {
            Some((scheme, host)) if scheme == "http" && !is_loopback(&host) => {
                PayloadSigning::Signed
            }
            _ => PayloadSigning::Unsigned,
        }
    }

    pub(super) fn client(&self) -> Client {
        let mut builder = aws_sdk_s3::config::Builder::from(&self.sdk)
            .region(self.region.clone())
            .force_path_style(self.path_style == PathStyle::Forced)
            .retry_config(retries())
            .timeout_config(metadata_timeouts())
            // It fires when the reader is slow, and on the copies that a server does in silence;
            // bodies have their own limit (`S3Store::body`).
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if self.anonymous {
            builder = builder.allow_no_auth();
        }
        if self.endpoint_url().is_some_and(|url| !is_aws(url)) {
            builder = builder
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        Client::from_conf(builder.build())
    }
}

/// Six more tries, over some seconds: long enough for a server that is busy for a moment, short
/// enough that a mistyped endpoint is soon an error.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(7)
        .with_initial_backoff(Duration::from_millis(100))
}

/// Limits for requests that move no data, or whose data is read under its own limit.
fn metadata_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(METADATA_ATTEMPT)
        .operation_attempt_timeout(METADATA_ATTEMPT)
        .build()
}

/// Limits for requests that carry data, or make the server move it.
pub(super) fn transfer_timeouts() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder().timeout_config(
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(TRANSFER_ATTEMPT)
            .operation_attempt_timeout(TRANSFER_ATTEMPT)
            .build(),
    )
}

fn path_style(forced: bool, endpoint: Option<&str>) -> PathStyle {
    let host = endpoint.and_then(parse_host).map(|(_, host)| host);
    // `bucket.127.0.0.1` is no host name.
    if forced || host.is_some_and(|host| is_loopback(&host) || host.parse::<IpAddr>().is_ok()) {
        PathStyle::Forced
    } else {
        PathStyle::VirtualHosted
    }
}

fn parse_host(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']).to_owned();
    Some((uri.scheme_str()?.to_owned(), host))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether the endpoint is AWS's, whose servers take the SDK's newer checksums.
fn is_aws(url: &str) -> bool {
    parse_host(url).is_some_and(|(_, host)| {
        [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]
            .iter()
            .any(|s| host.ends_with(s))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_style_is_used_where_a_bucket_cannot_be_a_host_name() {
        for url in [
            "http://127.0.0.1:9000",
            "http://localhost:9000",
            "http://[::1]:9000",
        ] {
            assert_eq!(path_style(false, Some(url)), PathStyle::Forced, "{url}");
        }
        for url in [None, Some("https://account.r2.cloudflarestorage.com")] {
            assert_eq!(path_style(false, url), PathStyle::VirtualHosted);
            assert_eq!(path_style(true, url), PathStyle::Forced);
        }
    }

    #[test]
    fn only_a_host_of_aws_is_aws() {
        assert!(is_aws("https://s3.eu-west-1.amazonaws.com"));
        assert!(!is_aws("https://amazonaws.com.example.org"));
        assert!(!is_aws("http://127.0.0.1:9000"));
    }
}
