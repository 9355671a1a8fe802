//! Outcome of a call: one versioned, serialisable value.

use std::time::Duration;

use s3fs_core::NotStored;
use serde::{Deserialize, Serialize};

/// Grace period in which a cancelled body may end by itself.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Outcome of a call. A value travels beside it, as a `Payload`.
///
/// Files that the work has written are stored, whether it ended by itself, by a signal or by its
/// timeout.
/// Files that were still open are stored as they were. Only a call whose caller is gone aborts its
/// uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// End of the work.
    pub ended: Ended,
    /// Objects that were written but are not in their bucket; empty unless something failed.
    pub not_stored: Vec<NotStored>,
}

impl Outcome {
    /// Returns whether the work succeeded, and all it wrote is stored.
    pub fn is_success(&self) -> bool {
        let is_good = matches!(self.ended, Ended::Returned | Ended::Exited { code: 0 });
        is_good && self.not_stored.is_empty()
    }
}

/// End of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// The function returned a value (or `Ok`).
    Returned,
    /// The function returned `Err`: its message and sources, outermost first.
    Failed {
        /// Messages, at least one.
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
    /// The call was cancelled before the work ended by itself.
    Cancelled,
    /// The timeout passed.
    TimedOut {
        /// Time limit of the work.
        after: Duration,
    },
}
