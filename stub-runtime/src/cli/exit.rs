//! Exit statuses, and the line on standard error that explains them.

use std::process::ExitCode;

use crate::call::{Ended, Error, ErrorKind, Outcome};
use crate::local::interrupt::INTERRUPTED;
use crate::observe::watch::say;

/// Exit status if the command line is wrong.
pub(super) const USAGE: u8 = 2;

/// Exit status if the function failed.
const FAILED: u8 = 1;
/// Exit status if the call ran longer than its timeout.
const TIMED_OUT: u8 = 124;
/// Exit status if the call could not be run, or something could not be stored.
const NOT_RUN: u8 = 125;

/// Reason for which a command has no result.
#[derive(Debug)]
pub(super) struct CommandFailure {
    message: String,
    status: u8,
}

impl CommandFailure {
    /// Creates the failure of this command itself.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: NOT_RUN,
        }
    }

    /// Creates the failure of invalid arguments.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: USAGE,
        }
    }

    /// Prints the reason, and returns the exit status.
    pub(super) fn report(self) -> ExitCode {
        say(&self.message);
        ExitCode::from(self.status)
    }
}

impl From<Error> for CommandFailure {
    fn from(error: Error) -> Self {
        Self {
            message: format!("{error:#}"),
            status: status(&error),
        }
    }
}

/// Returns the exit status for a command with this outcome.
pub fn exit_status(outcome: &Outcome) -> u8 {
    let status = match outcome.ended {
        Ended::Returned => 0,
        Ended::Exited { code } => u8::try_from(code).unwrap_or(u8::MAX),
        Ended::Killed { signal } => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        Ended::TimedOut { .. } => TIMED_OUT,
        Ended::Cancelled => INTERRUPTED,
        // A command is no function: it has no panics and no values.
        Ended::Failed { .. } | Ended::Panicked { .. } | Ended::Codec { .. } => NOT_RUN,
    };
    if status == 0 && !outcome.not_stored.is_empty() {
        NOT_RUN
    } else {
        status
    }
}

fn status(error: &Error) -> u8 {
    match &error.kind {
        ErrorKind::Failed { .. } | ErrorKind::Panicked { .. } => FAILED,
        // A process that ended by itself without a value, whatever it thought of that, has failed.
        ErrorKind::Exited { code } => u8::try_from(*code)
            .ok()
            .filter(|code| *code != 0)
            .unwrap_or(FAILED),
        ErrorKind::Killed { signal } => u8::try_from(128 + signal).unwrap_or(FAILED),
        ErrorKind::TimedOut { .. } => TIMED_OUT,
        ErrorKind::Cancelled => INTERRUPTED,
        _ => NOT_RUN,
    }
}

#[cfg(test)]
mod tests {
    use crate::call::{Attempt, Message};

    use super::*;

    #[test]
    fn a_failure_names_the_function_and_has_its_sources() {
        let chain = ["can't read", "no such file"].map(String::from).to_vec();
        let error = Error::new(
            Attempt::first("demo::f"),
            ErrorKind::Failed {
                source: Message::from_chain(chain),
            },
        );
        assert_eq!(
            format!("{error:#}"),
            "`demo::f` failed: can't read: no such file"
        );
        assert_eq!(status(&error), 1);
        let attempt = Attempt::first("demo::f");
        assert_eq!(
            status(&Error::new(attempt, ErrorKind::Killed { signal: 9 })),
            137
        );
    }

    #[test]
    fn a_body_that_exits_without_returning_has_failed_whatever_its_status() {
        let exited = |code| {
            let attempt = Attempt::first("demo::f");
            status(&Error::new(attempt, ErrorKind::Exited { code }))
        };
        assert_eq!([exited(0), exited(3), exited(-1)], [FAILED, 3, FAILED]);
    }
}
