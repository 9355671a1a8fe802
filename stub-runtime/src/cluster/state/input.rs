//! Input of a call, and its result if no task reports one.

use crate::cluster::names::BatchId;
use crate::cluster::scheduler::{EndKind, Fate};

/// Maximum number of times an input may be lost with its node.
pub(super) const MOST_LOST: u32 = 5;

/// An input that has not ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingInput {
    /// Size of its arguments in bytes.
    pub(super) bytes: u64,
    /// Number of the next attempt, from 1.
    pub(super) attempt: u32,
    /// Number of times it was lost with its node.
    pub(super) lost: u32,
    /// Number of times its task died of it.
    pub(super) deaths: u32,
    pub(super) has_emitted: bool,
    /// Batch with its arguments.
    pub(super) written: Option<BatchId>,
}

/// Result of an input that no task will report on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct Verdict {
    pub(in crate::cluster) index: u64,
    pub(in crate::cluster) attempt: u32,
    pub(in crate::cluster) why: Why,
}

/// Reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) enum Why {
    /// The call was cancelled.
    Cancelled,
    /// The attempt was lost; the text continues a sentence about its supervisor.
    Lost(String),
    /// No task can run the program.
    Unfit(String),
}

impl PendingInput {
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            bytes,
            attempt: 1,
            lost: 0,
            deaths: 0,
            has_emitted: false,
            written: None,
        }
    }

    /// Returns the result of an input after the end of its task; nothing if it is tried again.
    pub(super) fn verdict(
        &mut self,
        fate: &Fate,
        is_alone: bool,
        is_unfit: bool,
        retries: usize,
    ) -> Option<Why> {
        let words = &fate.words;
        let lost = |text: String| Some(Why::Lost(text));
        // Even where the program is missing: an earlier run of the task may have found it.
        if self.has_emitted {
            return lost(format!("ended before all values were there ({words})"));
        }
        match fate.how {
            EndKind::Unfit if is_unfit => Some(Why::Unfit(words.clone())),
            EndKind::Cancelled => lost(format!("was cancelled in its scheduler ({words})")),
            EndKind::Unfit | EndKind::Lost | EndKind::Unknown | EndKind::Completed => {
                self.lost += 1;
                match self.lost {
                    ..=MOST_LOST => None,
                    count => lost(format!(
                        "was interrupted on its nodes {count} times ({words})"
                    )),
                }
            }
            EndKind::Died | EndKind::TimedOut if !is_alone => None,
            EndKind::Died | EndKind::TimedOut => {
                let is_tried_again = (self.deaths as usize) < retries;
                self.deaths += 1;
                if is_tried_again {
                    return None;
                }
                lost(format!("was ended on its node ({words})"))
            }
        }
    }
}
