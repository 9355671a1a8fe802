//! The URL of an S3-compatible service.

use http::Uri;

use super::VolumeError;

/// Service whose rules for names of credentials apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// AWS and all that imitate it.
    S3,
    /// Google Cloud Storage.
    Google,
}

/// Checks an endpoint's URL.
pub(super) fn check(url: &str, bucket: &str) -> Result<Service, VolumeError> {
    let wrong = |reason: String| VolumeError::Endpoint {
        url: url.to_owned(),
        reason,
    };
    // First of all, because no later message may repeat a password.
    if url.split(['/', '?', '#']).any(|part| part.contains('@')) {
        return Err(VolumeError::CredentialsInEndpoint);
    }
    let rest = match url.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some((scheme, _)) => {
            return Err(wrong(format!("`{scheme}` is neither `http` nor `https`")));
        }
        None => return Err(wrong(format!("it has no scheme\nwrite `https://{url}`"))),
    };
    if rest.contains(['?', '#']) {
        return Err(wrong("it has a query or a fragment".to_owned()));
    }
    let uri: Uri = url.parse().map_err(|error| wrong(format!("{error}")))?;
    let host = uri.host().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| wrong("it names no host".to_owned()))?;
    let port = uri
        .authority()
        .and_then(|authority| authority.as_str().strip_prefix(host));
    if port.is_some_and(|port| !is_port(port)) {
        return Err(wrong("its port is not a number up to 65535".to_owned()));
    }
    if uri.path().trim_matches('/') == bucket {
        let base = url
            .trim_end_matches('/')
            .trim_end_matches(bucket)
            .trim_end_matches('/');
        return Err(wrong(format!(
            "the bucket is not a part of it\nwrite `{base}`"
        )));
    }
    let google = host == "storage.googleapis.com" || host.ends_with(".storage.googleapis.com");
    Ok(if google { Service::Google } else { Service::S3 })
}

/// Returns whether a text may follow a host: nothing, or a colon and a number.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|number| number.parse::<u16>().is_ok())
}
