//! Kinds of failures of direct connections, as the SDK tells them apart.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::retry::ErrorKind;

use crate::object::caused_by;

/// Phase of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestPhase {
    /// Until TLS is set up.
    Connect,
    /// From the request to the head of its answer.
    Read,
}

/// Expired time limit of a phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionTimeout {
    pub(super) phase: RequestPhase,
    pub(super) limit: Duration,
}

impl fmt::Display for ConnectionTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            RequestPhase::Connect => "connect",
            RequestPhase::Read => "read",
        };
        write!(f, "HTTP {phase} timeout occurred after {:?}", self.limit)
    }
}

impl Error for ConnectionTimeout {}

/// Returns a failed request's error with its kind.
pub(super) fn classified(error: BoxError) -> ConnectorError {
    if caused_by::<ConnectionTimeout>(error.as_ref()).is_some() {
        return ConnectorError::timeout(error);
    }
    if let Some(http) = caused_by::<hyper::Error>(error.as_ref()) {
        return of_http(http)(error);
    }
    let client = caused_by::<hyper_util::client::legacy::Error>(error.as_ref());
    let is_connect = client.is_some_and(hyper_util::client::legacy::Error::is_connect);
    if is_connect || caused_by::<io::Error>(error.as_ref()).is_some() {
        return ConnectorError::io(error);
    }
    ConnectorError::other(error, None)
}

fn of_http(error: &hyper::Error) -> fn(BoxError) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout
    } else if error.is_user() {
        ConnectorError::user
    } else if error.is_closed() || error.is_canceled() || caused_by::<io::Error>(error).is_some() {
        ConnectorError::io
    } else if error.is_incomplete_message() {
        |error| ConnectorError::other(error, Some(ErrorKind::TransientError))
    } else {
        |error| ConnectorError::other(error, None)
    }
}
