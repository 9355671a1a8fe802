//! Error of a call.

mod crossing;
mod kind;
mod message;
#[cfg(test)]
mod tests;
mod words;

use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

use s3fs_core::chain;
use serde::{Deserialize, Serialize};

use crate::call::attempt::Attempt;

pub use kind::ErrorKind;
pub use message::Message;

/// Result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of a call: the attempt that failed, and the reason.
///
/// Its text has no causes: they are its [`source`](StdError::source), and their sources. A function's
/// own error has its own text and sources, as if the function were called without a sandbox. With
/// `#` in the format, the text names the attempt, and the causes follow in the same line.
///
/// ```
/// # fn handle(error: stub_runtime::Error) {
/// use stub_runtime::ErrorKind;
/// match &error.kind {
///     ErrorKind::TimedOut { after } => println!("try again with more than {after:?}"),
///     ErrorKind::NotStored { objects, .. } => println!("{} objects are missing", objects.len()),
///     _ => println!("{error:#}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Error {
    /// Attempt that failed: the function (`module::name`), or the program of a command.
    pub attempt: Attempt,
    /// Reason.
    pub kind: ErrorKind,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Failed { source } if f.alternate() => {
                write!(f, "{} failed: {}", self.attempt, chain(source))
            }
            _ if f.alternate() => f.write_str(&chain(self)),
            ErrorKind::Failed { source } => source.fmt(f),
            kind => write!(f, "{} {kind}", self.attempt),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            ErrorKind::Failed { source } => source.source(),
            kind => kind.source(),
        }
    }
}

impl Error {
    /// Creates the error of an attempt.
    pub(crate) fn new(attempt: Attempt, kind: ErrorKind) -> Self {
        Self { attempt, kind }
    }

    /// Returns the function (`module::name`) or the program that was called.
    pub fn function(&self) -> &str {
        &self.attempt.function
    }

    /// Returns the attempt that failed; of a call with retries, the last.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// Replaces the attempt of the error.
    pub(crate) fn in_attempt(mut self, of: &Attempt) -> Self {
        // Of a command that can't be started, it names the program.
        if let ErrorKind::NotStarted { .. } = self.kind {
            return self;
        }
        self.attempt.clone_from(of);
        if let ErrorKind::NotStored { cause, .. } = &mut self.kind {
            *cause = cause.take().map(|cause| Box::new(cause.in_attempt(of)));
        }
        self
    }

    /// Returns whether another attempt may succeed. An error of the body or of its process may not
    /// happen again. An error in the declaration or of the machine stays.
    pub fn is_worth_retrying(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Failed { .. }
                | ErrorKind::Panicked { .. }
                | ErrorKind::Exited { .. }
                | ErrorKind::Killed { .. }
                | ErrorKind::TimedOut { .. }
                | ErrorKind::NotStored { .. }
                | ErrorKind::Lost { .. }
        )
    }

    /// Creates the error of a call that could not begin.
    pub(crate) fn start(attempt: Attempt, step: &'static str, source: io::Error) -> Self {
        let kind = ErrorKind::Start {
            step: step.into(),
            source: Arc::new(source),
        };
        Self::new(attempt, kind)
    }

    /// Creates the error of a call whose end will never be reported, as `who` has panicked.
    pub(crate) fn unwatched(attempt: Attempt, who: &str) -> Self {
        let reason = format!("is no longer watched: {who} panicked");
        Self::new(attempt, ErrorKind::Lost { reason })
    }

    /// Creates the error of a value that can't be decoded.
    pub(crate) fn value(attempt: Attempt, error: &io::Error) -> Self {
        let reason = format!("value: {error}");
        Self::new(attempt, ErrorKind::Codec { reason })
    }
}
