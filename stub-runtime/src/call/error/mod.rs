//! Error of a call.

mod crossing;
mod message;
mod words;

use std::borrow::Cow;
use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3fs_core::NotStored;
use serde::{Deserialize, Serialize};

use crate::call::attempt::Attempt;

pub use message::Message;
use words::{at, list, remedy_text, signal_name};

/// Result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Reason for which a call has no value.
///
/// Every variant names the function (`module::name`), or the program of a command, and the attempt.
///
/// ```
/// # fn handle(error: stub_runtime::Error) {
/// use stub_runtime::Error;
/// match error {
///     Error::TimedOut { after, .. } => println!("try again with more than {after:?}"),
///     Error::NotStored { objects, .. } => println!("{} objects are not in the bucket", objects.len()),
///     other => println!("{other}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The function returned its own error; its sources are the error's sources.
    #[error("{source}")]
    Failed {
        /// Attempt that failed.
        attempt: Attempt,
        /// Error of the function, with its sources.
        source: Message,
    },
    /// The body panicked.
    #[error("{attempt} panicked{}: {message}", at(.location.as_deref()))]
    Panicked {
        /// Attempt that failed.
        attempt: Attempt,
        /// Message of the panic.
        message: String,
        /// Location as `file:line:column`.
        location: Option<String>,
    },
    /// The body called `std::process::exit`, or something else ended its process.
    #[error("{attempt} ended its process with exit status {code} instead of returning")]
    Exited {
        /// Attempt that failed.
        attempt: Attempt,
        /// Exit status, 0 to 255.
        code: i32,
    },
    /// A signal ended the body's process.
    #[error("{attempt} was killed by {}", signal_name(*.signal))]
    Killed {
        /// Attempt that failed.
        attempt: Attempt,
        /// Number of the signal.
        signal: i32,
    },
    /// The timeout passed, and the body was killed.
    #[error("{attempt} was killed because it ran longer than its timeout of {after:?}")]
    TimedOut {
        /// Attempt that failed.
        attempt: Attempt,
        /// Timeout of the function.
        after: Duration,
    },
    /// The call was cancelled before its body had ended.
    #[error("{attempt} was cancelled")]
    Cancelled {
        /// Attempt that was cancelled.
        attempt: Attempt,
    },
    /// A spawned call has not ended in the time that [`Call::get`](crate::Call::get) waited for it.
    #[error("{attempt} has not ended within {waited:?}")]
    StillRunning {
        /// Attempt that is running.
        attempt: Attempt,
        /// Time waited.
        waited: Duration,
    },
    /// Objects were written but could not be stored in their bucket.
    #[error("{attempt} could not store {}", list(.objects))]
    NotStored {
        /// Attempt that failed.
        attempt: Attempt,
        /// Objects, at least one, each with its reason.
        objects: Vec<NotStored>,
        /// Error of the function itself, if it has no value.
        #[source]
        cause: Option<Box<Error>>,
    },
    /// A volume can't be mounted: nothing was run.
    #[error("{attempt} can't have the volume `{}`: {reason}", .path.display())]
    Volume {
        /// Attempt that failed.
        attempt: Attempt,
        /// Path of the volume.
        path: PathBuf,
        /// Bucket of the volume.
        bucket: String,
        /// Cause and remedy.
        reason: String,
    },
    /// A secret can't be obtained: nothing was run.
    #[error("{attempt} can't have its secrets: {reason}")]
    Secret {
        /// Attempt that failed.
        attempt: Attempt,
        /// Cause and remedy; never a value.
        reason: String,
    },
    /// An option of the function has an invalid value: nothing was run.
    #[error("{attempt} can't be run: {reason}")]
    Options {
        /// Attempt that failed.
        attempt: Attempt,
        /// Option, cause and remedy.
        reason: String,
    },
    /// This machine refuses to build the sandbox: nothing was run.
    #[error("{attempt} can't have a sandbox: {step}: {reason}{}", remedy_text(.remedy.as_deref()))]
    Sandbox {
        /// Attempt that failed.
        attempt: Attempt,
        /// Step that failed.
        step: String,
        /// Cause.
        reason: String,
        /// Command or setting that helps, where it is known.
        remedy: Option<String>,
    },
    /// A command's program can't be executed: nothing was run.
    #[error("{attempt} can't be started: {source}")]
    NotStarted {
        /// Attempt that failed.
        attempt: Attempt,
        /// Cause: `NotFound`, `PermissionDenied`…
        #[serde(with = "crossing")]
        source: Arc<io::Error>,
    },
    /// The given values can't be the function's arguments: nothing was run.
    #[error("{attempt} can't be called with these arguments: {reason}")]
    Arguments {
        /// Attempt that failed.
        attempt: Attempt,
        /// Cause.
        reason: String,
    },
    /// The value, or arguments on their way, can't be encoded or decoded.
    #[error("the arguments or the value of {attempt} can't cross between processes: {reason}")]
    Codec {
        /// Attempt that failed.
        attempt: Attempt,
        /// Cause.
        reason: String,
    },
    /// Two functions of the program share a module and a name, or the function isn't registered.
    #[error("{attempt} {reason}")]
    Registry {
        /// Attempt that failed.
        attempt: Attempt,
        /// Cause and remedy.
        reason: String,
    },
    /// The call's supervisor died; the body died with it. What the body had written may be
    /// missing from the buckets.
    #[error("the process that supervised {attempt} {reason}")]
    Lost {
        /// Attempt that failed.
        attempt: Attempt,
        /// End of the supervisor.
        reason: String,
    },
    /// The engine of the call doesn't take it, or doesn't answer.
    #[error("{attempt} can't be run by the engine `{engine}`: {reason}")]
    Engine {
        /// Attempt that failed.
        attempt: Attempt,
        /// Name of the engine.
        engine: String,
        /// Cause and remedy.
        reason: String,
    },
    /// The call could not even begin.
    #[error("{attempt} can't be called: {step}")]
    Start {
        /// Attempt that failed.
        attempt: Attempt,
        /// Step that failed.
        step: Cow<'static, str>,
        /// Cause.
        #[serde(with = "crossing")]
        source: Arc<io::Error>,
    },
}

