//! Errors of operations on a cluster.

use std::sync::Arc;

use crate::call::{Attempt, Error, ErrorKind};
use crate::declare::Engine;
use crate::host::trusted::Untrusted;

/// Error of a spool or of a scheduler.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// Something in the spool can't be written, read or removed.
    #[error("failed to {operation} `{object}`: {reason}")]
    Spool {
        /// Operation that failed: `write`, `read`…
        operation: &'static str,
        /// Path or URL of the object.
        object: String,
        /// The cause.
        reason: String,
    },
    /// An object in the spool is malformed.
    #[error("`{object}` is corrupt: {reason}")]
    Malformed {
        /// Name of the object in the spool.
        object: String,
        /// Defect of the object.
        reason: String,
    },
    /// An object in the spool has another format version.
    #[error(
        "failed to read `{object}`: it has format {theirs}, and this program understands {ours}\nuse the version of stub that wrote it"
    )]
    Version {
        /// Name of the object in the spool.
        object: String,
        /// Format version of the object.
        theirs: u32,
        /// Format version of this program.
        ours: u32,
    },
    /// This program can't be brought to the nodes.
    #[error("failed to bring this program to the nodes: {0}")]
    Program(String),
    /// The scheduler does not answer now, but may later.
    #[error("{scheduler} does not answer: {reason}")]
    Unreachable {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// Message of the scheduler or of its command.
        reason: String,
    },
    /// The scheduler takes no more tasks now, but will when others have ended.
    #[error("{scheduler} takes no more tasks now: {reason}")]
    Busy {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// Message of the scheduler.
        reason: String,
    },
    /// The scheduler refuses the request.
    #[error("{scheduler} refused the request: {reason}")]
    Refused {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// Message of the scheduler.
        reason: String,
    },
    /// The scheduler has taken tasks that it will never start.
    #[error("{scheduler} will not start the task: {reason}")]
    Hopeless {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// Reason for which the tasks wait.
        reason: String,
    },
    /// Another user made, or can change, something in a spool that is a folder.
    #[error("failed to use the spool: {0}")]
    Untrusted(String),
    /// Something else must be corrected first.
    #[error("{0}")]
    Unusable(String),
}

impl ClusterError {
    /// Returns whether the same operation may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Spool { .. } | Self::Unreachable { .. } | Self::Busy { .. }
        )
    }

    /// Converts the error to one of a call on this engine.
    pub(crate) fn of_call(&self, engine: &Engine, label: &Arc<str>) -> Error {
        Error::new(
            Attempt::first(Arc::clone(label)),
            ErrorKind::Engine {
                engine: engine.name().to_string(),
                reason: self.to_string(),
            },
        )
    }
}

impl From<Untrusted> for ClusterError {
    fn from(error: Untrusted) -> Self {
        match error {
            Untrusted::Io { path, source } => Self::Spool {
                operation: "open",
                object: path.display().to_string(),
                reason: source.to_string(),
            },
            other => Self::Untrusted(other.to_string()),
        }
    }
}
