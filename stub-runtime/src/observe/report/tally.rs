//! Results of attempts, and their counts.

use serde::{Deserialize, Serialize};

/// Result of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ending {
    /// Succeeded.
    Done,
    /// Failed, but its input was tried again.
    Retried,
    /// Failed for good.
    Failed,
    /// Ended because it was no longer wanted.
    Cancelled,
}

/// Number of attempts by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Number of inputs that succeeded.
    pub(crate) done: u64,
    /// Number of attempts after which their input was tried again.
    pub(crate) retried: u64,
    /// Number of inputs that failed for good.
    pub(crate) failed: u64,
    /// Number of attempts that were ended because they were no longer wanted.
    #[serde(default)]
    pub(crate) cancelled: u64,
}

impl Tally {
    /// Counts an attempt.
    pub(crate) fn count(&mut self, ending: Ending) {
        match ending {
            Ending::Done => self.done += 1,
            Ending::Retried => self.retried += 1,
            Ending::Failed => self.failed += 1,
            Ending::Cancelled => self.cancelled += 1,
        }
    }

    /// Returns the sum of two tallies.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            done: self.done + other.done,
            retried: self.retried + other.retried,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}
