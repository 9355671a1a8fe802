//! Planning of the next submission: its inputs, and their batches.

use super::{Batch, ClusterState};
use crate::cluster::names::BatchId;
use crate::cluster::scheduler::Room;
use crate::cluster::sizes::{per_task, split};

/// Maximum number of tasks that wait or run at once; four for each place, if that is more.
const MOST_ACTIVE: usize = 2000;

/// Limit on the arguments in a submission, in bytes: they are in memory together.
const MOST_AT_ONCE: u64 = 256 << 20;

/// A batch to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct Planned {
    pub(in crate::cluster) inputs: Vec<PlannedInput>,
}

/// An input of a planned batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct PlannedInput {
    pub(in crate::cluster) index: u64,
    pub(in crate::cluster) attempt: u32,
    /// Batch with its arguments, if they were written before.
    pub(in crate::cluster) written: Option<BatchId>,
}

impl ClusterState {
    /// Returns the next submission, if there are inputs to run and room for them. `is_gathered`: no
    /// more inputs are expected at once.
    pub(in crate::cluster) fn next(
        &mut self,
        room: Room,
        is_gathered: bool,
    ) -> Option<(u32, Vec<Planned>)> {
        if self.is_cancelled || (self.ready.is_empty() && self.groups.is_empty()) {
            return None;
        }
        let per_task = per_task(self.ready.len(), room.places, self.pace, self.target);
        let tasks = self.ready.len().div_ceil(per_task);
        let is_enough = self.is_closed || is_gathered || tasks >= room.tasks;
        let most = MOST_ACTIVE.max(4 * room.places);
        let most = match self.at_once {
            // A single array enforces the limit itself; several submissions together are limited here.
            Some(at_once) if !self.batches.is_empty() => most.min(at_once),
            _ => most,
        };
        let may_begin = most.saturating_sub(self.batches.len()).min(room.tasks);
        // As long as there is enough to do, the next are started together.
        let is_busy = self.batches.len() > most / 2;
        let is_few = may_begin < room.tasks.min(most / 4);
        if may_begin == 0 || (is_busy && is_few) || (!is_enough && self.groups.is_empty()) {
            return None;
        }
        let (mut batches, mut bytes) = (Vec::<Vec<u64>>::new(), 0);
        while batches.len() < may_begin
            && let Some(group) = self.groups.pop_front()
        {
            bytes += self.bytes(&group);
            batches.push(group);
            if bytes >= MOST_AT_ONCE {
                return Some(self.plan(batches));
            }
        }
        if is_enough {
            batches.extend(self.take_ready(per_task, may_begin - batches.len()));
        }
        Some(self.plan(batches))
    }

    fn take_ready(&mut self, per_task: usize, most: usize) -> Vec<Vec<u64>> {
        let length = |index: &u64| self.inputs.get(index).map_or(0, |input| input.bytes);
        let sized: Vec<_> = self
            .ready
            .iter()
            .map(|index| (*index, length(index)))
            .collect();
        let mut batches = split(&sized, per_task);
        let mut bytes = 0;
        let fit = batches.iter().take_while(|batch| {
            let has_room = bytes < MOST_AT_ONCE;
            bytes += self.bytes(batch);
            has_room
        });
        let fit = fit.count();
        batches.truncate(most.min(fit));
        let count: usize = batches.iter().map(Vec::len).sum();
        self.ready.drain(..count);
        batches
    }

    fn bytes(&self, indices: &[u64]) -> u64 {
        let inputs = indices.iter().filter_map(|index| self.inputs.get(index));
        inputs.map(|input| input.bytes).sum()
    }

    /// Withdraws a submission that can't be made as planned: its batches are planned again.
    /// `is_written`: whether they are in the spool.
    pub(in crate::cluster) fn withdraw(
        &mut self,
        submission: u32,
        planned: &[Planned],
        is_written: bool,
    ) {
        for (task, batch) in (0..).zip(planned) {
            let id = BatchId { submission, task };
            self.batches.remove(&id);
            for planned in &batch.inputs {
                if let Some(input) = self.inputs.get_mut(&planned.index) {
                    input.written = if is_written {
                        Some(id)
                    } else {
                        planned.written
                    };
                }
            }
            let indices = batch.inputs.iter().map(|input| input.index);
            self.groups.push_back(indices.collect());
        }
    }

    fn plan(&mut self, batches: Vec<Vec<u64>>) -> (u32, Vec<Planned>) {
        let submission = self.submissions;
        self.submissions += 1;
        let mut planned = Vec::new();
        for (task, indices) in (0..).zip(batches) {
            let id = BatchId { submission, task };
            let mut inputs = Vec::new();
            for index in &indices {
                let Some(input) = self.inputs.get_mut(index) else {
                    continue;
                };
                inputs.push(PlannedInput {
                    index: *index,
                    attempt: input.attempt,
                    written: input.written.replace(id),
                });
            }
            planned.push(Planned { inputs });
            self.batches.insert(id, Batch::new(indices));
        }
        (submission, planned)
    }
}