/// Returns the attempt that an error is about, behind a reference of either kind.
macro_rules! attempt_of {
    ($error:expr) => {
        match $error {
            Self::Failed { attempt, .. }
            | Self::Panicked { attempt, .. }
            | Self::Exited { attempt, .. }
            | Self::Killed { attempt, .. }
            | Self::TimedOut { attempt, .. }
            | Self::Cancelled { attempt }
            | Self::StillRunning { attempt, .. }
            | Self::NotStored { attempt, .. }
            | Self::Volume { attempt, .. }
            | Self::Secret { attempt, .. }
            | Self::Options { attempt, .. }
            | Self::Sandbox { attempt, .. }
            | Self::NotStarted { attempt, .. }
            | Self::Arguments { attempt, .. }
            | Self::Codec { attempt, .. }
            | Self::Registry { attempt, .. }
            | Self::Lost { attempt, .. }
            | Self::Engine { attempt, .. }
            | Self::Start { attempt, .. } => attempt,
        }
    };
}

impl Error {
    /// Returns the function (`module::name`) or the program that was called.
    pub fn function(&self) -> &str {
        &self.attempt().function
    }

    /// Returns the attempt that failed; of a call with retries, the last.
    pub fn attempt(&self) -> &Attempt {
        attempt_of!(self)
    }

    /// Replaces the attempt of the error.
    pub(crate) fn in_attempt(mut self, of: &Attempt) -> Self {
        // Of a command that can't be started, it names the program.
        if let Self::NotStarted { .. } = self {
            return self;
        }
        attempt_of!(&mut self).clone_from(of);
        if let Self::NotStored { cause, .. } = &mut self {
            *cause = cause.take().map(|cause| Box::new(cause.in_attempt(of)));
        }
        self
    }

