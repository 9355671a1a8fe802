//! Errors of requests to a store.

mod kind;
mod request_id;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use crate::object::Shown;

pub use kind::StoreErrorKind;
pub use request_id::RequestId;

/// Failed request: its operation, its object and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {}: {kind}{}", Shown(.object), self.request_text())]
pub struct StoreError {
    /// S3's name of the operation, such as `GetObject`.
    pub operation: &'static str,
    /// `s3://bucket/key`.
    pub object: String,
    /// Reason, as callers distinguish it.
    pub kind: StoreErrorKind,
    /// Effect on the bucket: whether the store may have carried out the request despite the
    /// failure.
    pub outcome: Outcome,
    /// ID of the last attempt's request, if the server has answered it.
    pub request_id: Option<Box<RequestId>>,
    /// Number of attempts.
    pub attempts: u32,
    /// Time from the first attempt to the last failure; zero for a single attempt, which is not
    /// timed.
    pub elapsed: Duration,
}

/// Effect of a failed request on the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No effect: the store refused the request, or it was not sent.
    Refused,
    /// Possible effect: this attempt or an earlier one may have been carried out. The server
    /// failed, or its response was lost.
    Unknown,
}

impl StoreError {
    /// Returns the error of one attempt.
    pub fn new(operation: &'static str, object: String, kind: StoreErrorKind) -> Self {
        let outcome = kind.outcome();
        Self {
            operation,
            object,
            kind,
            outcome,
            request_id: None,
            attempts: 1,
            elapsed: Duration::ZERO,
        }
    }

    /// Returns the same error, with the ID of the request.
    #[must_use]
    pub fn with_request_id(self, request_id: Option<RequestId>) -> Self {
        Self {
            request_id: request_id.map(Box::new),
            ..self
        }
    }

    /// Returns the same error, as that of several attempts.
    #[must_use]
    pub(super) fn after_attempts(self, attempts: u32, elapsed: Duration) -> Self {
        Self {
            attempts,
            elapsed,
            ..self
        }
    }

    /// Returns the ID of the request, if whoever runs the server has a use for it.
    pub(super) fn id_for_support(&self) -> Option<&RequestId> {
        let is_useful = self.kind.needs_request_id();
        self.request_id.as_deref().filter(|_| is_useful)
    }

    fn request_text(&self) -> impl fmt::Display {
        fmt::from_fn(|f| match self.id_for_support() {
            Some(id) => write!(f, ", request ID {id}"),
            None => Ok(()),
        })
    }

    /// Returns the same error, where an earlier attempt or a part of this one may have been carried
    /// out.
    #[must_use]
    pub fn after_unknown(self) -> Self {
        Self {
            outcome: Outcome::Unknown,
            ..self
        }
    }

    /// Returns whether the store may have carried out the request: a key to be stored may exist, a
    /// key to be deleted may be gone.
    pub fn is_unknown(&self) -> bool {
        self.outcome == Outcome::Unknown
    }
}
