//! Why a store did not do what it was asked.

use std::error::Error as StdError;
use std::time::SystemTime;

/// A failed request: what was asked of which object, and why it was not done.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {object}: {kind}")]
pub struct StoreError {
    /// S3's name of the operation, such as `GetObject`.
    pub operation: &'static str,
    /// `s3://bucket/key`.
    pub object: String,
    /// What a caller can act on.
    pub kind: StoreErrorKind,
}

/// Why a request failed, in the kinds that make a difference to a caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreErrorKind {
    /// No such object.
    #[error("no such object")]
    NoSuchKey,
    /// No such bucket.
    #[error("no such bucket")]
    NoSuchBucket,
    /// No such upload: it was completed or aborted, perhaps by somebody else.
    #[error("no such upload")]
    NoSuchUpload,
    /// The credentials are good but not for this.
    #[error("access denied{}", in_parentheses(.0))]
    AccessDenied(String),
    /// The credentials themselves are refused.
    #[error("the credentials are refused{}", in_parentheses(.0))]
    BadCredentials(String),
    /// There are no credentials to sign with.
    #[error("no credentials{}", in_parentheses(.0))]
    NoCredentials(String),
    /// The object has another version than the one asked for, or exists though it must not.
    #[error("the object was changed meanwhile")]
    PreconditionFailed,
    /// The object still has the version that is here already.
    #[error("the object has not changed")]
    NotModified {
        /// When it was stored, if the server said so: it changes with the headers, the version
        /// does not.
        modified: Option<SystemTime>,
    },
    /// The bucket is served elsewhere.
    #[error("the bucket is in region {}", .region.as_deref().unwrap_or("(not said)"))]
    WrongRegion {
        /// Where, if the server said so.
        region: Option<String>,
    },
    /// The server doesn't know this operation or option.
    #[error("the server does not support this{}", in_parentheses(.0))]
    Unsupported(String),
    /// The server asks for fewer requests, or failed itself; it was asked several times.
    #[error("the server is overloaded or failing ({0})")]
    Overloaded(String),
    /// No answer: the name doesn't resolve, nothing listens, the connection broke.
    #[error("the endpoint does not answer ({0})")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// An answer that isn't S3's.
    #[error("the endpoint does not answer as S3 does ({0})")]
    NotS3(String),
    /// Fewer bytes than announced.
    #[error("the body ended early ({0})")]
    Truncated(String),
    /// Anything else, with the server's code and message.
    #[error("{0}")]
    Other(String),
}

fn in_parentheses(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

impl StoreErrorKind {
    /// Whether the same request may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::TimedOut | Self::Truncated(_) | Self::Overloaded(_)
        )
    }
}

/// An error with all its sources in one line: the SDK hides the cause several levels deep, and
/// writes a line for each place where it looked for credentials.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" | ")
}
