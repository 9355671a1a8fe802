//! Conversion of the SDK's errors to the kinds that callers distinguish.

use std::error::Error as StdError;
use std::time::SystemTime;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::answers::TOO_LARGE;
use super::connections::{NotAProxy, ProxyRefused, THROUGH_PROXY};
use super::identity::{NotAssumed, is_refusal};
use super::sessions::{NO_SESSION, NoSession};
use crate::object::{caused_by, causes, chain_in_one_line};
use crate::store::{RequestId, StoreErrorKind};

/// Header with the region of a bucket, also on errors.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// Header with the time of an object's last modification, also on responses without other metadata.
const LAST_MODIFIED: &str = "last-modified";

/// Headers with the ID of a request.
const REQUEST_ID: &str = "x-amz-request-id";
const EXTENDED_REQUEST_ID: &str = "x-amz-id-2";

/// Returns the ID of a request that was answered.
pub(super) fn request_id<E>(error: &SdkError<E, HttpResponse>) -> Option<RequestId> {
    let headers = error.raw_response()?.headers();
    let id = headers.get(REQUEST_ID)?.to_owned();
    let extended = headers.get(EXTENDED_REQUEST_ID).map(str::to_owned);
    Some(RequestId { id, extended })
}

fn http_date(text: &str) -> Option<SystemTime> {
    let date = DateTime::from_str(text, DateTimeFormat::HttpDate).ok()?;
    date.try_into().ok()
}

/// Returns the kind of a failed `HEAD` request from its status, because the response has no body.
pub(super) fn classify_head<E>(error: &SdkError<E, HttpResponse>) -> StoreErrorKind
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    match error.raw_response() {
        Some(answer) if answer.status().as_u16() == 404 => StoreErrorKind::NoSuchKey,
        _ => classify(error),
    }
}

/// Returns the kind of a failed request. A 404 whose body is not S3's means that the server is not
/// S3.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> StoreErrorKind
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    match error {
        SdkError::TimeoutError(_) => StoreErrorKind::TimedOut,
        SdkError::ServiceError(service) => {
            let response = service.raw();
            let region = response.headers().get(BUCKET_REGION).map(str::to_owned);
            let region = region.or_else(|| response.body().bytes().and_then(region_in));
            let (status, meta) = (response.status().as_u16(), service.err());
            match of_answer(status, meta.code(), meta.message(), region) {
                StoreErrorKind::NotModified { .. } => StoreErrorKind::NotModified {
                    modified: response.headers().get(LAST_MODIFIED).and_then(http_date),
                },
                StoreErrorKind::Unsupported(words) => {
                    let body = response.body().bytes();
                    let header = body.and_then(|body| element(body, "Header"));
                    StoreErrorKind::Unsupported(match header {
                        Some(header) => format!("{words} ({header})"),
                        None => words,
                    })
                }
                StoreErrorKind::Archived { restore, .. } => {
                    let body = response.body().bytes();
                    let class = |body| element(body, "StorageClass").map(str::to_owned);
                    StoreErrorKind::Archived {
                        storage_class: body.and_then(class),
                        restore,
                    }
                }
                kind => kind,
            }
        }
        SdkError::ResponseError(response) => {
            of_unread(response.raw().status().as_u16(), &chain_in_one_line(error))
        }
        _ if let Some(failure) = caused_by::<NoSession>(error) => of_session(failure),
        _ if lacks_credentials(error) => StoreErrorKind::NoCredentials(
            not_assumed(error).unwrap_or_else(|| chain_in_one_line(error)),
        ),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => StoreErrorKind::TimedOut,
        _ => match proxy_refusal(error) {
            Some(words) => StoreErrorKind::Proxy(words),
            None => of_unsent(chain_in_one_line(error)),
        },
    }
}

/// Permission to create sessions of a directory bucket.
const SESSION_PERMISSION: &str = "s3express:CreateSession";

/// Returns the kind of a request that was not sent, as no session could be created to sign it.
fn of_session(failure: &NoSession) -> StoreErrorKind {
    match classify(failure.error()) {
        StoreErrorKind::AccessDenied(words) => StoreErrorKind::AccessDenied(format!(
            "{NO_SESSION}: {words}; allow `{SESSION_PERMISSION}` on the bucket"
        )),
        StoreErrorKind::BadCredentials(words) => {
            StoreErrorKind::BadCredentials(format!("{NO_SESSION}: {words}"))
        }
        kind => kind,
    }
}

/// Returns the kind of a response that could not be read to its end, or is not S3's.
fn of_unread(status: u16, text: &str) -> StoreErrorKind {
    let words = format!("HTTP {status}, {text}");
    let is_cut = [
        "error reading a body",
        "end of file",
        "connection closed",
        "reset",
    ];
    if text.contains(TOO_LARGE) {
        StoreErrorKind::NotS3(words)
    } else if matches!(status, 500..=599 | 429) {
        StoreErrorKind::Overloaded(words)
    } else if is_cut.iter().any(|cut| text.contains(cut)) {
        StoreErrorKind::Truncated(words)
    } else {
        StoreErrorKind::NotS3(words)
    }
}

