//! Reasons for which a call has no value.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3fs_core::NotStored;
use serde::{Deserialize, Serialize};

use super::words::{at, list, remedy_text, signal_name};
use super::{Error, Message, crossing};
use crate::call::SandboxStep;

/// Reason for which a call has no value. Its text is what happened to the call: "panicked: boom",
/// "was cancelled".
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The function returned its own error, whose text and sources are those of the [`Error`].
    #[error("failed")]
    Failed {
        /// Error of the function, with its sources.
        source: Message,
    },
    /// The body panicked.
    #[error("panicked{}: {message}", at(.location.as_deref()))]
    Panicked {
        /// Message of the panic.
        message: String,
        /// Location as `file:line:column`.
        location: Option<String>,
    },
    /// The body called `std::process::exit`, or something else ended its process.
    #[error("ended its process with exit status {code} instead of returning")]
    Exited {
        /// Exit status, 0 to 255.
        code: i32,
    },
    /// A signal ended the body's process.
    #[error("was killed by {}", signal_name(*.signal))]
    Killed {
        /// Number of the signal.
        signal: i32,
    },
    /// The timeout passed, and the body was killed.
    #[error("was killed because it ran longer than its timeout of {after:?}")]
    TimedOut {
        /// Timeout of the function.
        after: Duration,
    },
    /// The call was cancelled before its body had ended.
    #[error("was cancelled")]
    Cancelled,
    /// A spawned call has not ended in the time that [`Call::get`](crate::Call::get) waited for it.
    #[error("has not ended within {waited:?}")]
    StillRunning {
        /// Time waited.
        waited: Duration,
    },
    /// Objects were written but could not be stored in their bucket.
    #[error("failed to store {}", list(.objects))]
    NotStored {
        /// Objects, at least one, each with its reason.
        objects: Vec<NotStored>,
        /// Error of the function itself, if it has no value.
        #[source]
        cause: Option<Box<Error>>,
    },
    /// A volume can't be mounted: nothing was run.
    #[error("failed to mount volume `{}`: {reason}", .path.display())]
    Volume {
        /// Path of the volume.
        path: PathBuf,
        /// Bucket of the volume.
        bucket: String,
        /// Cause and remedy.
        reason: String,
    },
    /// A secret can't be obtained: nothing was run.
    #[error("failed to load its secrets: {reason}")]
    Secret {
        /// Cause and remedy; never a value.
        reason: String,
    },
    /// An option of the function has an invalid value: nothing was run.
    #[error("failed to start: {reason}")]
    Options {
        /// Option, cause and remedy.
        reason: String,
    },
    /// This machine refuses to build the sandbox: nothing was run.
    #[error("failed to {step}: {reason}{}", remedy_text(.remedy.as_deref()))]
    Sandbox {
        /// Step that failed.
        step: SandboxStep,
        /// Cause.
        reason: String,
        /// Command or setting that helps, where it is known.
        remedy: Option<String>,
    },
    /// A command's program can't be executed: nothing was run.
    #[error("failed to start")]
    NotStarted {
        /// Cause: `NotFound`, `PermissionDenied`…
        #[serde(with = "crossing")]
        source: Arc<io::Error>,
    },
    /// The given values can't be the function's arguments: nothing was run.
    #[error("was called with invalid arguments: {reason}")]
    Arguments {
        /// Cause.
        reason: String,
    },
    /// The value, or arguments on their way, can't be encoded or decoded.
    #[error("failed to encode or decode a value: {reason}")]
    Codec {
        /// Cause.
        reason: String,
    },
    /// Two functions of the program share a module and a name, or the function isn't registered.
    #[error("{reason}")]
    Registry {
        /// Cause and remedy.
        reason: String,
    },
    /// The call's supervisor died; the body died with it. What the body had written may be
    /// missing from the buckets.
    #[error("was lost: the process that supervised it {reason}")]
    Lost {
        /// End of the supervisor.
        reason: String,
    },
    /// The engine of the call doesn't take it, or doesn't answer.
    #[error("failed to run on the engine `{engine}`: {reason}")]
    Engine {
        /// Name of the engine.
        engine: String,
        /// Cause and remedy.
        reason: String,
    },
    /// The call could not even begin.
    #[error("failed to {step}")]
    Start {
        /// Step that failed.
        step: Cow<'static, str>,
        /// Cause.
        #[serde(with = "crossing")]
        source: Arc<io::Error>,
    },
}
