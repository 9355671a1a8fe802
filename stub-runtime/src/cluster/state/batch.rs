//! Batch of inputs, from its submission until its last piece was read or its task is gone.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::cluster::names::RunId;
use crate::cluster::scheduler::Fate;

/// A batch whose task may report something.
#[derive(Debug)]
pub(super) struct Batch {
    /// Inputs that no report has come for yet.
    pub(super) inputs: BTreeSet<u64>,
    /// Run of the task whose pieces are read.
    pub(super) run: Option<RunId>,
    pub(super) next_piece: u32,
    pub(super) is_running: bool,
    /// True if its last piece was read.
    pub(super) is_told: bool,
    pub(super) gone: Option<Gone>,
}

/// Record that the task of a batch no longer exists.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) since: Instant,
    pub(super) fate: Option<Fate>,
}

impl Batch {
    pub(super) fn new(inputs: Vec<u64>) -> Self {
        Self {
            inputs: inputs.into_iter().collect(),
            run: None,
            next_piece: 0,
            is_running: false,
            is_told: false,
            gone: None,
        }
    }

    /// Returns whether this piece is to be read, now or later.
    pub(super) fn may_want(&self, run: RunId, piece: u32) -> bool {
        let is_same = self.run.is_none_or(|own| own == run);
        is_same && self.next_piece <= piece && !self.is_told
    }
}