/// Text of a host name that does not resolve.
pub(super) const UNRESOLVED: &str = "does not resolve";

/// Returns the same kind, with the name of a host that does not resolve.
pub(super) fn with_host(kind: StoreErrorKind, host: &str) -> StoreErrorKind {
    match kind {
        StoreErrorKind::Unreachable(words) if words.contains("dns error") => {
            let name = if words.contains(THROUGH_PROXY) {
                "of the proxy"
            } else {
                host
            };
            StoreErrorKind::Unreachable(format!("the host name {name} {UNRESOLVED}: {words}"))
        }
        kind => kind,
    }
}

/// Returns why requests cannot be sent through a proxy, if waiting does not help.
fn proxy_refusal(error: &(dyn StdError + 'static)) -> Option<String> {
    let cause =
        causes(error).find(|cause| cause.is::<ProxyRefused>() || cause.is::<NotAProxy>())?;
    Some(cause.to_string())
}

/// Texts of the SDK's credential errors that have no type of their own: its cache has waited too
/// long for the provider, or there is no provider.
const NO_IDENTITY: [&str; 2] = [
    "identity resolver timed out",
    "failed to select an auth scheme",
];

/// Returns whether a request was not sent because its credentials could not be loaded. The causes
/// may look like failures of a bucket, because credentials may be fetched over the network, too.
fn lacks_credentials(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| {
        let text = cause.to_string();
        cause.is::<CredentialsError>() || NO_IDENTITY.iter().any(|words| text.contains(words))
    })
}

/// Returns the text of a failure to assume a role, without those of the layers around it.
fn not_assumed(error: &(dyn StdError + 'static)) -> Option<String> {
    caused_by::<NotAssumed>(error).map(ToString::to_string)
}

/// Returns the kind of a request without a response: the SDK distinguishes the causes only by text.
fn of_unsent(text: String) -> StoreErrorKind {
    let lower = text.to_lowercase();
    if lower.contains("invalid peer certificate") {
        StoreErrorKind::Certificate(text)
    // There was a response, but not HTTP, or not over TLS.
    } else if lower.contains("invalid http")
        || lower.contains("incomplete message")
        || lower.contains("corrupt message")
    {
        StoreErrorKind::NotS3(text)
    } else {
        StoreErrorKind::Unreachable(text)
    }
}

/// Returns the region that an error document names for the bucket.
fn region_in(document: &[u8]) -> Option<String> {
    element(document, "Region").map(str::to_owned)
}

/// Returns the name that an element of an error document holds.
fn element<'a>(document: &'a [u8], name: &str) -> Option<&'a str> {
    let document = std::str::from_utf8(document).ok()?;
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (!text.is_empty() && text.bytes().all(is_name)).then_some(text)
}

