//! State of the inputs of a call and of their batches: decided here, without I/O.
//!
//! An input is *ready*, or in exactly one batch, or has ended. A batch exists until its last piece
//! was read or its task is gone; the inputs that its task did not report are then decided on
//! (`verdict`). So each input ends once, whatever happens to the tasks, and its first report
//! counts.

mod batch;
mod deciding;
mod input;
mod planning;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::names::{BatchId, RunId};
use super::sizes::Pace;

use batch::Batch;
use input::PendingInput;
pub(super) use input::{Verdict, Why};
pub(super) use planning::Planned;

/// State of the inputs and batches of a call.
#[derive(Debug)]
pub(super) struct ClusterState {
    /// Inputs that have not ended.
    inputs: BTreeMap<u64, PendingInput>,
    ready: VecDeque<u64>,
    /// Groups of inputs, each of which becomes a batch unchanged.
    groups: VecDeque<Vec<u64>>,
    batches: BTreeMap<BatchId, Batch>,
    submissions: u32,
    /// Number of inputs so far.
    count: u64,
    pace: Pace,
    is_closed: bool,
    is_cancelled: bool,
    /// True if a task has reported something.
    has_given: bool,
    /// Number of tasks that found no program.
    unfit: u32,
    /// Maximum number of tasks that run at once.
    at_once: Option<usize>,
    /// Maximum number of retries of an input.
    retries: usize,
    /// Target run time of a task.
    target: Duration,
}

impl ClusterState {
    pub(super) fn new(retries: usize, target: Duration, at_once: Option<usize>) -> Self {
        Self {
            inputs: BTreeMap::new(),
            ready: VecDeque::new(),
            groups: VecDeque::new(),
            batches: BTreeMap::new(),
            submissions: 0,
            count: 0,
            pace: Pace::default(),
            is_closed: false,
            is_cancelled: false,
            has_given: false,
            unfit: 0,
            at_once,
            retries,
            target,
        }
    }

    /// Adds an input.
    pub(super) fn give(&mut self, index: u64, bytes: u64) {
        self.inputs.insert(index, PendingInput::new(bytes));
        self.ready.push_back(index);
        self.count = self.count.max(index + 1);
    }

    /// Returns whether there are no more inputs.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Returns the number of inputs so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns whether inputs wait to be started.
    pub(super) fn has_ready(&self) -> bool {
        let waits = !self.ready.is_empty() || !self.groups.is_empty();
        waits && !self.is_cancelled
    }

    /// Returns whether all that waits is one task, and no more inputs come.
    pub(super) fn is_last_task(&self) -> bool {
        self.is_closed && self.ready.len() + self.groups.len() == 1
    }

    /// Closes the call to further inputs.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Returns whether every input is in the spool.
    pub(super) fn is_all_written(&self) -> bool {
        self.is_closed && self.inputs.values().all(|input| input.written.is_some())
    }

    /// Restores a submission of an earlier caller.
    pub(super) fn restore(&mut self, number: u32, batches: Vec<Vec<u64>>) {
        self.submissions = self.submissions.max(number + 1);
        for (task, inputs) in (0..).zip(batches) {
            let id = BatchId {
                submission: number,
                task,
            };
            for index in &inputs {
                self.count = self.count.max(index + 1);
                let input = self.inputs.entry(*index).or_insert(PendingInput::new(0));
                // It was tried there, and now is tried here.
                if let Some(before) = input.written.replace(id) {
                    input.attempt += 1;
                    if let Some(batch) = self.batches.get_mut(&before) {
                        batch.inputs.remove(index);
                    }
                }
            }
            self.batches.insert(id, Batch::new(inputs));
        }
    }

    /// Returns the submissions whose pieces may come.
    pub(super) fn awaited(&self) -> BTreeSet<u32> {
        self.batches.keys().map(|id| id.submission).collect()
    }

    /// Returns whether this is the next piece of an existing batch.
    pub(super) fn wants(&self, id: BatchId, run: RunId, piece: u32) -> bool {
        let is_next = |batch: &Batch| batch.may_want(run, piece) && batch.next_piece == piece;
        self.batches.get(&id).is_some_and(is_next)
    }