    /// Returns whether another attempt may succeed. An error of the body or of its process may not
    /// happen again. An error in the declaration or of the machine stays.
    pub fn is_worth_retrying(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. }
                | Self::Panicked { .. }
                | Self::Exited { .. }
                | Self::Killed { .. }
                | Self::TimedOut { .. }
                | Self::NotStored { .. }
                | Self::Lost { .. }
        )
    }

    /// Formats the error with its sources and its attempt in one line.
    pub(crate) fn in_one_line(&self) -> String {
        let (mut text, mut source) = match self {
            // Its own words don't say whose they are.
            Self::Failed { attempt, source } => {
                (format!("{attempt} failed: {self}"), source.source())
            }
            error => (error.to_string(), error.source()),
        };
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }

    /// Creates the error of a call that could not begin.
    pub(crate) fn start(attempt: Attempt, step: &'static str, source: io::Error) -> Self {
        Self::Start {
            attempt,
            step: step.into(),
            source: Arc::new(source),
        }
    }

    /// Creates the error of a call whose end will never be reported, as `who` has panicked.
    pub(crate) fn unwatched(attempt: Attempt, who: &str) -> Self {
        Self::Lost {
            attempt,
            reason: format!("is no longer watched: {who} panicked"),
        }
    }

    /// Creates the error of a value that can't be decoded.
    pub(crate) fn value(attempt: Attempt, error: &io::Error) -> Self {
        Self::Codec {
            attempt,
            reason: format!("value: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::error::Error as _;

    use super::*;

    fn attempt() -> Attempt {
        Attempt::first("demo::f")
    }

    #[test]
    fn an_attempt_is_that_of_the_cause_as_well() {
        let killed = Error::Killed {
            attempt: attempt(),
            signal: 9,
        };
        let error = Error::NotStored {
            attempt: attempt(),
            objects: Vec::new(),
            cause: Some(Box::new(killed)),
        };
        let mut third = attempt();
        third.number = 3;
        let error = error.in_attempt(&third);
        assert_eq!(error.attempt().number, 3);
        let Error::NotStored {
            cause: Some(cause), ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(cause.attempt(), &third);
    }

    #[test]
    fn the_functions_own_error_keeps_its_text_and_its_sources() {
        let chain = ["can't read", "no such file"].map(String::from).to_vec();
        let error = Error::Failed {
            attempt: attempt(),
            source: Message::from_chain(chain),
        };
        assert_eq!(error.to_string(), "can't read");
        let own = error.source().unwrap();
        assert_eq!(own.to_string(), "can't read");
        assert_eq!(own.source().unwrap().to_string(), "no such file");
        assert!(own.source().unwrap().source().is_none());
    }

    #[test]
    fn texts_name_the_function_and_what_happened() {
        let location = Some("src/main.rs:3:5".to_owned());
        let text = Error::Panicked {
            attempt: attempt(),
            message: "boom".into(),
            location,
        };
        assert_eq!(
            text.to_string(),
            "`demo::f` panicked at src/main.rs:3:5: boom"
        );
        let text = Error::Sandbox {
            attempt: attempt(),
            step: "open /dev/fuse".into(),
            reason: "it doesn't exist".into(),
            remedy: Some("run `modprobe fuse` as root".into()),
        };
        assert!(
            text.to_string()
                .ends_with("it doesn't exist; run `modprobe fuse` as root")
        );
    }

    #[test]
    fn a_long_list_of_objects_is_cut_in_the_text_only() {
        let object = |n| NotStored {
            object: format!("s3://b/{n}"),
            reason: "refused".into(),
            kept_in: None,
        };
        let objects = (0..7).map(object).collect();
        let error = Error::NotStored {
            attempt: attempt(),
            objects,
            cause: None,
        };
        let text = error.to_string();
        assert!(text.contains("s3://b/4 (refused) and 2 more"), "{text}");
    }

    #[test]
    fn it_fits_into_boxed_and_other_peoples_errors() {
        fn boxed() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Err(Error::Exited {
                attempt: Attempt::first("f"),
                code: 3,
            })?
        }
        fn any() -> anyhow::Result<()> {
            Err(Error::Killed {
                attempt: Attempt::first("f"),
                signal: 9,
            })?
        }
        assert!(boxed().unwrap_err().to_string().contains("exit status 3"));
        assert!(any().unwrap_err().to_string().contains("SIGKILL"));
    }
}
