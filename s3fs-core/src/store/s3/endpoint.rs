//! Endpoint of a bucket, resolved once from the mount's configuration, the environment and the
//! profile files. All decisions that depend on it are made here.

use std::net::IpAddr;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use http::Uri;

use super::PayloadSigning;

/// Endpoint of an S3-compatible service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    uri: Uri,
    /// URL as configured, without credentials, for messages.
    url: String,
}

/// Endpoint that is not an `http` or `https` URL.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint `{0}` is no http or https URL: write `https://` and its host")]
pub(super) struct EndpointError(String);

/// Addressing style of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathStyle {
    /// `endpoint/bucket`.
    Forced,
    /// `bucket.endpoint`.
    VirtualHosted,
}

/// Returns the endpoint that the environment or the profile sets for S3 (`AWS_ENDPOINT_URL_S3`, a
/// `services` section), or for all services.
fn configured(sdk: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let of_s3 = sdk.service_config().and_then(|all| all.load_config(key));
    of_s3.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

impl Endpoint {
    /// Returns the endpoint of requests; `None` if it is AWS's own.
    ///
    /// # Errors
    /// Returns an error if the endpoint is not a URL.
    pub(super) fn resolve(
        given: Option<&str>,
        sdk: &SdkConfig,
    ) -> Result<Option<Self>, EndpointError> {
        let url = given.map(str::to_owned).or_else(|| configured(sdk));
        url.map(|url| Self::parse(&url)).transpose()
    }

    fn parse(url: &str) -> Result<Self, EndpointError> {
        let uri: Option<Uri> = url.parse().ok();
        let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
        match uri.filter(is_http).filter(has_host) {
            Some(uri) => Ok(Self {
                uri,
                url: without_password(url),
            }),
            None => Err(EndpointError(without_password(url))),
        }
    }

    /// Returns the URL for messages, without credentials.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the URL for the SDK, which appends the bucket to the path as it is.
    pub(super) fn base(&self) -> String {
        let url = self.uri.to_string();
        if url.ends_with('/') {
            url
        } else {
            format!("{url}/")
        }
    }

    /// Returns the URL of requests, without a path and credentials, optionally with a bucket in
    /// front of the host.
    pub(super) fn origin(&self, bucket: Option<&str>) -> String {
        let scheme = self.uri.scheme_str().unwrap_or("https");
        let bucket = bucket
            .map(|bucket| format!("{bucket}."))
            .unwrap_or_default();
        let host = self.uri.host().unwrap_or_default();
        let port = self
            .uri
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        format!("{scheme}://{bucket}{host}{port}/")
    }

    /// Returns the server whose request rate the requests about a bucket share: scheme, host and
    /// port. AWS limits the requests to each bucket, other servers those to all.
    pub(super) fn throttled(&self, bucket: &str) -> String {
        let scheme = self.uri.scheme_str().unwrap_or("https");
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        let usual = if scheme == "http" { 80 } else { 443 };
        let port = self.uri.port_u16().unwrap_or(usual);
        let bucket = if self.is_aws() { bucket } else { "" };
        format!("{scheme}://{host}:{port}/{bucket}")
    }

    /// Returns the host.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Returns the addressing style of buckets. `bucket.127.0.0.1` is not a host name, and a
    /// gateway below a path serves no virtual hosts.
    pub(super) fn path_style(&self) -> PathStyle {
        let has_path = !self.uri.path().trim_matches('/').is_empty();
        if has_path || self.is_loopback() || self.host().parse::<IpAddr>().is_ok() {
            PathStyle::Forced
        } else {
            PathStyle::VirtualHosted
        }
    }

    /// Returns whether bodies are hashed into signatures: only if neither TLS nor the loopback
    /// device protects them.
    pub(super) fn payload_signing(&self) -> PayloadSigning {
        if self.uri.scheme_str() == Some("http") && !self.is_loopback() {
            PayloadSigning::Signed
        } else {
            PayloadSigning::Unsigned
        }
    }

    /// Returns whether the endpoint is AWS's, whose servers accept the SDK's newer checksums.
    pub(super) fn is_aws(&self) -> bool {
        let host = self.host().to_ascii_lowercase();
        let is_below = |domain: &&str| {
            host.strip_suffix(*domain)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        AWS.iter().any(is_below)
    }
}

/// Domains of AWS's partitions, which the SDK has but does not show.
const AWS: [&str; 14] = [
    "amazonaws.com",
    "api.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "api.aws.ic.gov",
    "sc2s.sgov.gov",
    "api.aws.scloud",
    "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk",
    "csp.hci.ic.gov",
    "api.aws.hci.ic.gov",
];

/// Returns a URL without credentials, for messages; the URL may be mistyped. All before the last
/// `@` is left out: a password that is not percent-encoded may hold `/`, `?`, `#` and `@`.
pub(super) fn without_password(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    let is_scheme = |scheme: &&str| {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        scheme.chars().all(is_of_scheme)
    };
    let scheme = before.split_once("://").map(|(scheme, _)| scheme);
    match scheme.filter(is_scheme) {
        Some(scheme) => format!("{scheme}://{host}"),
        None => host.to_owned(),
    }
}

/// Returns whether the authority of a URL ends in a host, or in a host and a port. Where it does
/// not, a `/` in a password may have cut it.
pub(super) fn has_host(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let place = authority.rsplit('@').next().unwrap_or(authority);
    let host = uri.host().unwrap_or_default();
    let port = place.strip_prefix(host).unwrap_or_default();
    !host.is_empty() && (matches!(port, "" | ":") || uri.port().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (url, shown) in [
            ("http://user:secret@gw/s3", "http://gw/s3"),
            ("http://gw:9000/a", "http://gw:9000/a"),
            // A path, or a password that begins with digits.
            ("http://gw:9000/a@b", "http://b"),
            ("http://user:se/cret@gw:9000/s3", "http://gw:9000/s3"),
            ("http://user:12/34@gw", "http://gw"),
            ("http://user:se?cr#et@gw", "http://gw"),
            ("http://user:se/c@r/et@gw/s3", "http://gw/s3"),
            ("user:se://cret@gw", "gw"),
            ("user:se/cret@gw", "gw"),
            ("user:secret@gw/s3", "gw/s3"),
            ("http:/user:secret@gw", "gw"),
            ("gw", "gw"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    fn at(url: &str) -> Endpoint {
        Endpoint::parse(url).unwrap()
    }

    #[test]
    fn path_style_is_used_where_a_bucket_cannot_be_a_host_name() {
        for url in [
            "http://127.0.0.1:9000",
            "http://localhost:9000",
            "http://[::1]:9000",
            "https://gateway.example.org/s3",
            "https://gateway.example.org/s3/",
        ] {
            assert_eq!(at(url).path_style(), PathStyle::Forced, "{url}");
        }
        for url in [
            "https://account.r2.cloudflarestorage.com",
            "https://account.r2.cloudflarestorage.com/",
        ] {
            assert_eq!(at(url).path_style(), PathStyle::VirtualHosted, "{url}");
        }
    }

    #[test]
    fn only_a_host_of_aws_is_aws() {
        for host in [
            "s3.eu-west-1.amazonaws.com",
            "s3.dualstack.cn-north-1.amazonaws.com.cn",
            "s3.cn-north-1.api.amazonwebservices.com.cn",
            "s3.eusc-de-east-1.amazonaws.eu",
            "s3.us-iso-east-1.c2s.ic.gov",
        ] {
            assert!(at(&format!("https://{host}")).is_aws(), "{host}");
        }
        assert!(!at("https://myamazonaws.eu").is_aws());
        assert!(!at("https://amazonaws.com.example.org").is_aws());
        assert!(!at("http://127.0.0.1:9000").is_aws());
    }

    #[test]
    fn buckets_share_the_rate_of_a_server_but_not_that_of_aws() {
        let same = |one: (&str, &str), other: (&str, &str)| {
            at(one.0).throttled(one.1) == at(other.0).throttled(other.1)
        };
        let aws = "https://s3.eu-central-1.amazonaws.com";
        let private = "https://bucket.vpce-1a2b3c4d.s3.us-east-1.vpce.amazonaws.com";
        for url in [aws, private, "https://S3.eu-central-1.Amazonaws.COM"] {
            assert!(!same((url, "a"), (url, "b")), "{url}");
            assert!(same((url, "a"), (url, "a")), "{url}");
        }
        let (plain, tls) = ("http://Storage.example.org", "https://storage.example.org/");
        assert!(same((plain, "a"), ("http://storage.example.org:80/", "b")));
        assert!(same((tls, "a"), ("https://STORAGE.example.org:443", "b")));
        assert!(!same((plain, "a"), (tls, "a")));
        assert!(!same(
            (plain, "a"),
            ("http://storage.example.org:9000", "a")
        ));
    }

    #[test]
    fn bodies_are_signed_where_nothing_else_protects_them() {
        let signed = |url: &str| at(url).payload_signing() == PayloadSigning::Signed;
        assert!(signed("http://storage.example.org"));
        assert!(!signed("https://storage.example.org"));
        assert!(!signed("http://127.0.0.1:9000"));
    }

    #[test]
    fn a_path_ends_in_a_slash_and_a_password_is_not_shown() {
        assert_eq!(at("http://h:1/gw/s3").base(), "http://h:1/gw/s3/");
        assert_eq!(at("http://h:1/gw/s3/").base(), "http://h:1/gw/s3/");
        assert_eq!(at("http://h:1").base(), "http://h:1/");
        assert_eq!(at("http://me:secret@h:1/gw").url(), "http://h:1/gw");
    }

    #[test]
    fn what_is_no_url_is_an_error_that_says_so() {
        for url in ["localhost:9000", "ftp://h", "", "h", "http://me:se/cret@h"] {
            let text = Endpoint::parse(url).unwrap_err().to_string();
            assert!(text.contains("is no http or https URL"), "{text}");
            assert!(!text.contains("se/") && !text.contains("cret"), "{text}");
        }
    }
}
