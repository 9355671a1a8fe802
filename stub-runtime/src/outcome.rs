//! How a call ended: one versioned, serialisable value.

use std::time::Duration;

use s3fs_core::NotStored;
use serde::{Deserialize, Serialize};

/// How a call ended. A value travels beside it, as a `Payload`.
///
/// However the work ended, by itself, by a signal or by its timeout, what it had written is stored,
/// files that were still open as they were. Only a call whose caller is gone aborts its uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What became of the work.
    pub ended: Ended,
    /// What was written but is not in its bucket; empty unless something failed.
    pub not_stored: Vec<NotStored>,
}

impl Outcome {
    /// Whether the work did what it should, and all it wrote is stored.
    pub fn is_success(&self) -> bool {
        let is_good = matches!(self.ended, Ended::Returned | Ended::Exited { code: 0 });
        is_good && self.not_stored.is_empty()
    }
}

/// What became of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// The function returned a value (or `Ok`).
    Returned,
    /// The function returned `Err`: its message and sources, outermost first.
    Failed {
        /// At least one.
        chain: Vec<String>,
    },
    /// The body panicked.
    Panicked {
        /// The panic's message.
        message: String,
        /// `file:line:column`.
        location: Option<String>,
    },
    /// The arguments could not be decoded, or the value could not be encoded.
    Codec {
        /// The cause, as a sentence fragment.
        reason: String,
    },
    /// The process ended itself: `std::process::exit` in a body, or a command's end.
    Exited {
        /// Its exit status, 0 to 255.
        code: i32,
    },
    /// A signal ended the process.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// It was cancelled before it ended by itself.
    Cancelled,
    /// The timeout passed.
    TimedOut {
        /// How long the work was allowed to take.
        after: Duration,
    },
}
