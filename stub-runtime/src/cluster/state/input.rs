//! An input, and what it ends with if no task tells of it.

use crate::cluster::names::BatchId;
use crate::cluster::scheduler::{Fate, How};

/// An input that was lost with its node so often is given up.
pub(super) const MOST_LOST: u32 = 5;

/// An input that has not ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    /// Of its arguments.
    pub(super) bytes: u64,
    /// The number of the next attempt, from 1.
    pub(super) attempt: u32,
    /// How often it was lost with its node.
    pub(super) lost: u32,
    /// How often its task died of it.
    pub(super) deaths: u32,
    pub(super) has_emitted: bool,
    /// The batch with its arguments.
    pub(super) written: Option<BatchId>,
}

/// What an input ends with that no task will tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct Verdict {
    pub(in crate::cluster) index: u64,
    pub(in crate::cluster) attempt: u32,
    pub(in crate::cluster) why: Why,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) enum Why {
    /// Its call was cancelled.
    Cancelled,
    /// As the continuation of a sentence about its supervisor.
    Lost(String),
    /// No task can be had.
    Unfit(String),
}

impl Input {
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

    /// What it ends with, if it is not tried again.
    pub(super) fn verdict(
        &mut self,
        fate: &Fate,
        is_alone: bool,
        is_unfit: bool,
        retries: usize,
    ) -> Option<Why> {
        let words = &fate.words;
        let lost = |text: String| Some(Why::Lost(text));
        if self.has_emitted && fate.how != How::Unfit {
            return lost(format!("ended before all values were there ({words})"));
        }
        match fate.how {
            How::Unfit if is_unfit => Some(Why::Unfit(words.clone())),
            How::Cancelled => lost(format!("was cancelled in its scheduler ({words})")),
            How::Unfit | How::Lost | How::Unknown | How::Completed => {
                self.lost += 1;
                match self.lost {
                    ..=MOST_LOST => None,
                    count => lost(format!(
                        "was interrupted on its nodes {count} times ({words})"
                    )),
                }
            }
            How::Died | How::TimedOut if !is_alone => None,
            How::Died | How::TimedOut => {
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
