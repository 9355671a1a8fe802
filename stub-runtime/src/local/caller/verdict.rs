//! Conversion of a call's outcome to a value or an error.

use std::io;
use std::sync::Arc;

use s3fs_core::NotStored;

use crate::call::{Attempt, Ended, Error, ErrorKind, Message, Outcome};
use crate::codec::Payload;
use crate::protocol::StartFailure;

/// Returns the value of a function's call.
pub(super) fn value(
    attempt: Attempt,
    outcome: Outcome,
    value: Option<Payload>,
) -> Result<Payload, Error> {
    let Outcome { ended, not_stored } = outcome;
    let result = match error(&attempt, ended) {
        Some(error) => Err(error),
        None => value.ok_or_else(|| {
            Error::new(
                attempt.clone(),
                ErrorKind::Codec {
                    reason: "the value is missing".to_owned(),
                },
            )
        }),
    };
    if not_stored.is_empty() {
        return result;
    }
    Err(lost(attempt, not_stored, result.err()))
}

/// Returns the error of an attempt of a command; nothing if it was a success.
pub(super) fn command(attempt: Attempt, outcome: Outcome) -> Option<Error> {
    let Outcome { ended, not_stored } = outcome;
    let failure = match ended {
        Ended::Exited { code: 0 } => None,
        Ended::Exited { code } => Some(Error::new(
            attempt.clone(),
            ErrorKind::Failed {
                source: Message::from_chain(vec![format!("exit status {code}")]),
            },
        )),
        ended => error(&attempt, ended),
    };
    if not_stored.is_empty() {
        return failure;
    }
    Some(lost(attempt, not_stored, failure))
}

/// Makes the error about objects that could not be stored. It takes precedence over any other
/// error, which becomes its cause.
fn lost(attempt: Attempt, objects: Vec<NotStored>, cause: Option<Error>) -> Error {
    Error::new(
        attempt,
        ErrorKind::NotStored {
            objects,
            cause: cause.map(Box::new),
        },
    )
}

fn error(attempt: &Attempt, ended: Ended) -> Option<Error> {
    let kind = match ended {
        Ended::Returned => return None,
        Ended::Failed { chain } => ErrorKind::Failed {
            source: Message::from_chain(chain),
        },
        Ended::Panicked { message, location } => ErrorKind::Panicked { message, location },
        Ended::Codec { reason } => ErrorKind::Codec { reason },
        Ended::Exited { code } => ErrorKind::Exited { code },
        Ended::Killed { signal } => ErrorKind::Killed { signal },
        Ended::Cancelled => ErrorKind::Cancelled,
        Ended::TimedOut { after } => ErrorKind::TimedOut { after },
    };
    Some(Error::new(attempt.clone(), kind))
}

/// Returns the error of a call whose work was not started.
pub(super) fn refused(attempt: Attempt, failure: StartFailure) -> Error {
    let kind = match failure {
        StartFailure::Volume {
            path,
            bucket,
            reason,
        } => ErrorKind::Volume {
            path,
            bucket,
            reason,
        },
        StartFailure::Sandbox {
            step,
            reason,
            remedy,
        } => ErrorKind::Sandbox {
            step,
            reason,
            remedy,
        },
        StartFailure::NotStarted { program, errno } => {
            let source = Arc::new(io::Error::from_raw_os_error(errno));
            let program = Attempt::first(program.to_string_lossy());
            return Error::new(program, ErrorKind::NotStarted { source });
        }
        StartFailure::Protocol { reason } => ErrorKind::Lost { reason },
    };
    Error::new(attempt, kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

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
        assert!(
            value(
                Attempt::first("f"),
                outcome(Ended::Returned, &[]),
                payload()
            )
            .is_ok()
        );
        let lost = value(
            Attempt::first("f"),
            outcome(Ended::Returned, &["s3://b/k"]),
            payload(),
        );
        let Err(Error {
            kind:
                ErrorKind::NotStored {
                    objects,
                    cause: None,
                    ..
                },
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
        let Err(Error {
            kind: ErrorKind::NotStored {
                cause: Some(cause), ..
            },
            ..
        }) = value(Attempt::first("f"), exited, None)
        else {
            panic!("an error with a cause")
        };
        assert!(matches!(cause.kind, ErrorKind::Exited { code: 3 }));
    }
}
