//! Reasons for which a bucket can't be opened, with remedies.

use crate::config::MountConfig;
use crate::object::{BucketName, Shown};
use crate::store::s3::classify::UNRESOLVED;
use crate::store::s3::client::Access;
use crate::store::s3::identity::NOT_ASSUMED;
use crate::store::{StoreError, StoreErrorKind};

/// Error that prevents a bucket from being mounted. Its text has the remedy on a line of its own.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to open bucket {bucket}{}: {reason}{}",
    at_endpoint(.endpoint.as_deref()),
    on_its_own_line(.remedy.as_deref())
)]
pub struct ConnectError {
    /// The bucket.
    pub bucket: BucketName,
    /// Endpoint, if it is not AWS's own.
    pub endpoint: Option<String>,
    /// Reason, with the ID of the request if the server's operator has a use for it.
    pub reason: String,
    /// Remedy, if one is known.
    pub remedy: Option<String>,
    /// Kind of the store's error.
    pub kind: StoreErrorKind,
}

fn at_endpoint(endpoint: Option<&str>) -> String {
    endpoint.map(|url| format!(" at {url}")).unwrap_or_default()
}

fn on_its_own_line(remedy: Option<&str>) -> String {
    remedy
        .map(|remedy| format!("\n{remedy}"))
        .unwrap_or_default()
}

impl ConnectError {
    /// Creates the error for the first request to a bucket.
    pub(super) fn new(error: StoreError, config: &MountConfig, access: &Access) -> Self {
        let host = access.host(config.bucket.as_str());
        let reason = reason(&error.kind, &host, access);
        let reason = match error.id_for_support() {
            Some(id) => format!("{reason}, request ID {id}"),
            None => reason,
        };
        Self {
            bucket: config.bucket.clone(),
            endpoint: access.endpoint_url().map(str::to_owned),
            reason,
            remedy: remedy(&error.kind, &config.bucket, access),
            kind: error.kind,
        }
    }
}

/// Text of errors of a connection to a proxy, before there is one to the endpoint.
const TUNNEL: &str = "tunnel error";

fn reason(kind: &StoreErrorKind, host: &str, access: &Access) -> String {
    match kind {
        StoreErrorKind::NoSuchBucket | StoreErrorKind::NoSuchKey => "it does not exist".into(),
        StoreErrorKind::AccessDenied(words) => {
            format!("listing is denied ({})", Shown(words))
        }
        StoreErrorKind::StaleCredentials(words) => {
            format!("the credentials are refused ({})", Shown(words))
        }
        StoreErrorKind::NoCredentials(words) if words.starts_with(NOT_ASSUMED) => {
            Shown(words).to_string()
        }
        StoreErrorKind::NoCredentials(words) => {
            format!("no credentials were found ({})", Shown(words))
        }
        StoreErrorKind::Certificate(words) if words.contains(TUNNEL) => {
            format!(
                "the certificate of the proxy is not accepted ({})",
                Shown(words)
            )
        }
        StoreErrorKind::Certificate(words) => {
            let words = Shown(words);
            format!("the certificate of {host} is not accepted ({words})")
        }
        StoreErrorKind::WrongRegion {
            region: Some(region),
        } => format!("it is in region {region}, not {}", access.region()),
        StoreErrorKind::WrongRegion { region: None } => {
            format!("it is not in region {}", access.region())
        }
        StoreErrorKind::TimedOut => "the endpoint does not answer in time".into(),
        other => other.to_string(),
    }
}

fn remedy(kind: &StoreErrorKind, bucket: &BucketName, access: &Access) -> Option<String> {
    let remedy = match kind {
        StoreErrorKind::NoSuchBucket | StoreErrorKind::NoSuchKey => {
            "check the name, and the account and endpoint it belongs to".into()
        }
        StoreErrorKind::AccessDenied(_) => {
            let (action, arn) = (
                bucket.action("s3:ListBucket"),
                bucket.arn(Some(access.region())),
            );
            format!("allow `{action}` on `{arn}` to these credentials")
        }
        StoreErrorKind::BadCredentials(_) => "check the access key and its secret".into(),
        StoreErrorKind::StaleCredentials(_) => "check the access key and its secret, or renew the \
             login or the file that they come from"
            .into(),
        StoreErrorKind::NoCredentials(words) if words.starts_with(NOT_ASSUMED) => {
            "check the ARN of the role, that its trust policy allows these credentials or this \
             identity token to assume it, and the external ID that it demands"
                .into()
        }
        StoreErrorKind::NoCredentials(_) => "give the mount a secret, set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, configure a profile, or say that the bucket is public (anonymous)"
            .into(),
        StoreErrorKind::WrongRegion { region: Some(_) } => {
            "give that region, or none and it is found".into()
        }
        StoreErrorKind::WrongRegion { region: None } => "give the right region".into(),
        StoreErrorKind::Unreachable(words) => unreachable(words, bucket, access),
        StoreErrorKind::Proxy(_) => {
            "write the proxy as `http://USER:PASSWORD@HOST:PORT`, or name the endpoint's host in \
             NO_PROXY"
                .into()
        }
        StoreErrorKind::Certificate(_) => {
            let remedy = "check that the URL has the name that the certificate is for; one of an \
                 authority of your own has to be in the certificate store of this machine, in the \
                 file that SSL_CERT_FILE names, or in that of AWS_CA_BUNDLE";
            format!("{remedy}{}", path_style(access))
        }
        StoreErrorKind::TimedOut => match access.proxy(bucket.as_str()) {
            Some(proxy) => format!("check its URL, and that the proxy {proxy} reaches it"),
            None => "check its URL and the network".into(),
        },
        StoreErrorKind::NotS3(_) => "check its URL".into(),
        _ => return None,
    };
    Some(remedy)
}

/// Returns the remedy where no connection came about.
fn unreachable(words: &str, bucket: &BucketName, access: &Access) -> String {
    match access.proxy(bucket.as_str()) {
        Some(proxy) => format!(
            "check its URL, that the proxy {proxy} reaches it, and whether NO_PROXY has to name it{}",
            path_style(access)
        ),
        None if words.contains(UNRESOLVED) => {
            format!("check its URL and the name service{}", path_style(access))
        }
        None => "check its URL, and that this machine reaches it".into(),
    }
}

/// Returns the remedy for servers without a host name for each bucket.
fn path_style(access: &Access) -> &'static str {
    if access.is_bucket_in_host() {
        "; if the server has no host name for each bucket, set force_path_style"
    } else {
        ""
    }
}
