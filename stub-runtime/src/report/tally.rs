//! How attempts end, and how many ended so.

use serde::{Deserialize, Serialize};

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ending {
    /// Well.
    Done,
    /// With an error, but its input was tried again.
    Retried,
    /// With an error, which was the last word on its input.
    Failed,
    /// Nobody wanted it any more.
    Cancelled,
}

/// How many attempts ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Inputs that were done.
    pub(crate) done: u64,
    /// Attempts after which their input was tried again.
    pub(crate) retried: u64,
    /// Inputs that were given up.
    pub(crate) failed: u64,
    /// Attempts that were ended because nobody wanted them any more.
    #[serde(default)]
    pub(crate) cancelled: u64,
}

impl Tally {
    /// One more.
    pub(crate) fn count(&mut self, ending: Ending) {
        match ending {
            Ending::Done => self.done += 1,
            Ending::Retried => self.retried += 1,
            Ending::Failed => self.failed += 1,
            Ending::Cancelled => self.cancelled += 1,
        }
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            done: self.done + other.done,
            retried: self.retried + other.retried,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}
