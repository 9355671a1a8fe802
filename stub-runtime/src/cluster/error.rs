//! Why something on a cluster was not done.

use std::sync::Arc;

use crate::attempt::Attempt;
use crate::error::Error;
use crate::options::Engine;
use crate::trusted::Untrusted;

/// Why a spool, or a scheduler, did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// Something in the spool can't be written, read or removed.
    #[error("can't {operation} `{object}`: {reason}")]
    Spool {
        /// What was tried: `write`, `read`…
        operation: &'static str,
        /// A path, or a URL.
        object: String,
        /// The cause.
        reason: String,
    },
    /// Something in the spool is not what it should be.
    #[error("`{object}` is not to be believed: {reason}")]
    Malformed {
        /// Its name in the spool.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It was written in another format.
    #[error(
        "`{object}` has format {theirs}, and this program understands {ours}: it is of another version of stub"
    )]
    Version {
        /// Its name in the spool.
        object: String,
        /// Its format.
        theirs: u32,
        /// What this program understands.
        ours: u32,
    },
    /// The program that is to be run can't be brought to the nodes.
    #[error("can't bring this program to the nodes: {0}")]
    Program(String),
    /// The scheduler does not answer: later it may.
    #[error("{scheduler} does not answer: {reason}")]
    Unreachable {
        /// Which.
        scheduler: &'static str,
        /// What it, or its command, said.
        reason: String,
    },
    /// The scheduler takes no more tasks now, but will when others have ended.
    #[error("{scheduler} takes no more tasks now: {reason}")]
    Busy {
        /// Which.
        scheduler: &'static str,
        /// What it said.
        reason: String,
    },
    /// The scheduler does not want this.
    #[error("{scheduler} refuses: {reason}")]
    Refused {
        /// Which.
        scheduler: &'static str,
        /// What it said.
        reason: String,
    },
    /// It has taken tasks that it will never start.
    #[error("{scheduler} will not start it: {reason}")]
    Hopeless {
        /// Which.
        scheduler: &'static str,
        /// What they wait for.
        reason: String,
    },
    /// Another user made, or can change, something in a spool that is a folder.
    #[error("failed to use the spool: {0}")]
    Untrusted(String),
    /// Something else that is to be mended first.
    #[error("{0}")]
    Unusable(String),
}

impl ClusterError {
    /// Whether the same may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Spool { .. } | Self::Unreachable { .. } | Self::Busy { .. }
        )
    }

    /// As an error of a call on this engine.
    pub(crate) fn of_call(&self, engine: &Engine, label: &Arc<str>) -> Error {
        Error::Engine {
            attempt: Attempt::first(Arc::clone(label)),
            engine: engine.name().to_string(),
            reason: self.to_string(),
        }
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
