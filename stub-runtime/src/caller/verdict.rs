//! From how a call ended to a value or an error.

use std::io;

use crate::error::{Error, Message};
use crate::outcome::{Ended, Outcome};
use crate::payload::Payload;
use crate::protocol::Failure;

/// The value of a function's call.
pub(super) fn value(
    function: String,
    outcome: Outcome,
    value: Option<Payload>,
) -> Result<Payload, Error> {
    let Outcome { ended, not_stored } = outcome;
    let result = match error(&function, ended) {
        Some(error) => Err(error),
        None => value.ok_or_else(|| Error::Codec {
            function: function.clone(),
            reason: "the value is missing".to_owned(),
        }),
    };
    if not_stored.is_empty() {
        return result;
    }
    let cause = result.err().map(Box::new);
    Err(Error::NotStored {
        function,
        objects: not_stored,
        cause,
    })
}

fn error(function: &str, ended: Ended) -> Option<Error> {
    let function = function.to_owned();
    Some(match ended {
        Ended::Returned => return None,
        Ended::Failed { chain } => Error::Failed {
            function,
            source: Message::from_chain(chain),
        },
        Ended::Panicked { message, location } => Error::Panicked {
            function,
            message,
            location,
        },
        Ended::Codec { reason } => Error::Codec { function, reason },
        Ended::Exited { code } => Error::Exited { function, code },
        Ended::Killed { signal } => Error::Killed { function, signal },
        Ended::TimedOut { after } => Error::TimedOut { function, after },
    })
}

/// The error of a call whose work was not started.
pub(super) fn refused(function: String, failure: Failure) -> Error {
    match failure {
        Failure::Volume {
            path,
            bucket,
            reason,
        } => Error::Volume {
            function,
            path,
            bucket,
            reason,
        },
        Failure::Sandbox {
            step,
            reason,
            remedy,
        } => Error::Sandbox {
            function,
            step,
            reason,
            remedy,
        },
        Failure::NotStarted { program, errno } => Error::NotStarted {
            program: program.to_string_lossy().into_owned(),
            source: io::Error::from_raw_os_error(errno),
        },
        Failure::Protocol { reason } => Error::Lost { function, reason },
    }
}

/// The error of a call that could not begin.
pub(super) fn start(function: &str, step: &'static str, source: io::Error) -> Error {
    Error::Start {
        function: function.to_owned(),
        step,
        source,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use s3fs_core::NotStored;

    use super::*;

    fn outcome(ended: Ended, lost: &[&str]) -> Outcome {
        let object = |name: &&str| NotStored {
            object: (*name).into(),
            reason: "refused".into(),
            kept_in: None,
        };
        Outcome {
            ended,
            not_stored: lost.iter().map(object).collect(),
        }
    }

    #[test]
    fn a_value_counts_only_if_everything_is_stored() {
        let payload = || Some(Payload::encode(&1).unwrap());
        assert!(value("f".into(), outcome(Ended::Returned, &[]), payload()).is_ok());
        let lost = value(
            "f".into(),
            outcome(Ended::Returned, &["s3://b/k"]),
            payload(),
        );
        let Err(Error::NotStored {
            objects,
            cause: None,
            ..
        }) = lost
        else {
            panic!("{lost:?}")
        };
        assert_eq!(objects[0].object, "s3://b/k");
    }

    #[test]
    fn a_function_that_failed_besides_is_the_cause() {
        let exited = outcome(Ended::Exited { code: 3 }, &["s3://b/k"]);
        let Err(Error::NotStored {
            cause: Some(cause), ..
        }) = value("f".into(), exited, None)
        else {
            panic!("an error with a cause")
        };
        assert!(matches!(*cause, Error::Exited { code: 3, .. }));
    }
}