fn of_answer(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    region: Option<String>,
) -> StoreErrorKind {
    let words = || match (code, message) {
        (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
        (Some(code), _) => code.to_owned(),
        (None, _) => format!("HTTP {status}"),
    };
    match (code.unwrap_or_default(), status) {
        ("NoSuchBucket", _) => StoreErrorKind::NoSuchBucket,
        ("NoSuchKey" | "NotFound", _) => StoreErrorKind::NoSuchKey,
        ("NoSuchUpload", _) => StoreErrorKind::NoSuchUpload,
        (
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "IllegalLocationConstraintException"
            | "AuthorizationHeaderMalformed",
            _,
        )
        | ("", 301 | 307) => StoreErrorKind::WrongRegion { region },
        ("RequestTimeTooSkewed", _) => StoreErrorKind::BadCredentials(words()),
        (code, _) if is_refusal(code) => StoreErrorKind::BadCredentials(words()),
        ("PreconditionFailed", _) | (_, 412) => StoreErrorKind::PreconditionFailed,
        // Another request for the key ran at the same time; the next attempt may succeed.
        ("ConditionalRequestConflict" | "OperationAborted", _) => {
            StoreErrorKind::Overloaded(words())
        }
        ("NotModified", _) | ("", 304) => StoreErrorKind::NotModified { modified: None },
        ("NotImplemented", _) | (_, 501) => StoreErrorKind::Unsupported(words()),
        ("QuotaExceeded" | "XMinioAdminBucketQuotaExceeded", _) => {
            StoreErrorKind::QuotaExceeded(words())
        }
        ("InvalidObjectState" | "ObjectNotInActiveTierError", _) => StoreErrorKind::Archived {
            storage_class: None,
            restore: String::new(),
        },
        ("AccessDenied" | "AllAccessDisabled" | "AccountProblem", _) | (_, 403) => {
            StoreErrorKind::AccessDenied(words())
        }
        ("SlowDown" | "ServiceUnavailable" | "RequestLimitExceeded" | "TooManyRequests", _)
        | (_, 503 | 429) => StoreErrorKind::Throttled(words()),
        ("InternalError" | "RequestTimeout", _) | (_, 500..=599) => {
            StoreErrorKind::Overloaded(words())
        }
        ("", _) => StoreErrorKind::NotS3(words()),
        _ => StoreErrorKind::Other(words()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_s3::error::{BoxError, ConnectorError};
    use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;

    use super::*;

    fn kind(status: u16, code: &str) -> StoreErrorKind {
        let code = (!code.is_empty()).then_some(code);
        of_answer(status, code, Some("words"), Some("eu-west-1".into()))
    }

    /// Returns the kind of a request that was not sent for this cause.
    fn unsent(cause: impl Into<BoxError>) -> StoreErrorKind {
        let failure = ConnectorError::other(cause.into(), None);
        classify(&SdkError::<ListObjectsV2Error, _>::dispatch_failure(
            failure,
        ))
    }

    #[test]
    fn credentials_that_could_not_be_loaded_are_told_from_a_bucket_that_does_not_answer() {
        use CredentialsError as C;
        use StoreErrorKind as K;
        for cause in [
            C::not_loaded("no provider in the chain brought credentials"),
            C::not_loaded("dns error: No address associated with hostname"),
            C::provider_timed_out(Duration::from_secs(5)),
            C::invalid_configuration("a loop of profiles"),
            C::provider_error("failed to load the SSO token"),
            C::provider_error("invalid peer certificate: UnknownIssuer"),
            C::unhandled("connection closed: incomplete message"),
        ] {
            let kind = unsent(cause);
            assert!(matches!(kind, K::NoCredentials(_)), "{kind:?}");
        }
        for cause in [
            "dns error: No address associated with hostname",
            "error trying to connect: credentials.example.com refused the connection",
            "error trying to connect: sso.identity.example.com: connection reset",
        ] {
            let kind = unsent(cause);
            assert!(matches!(kind, K::Unreachable(_)), "{kind:?}");
        }
        let kind = unsent("invalid peer certificate: UnknownIssuer");
        assert!(matches!(kind, K::Certificate(_)), "{kind:?}");
    }

    #[test]
    fn answers_become_the_kinds_callers_act_on() {
        use StoreErrorKind as K;
        assert!(matches!(kind(404, "NoSuchKey"), K::NoSuchKey));
        assert!(matches!(kind(404, "NoSuchUpload"), K::NoSuchUpload));
        assert!(matches!(kind(404, ""), K::NotS3(_)));
        assert!(matches!(kind(404, "NoSuchBucket"), K::NoSuchBucket));
        assert!(matches!(kind(403, "AccessDenied"), K::AccessDenied(_)));
        assert!(matches!(kind(403, ""), K::AccessDenied(_)));
        for code in ["InvalidObjectState", "ObjectNotInActiveTierError"] {
            assert!(matches!(kind(403, code), K::Archived { .. }));
        }
        assert!(matches!(
            kind(403, "SignatureDoesNotMatch"),
            K::BadCredentials(_)
        ));
        assert!(matches!(kind(412, ""), K::PreconditionFailed));
        let kinds = [kind(412, "AtLeastOneConditionFailed"), kind(412, "")];
        assert!(kinds.iter().all(|it| matches!(it, K::PreconditionFailed)));
        assert!(matches!(kind(403, "QuotaExceeded"), K::QuotaExceeded(_)));
        assert!(matches!(kind(304, ""), K::NotModified { .. }));
        assert!(matches!(kind(503, "SlowDown"), K::Throttled(_)));
        assert!(matches!(kind(503, ""), K::Throttled(_)));
        assert!(matches!(kind(200, "SlowDown"), K::Throttled(_)));
        assert!(matches!(kind(500, "InternalError"), K::Overloaded(_)));
        assert!(matches!(kind(502, ""), K::Overloaded(_)));
        assert!(matches!(kind(522, ""), K::Overloaded(_)));
        assert!(matches!(kind(501, "NotImplemented"), K::Unsupported(_)));
        assert!(matches!(kind(405, ""), K::NotS3(_)));
        let K::WrongRegion { region } = kind(301, "PermanentRedirect") else {
            panic!()
        };
        assert_eq!(region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn a_region_is_read_from_the_document() {
        let document = |region| format!("<Error><Code>C</Code><Region>{region}</Region></Error>");
        let region = |region| region_in(document(region).as_bytes());
        assert_eq!(region("eu-west-1").as_deref(), Some("eu-west-1"));
        assert_eq!(region(""), None);
        assert_eq!(region("<a>"), None);
        assert_eq!(region_in(b"<Error/>"), None);
    }
}
