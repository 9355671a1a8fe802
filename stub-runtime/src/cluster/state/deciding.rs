//! Decisions on the inputs of tasks that are gone, from the states that a scheduler reports.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::batch::{Batch, Gone};
use super::{ClusterState, Verdict, Why};
use crate::cluster::names::BatchId;
use crate::cluster::scheduler::{EndKind, Fate, Seen};

/// Number of batches among which the inputs of a dead task are split, to find the one that killed it.
const SPLIT: usize = 8;

/// Number of tasks that fail to find the program, with no task that succeeds, after which all inputs end.
const MOST_UNFIT: u32 = 3;

/// Maximum delay, in a folder that machines share, until what a task wrote before its end is seen.
const LATE: Duration = Duration::from_secs(3);

/// Maximum delay for a task that has ended well: its pieces were written for sure, though they may
/// be seen much later.
pub(super) const VERY_LATE: Duration = Duration::from_mins(1);

impl ClusterState {
    /// Returns the submissions with tasks that a scheduler should know of.
    pub(in crate::cluster) fn expected(&self) -> BTreeSet<u32> {
        let there = self
            .batches
            .iter()
            .filter(|(_, batch)| batch.gone.is_none());
        there.map(|(id, _)| id.submission).collect()
    }

    /// Records the states that a scheduler reports. `known`: submissions that it was asked about.
    pub(in crate::cluster) fn looked(
        &mut self,
        now: Instant,
        known: &BTreeSet<u32>,
        seen: &BTreeMap<BatchId, Seen>,
    ) {
        for (id, batch) in &mut self.batches {
            if batch.gone.is_some() || !known.contains(&id.submission) {
                continue;
            }
            let fate = match seen.get(id) {
                Some(Seen::Waiting) => continue,
                Some(Seen::Running) => {
                    batch.is_running = true;
                    continue;
                }
                Some(Seen::Ended(fate)) => Some(fate.clone()),
                None => None,
            };
            batch.gone = Some(Gone { since: now, fate });
        }
    }

    /// Returns the batches that are gone for an unknown reason, and since when.
    pub(in crate::cluster) fn without_fate(&self) -> Vec<(BatchId, Instant)> {
        let without = self.batches.iter().filter_map(|(id, batch)| {
            let gone = batch.gone.as_ref().filter(|gone| gone.fate.is_none())?;
            Some((*id, gone.since))
        });
        without.collect()
    }

    /// Returns whether there are batches that are gone and not decided on.
    pub(in crate::cluster) fn has_gone(&self) -> bool {
        self.batches.values().any(|batch| batch.gone.is_some())
    }

    /// Records the exit reason of a batch that is gone.
    pub(in crate::cluster) fn fate(&mut self, id: BatchId, fate: Fate) {
        if let Some(gone) = self
            .batches
            .get_mut(&id)
            .and_then(|batch| batch.gone.as_mut())
        {
            gone.fate = Some(fate);
        }
    }

    /// Decides on the inputs of batches that are gone and will report nothing more: they are ready
    /// again, or end with the verdicts returned. `collected`: time since which all pieces were read
    /// that were there.
    pub(in crate::cluster) fn decide(&mut self, collected: Instant) -> Vec<Verdict> {
        let is_due = |batch: &Batch| {
            let gone = batch.gone.as_ref()?;
            let fate = gone.fate.as_ref()?;
            let late = match fate.how {
                _ if batch.is_told => Duration::ZERO,
                EndKind::Completed => VERY_LATE,
                _ => LATE,
            };
            (collected.saturating_duration_since(gone.since) >= late).then(|| fate.clone())
        };
        let due: Vec<_> = self
            .batches
            .iter()
            .filter_map(|(id, batch)| Some((*id, is_due(batch)?)))
            .collect();
        let mut verdicts = Vec::new();
        for (id, fate) in due {
            if let Some(batch) = self.batches.remove(&id) {
                verdicts.extend(self.decide_on(&batch, &fate));
            }
        }
        verdicts
    }

    fn decide_on(&mut self, batch: &Batch, fate: &Fate) -> Vec<Verdict> {
        let (mut again, mut verdicts) = (Vec::new(), Vec::new());
        let is_alone = batch.inputs.len() == 1;
        // A node that lacks the program is no reason to give up, if others have it.
        self.unfit += u32::from(fate.how == EndKind::Unfit);
        let is_unfit = !self.has_given && self.unfit >= MOST_UNFIT;
        for index in &batch.inputs {
            let Some(input) = self.inputs.get_mut(index) else {
                continue;
            };
            let why = if self.is_cancelled {
                Some(Why::Cancelled)
            } else {
                input.verdict(fate, is_alone, is_unfit, self.retries)
            };
            let attempt = input.attempt;
            match why {
                None => {
                    input.attempt += 1;
                    again.push(*index);
                }
                Some(why) => {
                    self.inputs.remove(index);
                    verdicts.push(Verdict {
                        index: *index,
                        attempt,
                        why,
                    });
                }
            }
        }
        let is_suspect = matches!(fate.how, EndKind::Died | EndKind::TimedOut);
        let size = again.len().div_ceil(if is_suspect { SPLIT } else { 1 });
        self.groups
            .extend(again.chunks(size.max(1)).map(<[u64]>::to_vec));
        verdicts
    }
}