    /// Returns whether this is a piece that will be [wanted](Self::wants), if not at once.
    pub(super) fn may_want(&self, id: BatchId, run: RunId, piece: u32) -> bool {
        let batch = self.batches.get(&id);
        batch.is_some_and(|batch| batch.may_want(run, piece))
    }

    /// Records that a piece of a batch was read, after its events were [reported](Self::ended).
    pub(super) fn piece(&mut self, id: BatchId, run: RunId, is_last: bool) {
        self.has_given = true;
        if let Some(batch) = self.batches.get_mut(&id) {
            batch.run = Some(run);
            batch.next_piece += 1;
            batch.is_told = is_last;
            if is_last && batch.inputs.is_empty() {
                self.batches.remove(&id);
            }
        }
    }

    /// Records the end of an input in a batch. Returns whether it had not ended before.
    pub(super) fn ended(&mut self, id: BatchId, index: u64, took: Duration) -> bool {
        self.pace.note(took);
        self.forget(index);
        if let Some(batch) = self.batches.get_mut(&id) {
            batch.inputs.remove(&index);
        }
        self.inputs.remove(&index).is_some()
    }

    fn forget(&mut self, index: u64) {
        if let Some(id) = self.inputs.get(&index).and_then(|input| input.written)
            && let Some(batch) = self.batches.get_mut(&id)
        {
            batch.inputs.remove(&index);
        }
    }

    /// Records one of several values of an input. Returns whether it is wanted.
    pub(super) fn emitted(&mut self, id: BatchId, index: u64) -> bool {
        let Some(input) = self.inputs.get_mut(&index) else {
            return false;
        };
        // Of another batch, in which it was before, the values are others.
        let is_there = input.written == Some(id);
        input.has_emitted |= is_there;
        is_there
    }

    /// Records that a task has run long enough: others run its remaining inputs. Returns the
    /// verdicts on inputs that end with it, as nothing more is begun.
    pub(super) fn left(&mut self, id: BatchId, indices: &[u64]) -> Vec<Verdict> {
        let Some(batch) = self.batches.get_mut(&id) else {
            return Vec::new();
        };
        let left: Vec<u64> = indices
            .iter()
            .copied()
            .filter(|index| batch.inputs.remove(index))
            .collect();
        if self.is_cancelled {
            return self.end(left, &Why::Cancelled);
        }
        self.ready.extend(left);
        Vec::new()
    }

    /// Stops starting inputs. Returns the verdicts on inputs that were not begun.
    pub(super) fn cancel(&mut self) -> Vec<Verdict> {
        self.is_cancelled = true;
        self.is_closed = true;
        let waiting = std::mem::take(&mut self.groups).into_iter().flatten();
        let waiting: Vec<u64> = waiting.chain(std::mem::take(&mut self.ready)).collect();
        self.end(waiting, &Why::Cancelled)
    }

    /// Returns whether the call was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// Ends all inputs, as there can be no tasks, or none is waited for any more.
    pub(super) fn give_up(&mut self, why: &Why) -> Vec<Verdict> {
        self.is_closed = true;
        self.ready.clear();
        self.groups.clear();
        self.batches.clear();
        let all = self.inputs.keys().copied().collect();
        self.end(all, why)
    }

    fn end(&mut self, indices: Vec<u64>, why: &Why) -> Vec<Verdict> {
        let ended = indices.into_iter().filter_map(|index| {
            let input = self.inputs.remove(&index)?;
            Some(Verdict {
                index,
                attempt: input.attempt,
                why: why.clone(),
            })
        });
        ended.collect()
    }

    /// Returns the numbers of tasks that wait and that run, as far as is known.
    pub(super) fn active(&self) -> (usize, usize) {
        let running = self
            .batches
            .values()
            .filter(|batch| batch.is_running)
            .count();
        (self.batches.len() - running, running)
    }

    /// Returns whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed && self.inputs.is_empty() && self.batches.is_empty()
    }

    /// Returns whether all inputs have ended, though tasks may not have.
    #[cfg(test)]
    pub(super) fn is_done(&self) -> bool {
        self.is_closed && self.inputs.is_empty()
    }
}

#[cfg(test)]
mod orders;
#[cfg(test)]
mod tests;
