//! Reasons for which requests fail.

use std::time::SystemTime;

use super::Outcome;
use crate::object::Shown;

/// Reason that a request failed, in the kinds that callers distinguish.
#[derive(Debug, thiserror::Error)]
pub enum StoreErrorKind {
    /// No such object.
    #[error("no such object")]
    NoSuchKey,
    /// No such bucket.
    #[error("no such bucket")]
    NoSuchBucket,
    /// No such upload: it was completed or aborted, perhaps by another client.
    #[error("no such upload")]
    NoSuchUpload,
    /// The credentials are valid but lack permission.
    #[error("access denied{}", in_parentheses(.0))]
    AccessDenied(String),
    /// The object is archived: its bytes have to be restored before they are read or copied.
    #[error("the object is archived{}: restore it with `{restore}`", in_class(.storage_class.as_deref()))]
    Archived {
        /// Storage class, if the server returned it.
        storage_class: Option<String>,
        /// Command that restores the object.
        restore: String,
    },
    /// The credentials themselves are refused.
    #[error("the credentials are refused{}", in_parentheses(.0))]
    BadCredentials(String),
    /// The credentials are refused; their source may have other ones by now, and is asked again.
    #[error("the credentials are no longer accepted{}", in_parentheses(.0))]
    StaleCredentials(String),
    /// The credentials to sign with could not be loaded.
    #[error("no credentials{}", in_parentheses(.0))]
    NoCredentials(String),
    /// The object has another version than the requested one, or exists though it must not.
    #[error("the object was changed meanwhile")]
    PreconditionFailed,
    /// The object still has the version that the caller has.
    #[error("the object has not changed")]
    NotModified {
        /// Time of the last modification, if the server returned it. A change of headers changes
        /// the time but not the version.
        modified: Option<SystemTime>,
    },
    /// The bucket or its owner has exceeded a quota.
    #[error("the quota of the bucket or its owner is exceeded ({})", Shown(.0))]
    QuotaExceeded(String),
    /// The bucket is in another region.
    #[error("the bucket is in region {}", Shown(.region.as_deref().unwrap_or("(not said)")))]
    WrongRegion {
        /// Region of the bucket, if the server returned it.
        region: Option<String>,
    },
    /// The server does not support this operation or option.
    #[error("the server does not support this{}", in_parentheses(.0))]
    Unsupported(String),
    /// The server asks for a lower request rate.
    #[error("the server asks for fewer requests ({})", Shown(.0))]
    Throttled(String),
    /// The server failed, or is overloaded.
    #[error("the server is overloaded or failing ({})", Shown(.0))]
    Overloaded(String),
    /// No response: the name does not resolve, nothing listens, or the connection broke.
    #[error("the endpoint does not answer ({})", Shown(.0))]
    Unreachable(String),
    /// The proxy refuses requests, or cannot be used.
    #[error("{}", Shown(.0))]
    Proxy(String),
    /// The server's certificate is not trusted.
    #[error("the certificate of the endpoint is not accepted ({})", Shown(.0))]
    Certificate(String),
    /// No response in time.
    #[error("no answer in time")]
    TimedOut,
    /// Response that does not follow S3's protocol.
    #[error("the endpoint does not answer as S3 does ({})", Shown(.0))]
    NotS3(String),
    /// Body shorter than announced.
    #[error("the body ended early ({})", Shown(.0))]
    Truncated(String),
    /// Bytes that do not have the checksum of the object.
    #[error("the bytes that arrived are not those of the object ({})", Shown(.0))]
    Corrupted(String),
    /// The mount ended, and sends no more requests to the bucket.
    #[error("the mount ended before the bucket had answered")]
    Ended,
    /// Any other error, with the server's code and message.
    #[error("{}", Shown(.0))]
    Other(String),
}

fn in_class(class: Option<&str>) -> String {
    class.map_or_else(String::new, |class| format!(" in {class}"))
}

fn in_parentheses(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({})", Shown(text))
    }
}

impl StoreErrorKind {
    /// Returns whether the same request may succeed a moment later. Credentials that worked once
    /// may become available again.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::NoCredentials(_)
                | Self::StaleCredentials(_)
                | Self::Unreachable(_)
                | Self::TimedOut
                | Self::Truncated(_)
                | Self::Overloaded(_)
                | Self::Throttled(_)
        )
    }

    /// Returns whether the operator of the server can find more about the failure by the ID of the
    /// request.
    pub(super) fn needs_request_id(&self) -> bool {
        match self {
            Self::AccessDenied(_)
            | Self::BadCredentials(_)
            | Self::StaleCredentials(_)
            | Self::Throttled(_)
            | Self::Overloaded(_)
            | Self::QuotaExceeded(_)
            | Self::Unsupported(_)
            | Self::NotS3(_)
            | Self::Truncated(_)
            | Self::Corrupted(_)
            | Self::Other(_) => true,
            Self::NoSuchKey
            | Self::NoSuchBucket
            | Self::NoSuchUpload
            | Self::NoCredentials(_)
            | Self::PreconditionFailed
            | Self::NotModified { .. }
            | Self::WrongRegion { .. }
            | Self::Archived { .. }
            | Self::Unreachable(_)
            | Self::Proxy(_)
            | Self::Certificate(_)
            | Self::TimedOut
            | Self::Ended => false,
        }
    }

    /// Returns whether the request was refused because the clocks differ.
    pub(in crate::store) fn is_clock_skew(&self) -> bool {
        matches!(self, Self::BadCredentials(words) if words.starts_with("RequestTimeTooSkewed"))
    }

    /// Returns whether the signature was refused. The server may compute it in another way, so that
    /// other keys do not help.
    pub(in crate::store) fn is_signature_mismatch(&self) -> bool {
        matches!(self, Self::StaleCredentials(words) if words.starts_with("SignatureDoesNotMatch"))
    }

    /// Returns the effect on the bucket of an attempt that failed for this reason. A failing
    /// server, or a gateway before it, may have carried out the request.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Throttled(_)
            | Self::Overloaded(_)
            | Self::Unreachable(_)
            | Self::TimedOut
            | Self::NotS3(_)
            | Self::Truncated(_) => Outcome::Unknown,
            Self::NoSuchKey
            | Self::NoSuchBucket
            | Self::NoSuchUpload
            | Self::AccessDenied(_)
            | Self::BadCredentials(_)
            | Self::StaleCredentials(_)
            | Self::NoCredentials(_)
            | Self::PreconditionFailed
            | Self::NotModified { .. }
            | Self::WrongRegion { .. }
            | Self::QuotaExceeded(_)
            | Self::Unsupported(_)
            | Self::Ended
            | Self::Archived { .. }
            | Self::Proxy(_)
            | Self::Certificate(_)
            | Self::Corrupted(_)
            | Self::Other(_) => Outcome::Refused,
        }
    }
}
