//! What becomes of the inputs of a call and of the batches they are in: decided here, without I/O.
//!
//! An input is *ready*, or in exactly one batch, or has ended. A batch is there until its last piece was read or its
//! task is gone; what its task did not tell of is then decided on (`verdict`). So each input ends once, whatever
//! becomes of the tasks, and the first that is told of it counts.

mod batch;
mod deciding;
mod input;
mod planning;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::names::{BatchId, RunId};
use super::sizes::Pace;

use batch::Batch;
use input::Input;
pub(super) use input::{Verdict, Why};
pub(super) use planning::Planned;

/// The inputs and batches of a call.
#[derive(Debug)]
pub(super) struct State {
    /// Those that have not ended.
    inputs: BTreeMap<u64, Input>,
    ready: VecDeque<u64>,
    /// Each becomes a batch as it is.
    groups: VecDeque<Vec<u64>>,
    batches: BTreeMap<BatchId, Batch>,
    submissions: u32,
    /// How many there were.
    count: u64,
    pace: Pace,
    is_closed: bool,
    is_cancelled: bool,
    /// Whether a task has told something.
    has_given: bool,
    /// Tasks that found no program.
    unfit: u32,
    /// So many run at once at most.
    at_once: Option<usize>,
    /// How often an input may be tried again.
    retries: usize,
    /// How long a task should last.
    target: Duration,
}

impl State {
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

    /// One more input.
    pub(super) fn give(&mut self, index: u64, bytes: u64) {
        self.inputs.insert(index, Input::new(bytes));
        self.ready.push_back(index);
        self.count = self.count.max(index + 1);
    }

    /// Whether there are no more inputs.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// How many inputs there were until now.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether something waits to be started.
    pub(super) fn has_ready(&self) -> bool {
        let waits = !self.ready.is_empty() || !self.groups.is_empty();
        waits && !self.is_cancelled
    }

    /// There are no more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether every input is in the spool.
    pub(super) fn is_all_written(&self) -> bool {
        self.is_closed && self.inputs.values().all(|input| input.written.is_some())
    }

    /// A submission that an earlier caller made.
    pub(super) fn restore(&mut self, number: u32, batches: Vec<Vec<u64>>) {
        self.submissions = self.submissions.max(number + 1);
        for (task, inputs) in (0..).zip(batches) {
            let id = BatchId {
                submission: number,
                task,
            };
            for index in &inputs {
                self.count = self.count.max(index + 1);
                let input = self.inputs.entry(*index).or_insert(Input::new(0));
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

    /// The submissions of which pieces may come.
    pub(super) fn awaited(&self) -> BTreeSet<u32> {
        self.batches.keys().map(|id| id.submission).collect()
    }

    /// Whether this is the next piece of a batch that is there.
    pub(super) fn wants(&self, id: BatchId, run: RunId, piece: u32) -> bool {
        let is_next = |batch: &Batch| batch.may_want(run, piece) && batch.next_piece == piece;
        self.batches.get(&id).is_some_and(is_next)
    }

    /// Whether this is a piece that will be [wanted](Self::wants), if not at once.
    pub(super) fn may_want(&self, id: BatchId, run: RunId, piece: u32) -> bool {
        let batch = self.batches.get(&id);
        batch.is_some_and(|batch| batch.may_want(run, piece))
    }

    /// A piece of a batch was read, after its events were [told](Self::ended).
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

    /// An input has ended in a batch. Says whether it had not before.
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

    /// An input has given one of several values. Says whether it is wanted.
    pub(super) fn emitted(&mut self, id: BatchId, index: u64) -> bool {
        let Some(input) = self.inputs.get_mut(&index) else {
            return false;
        };
        // Of another batch, in which it was before, the values are others.
        let is_there = input.written == Some(id);
        input.has_emitted |= is_there;
        is_there
    }

    /// A task has run long enough: others do the rest.
    /// What that is the end of, as nothing more is begun.
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

    /// Nothing more is begun. What was not begun has ended.
    pub(super) fn cancel(&mut self) -> Vec<Verdict> {
        self.is_cancelled = true;
        self.is_closed = true;
        let waiting = std::mem::take(&mut self.groups).into_iter().flatten();
        let waiting: Vec<u64> = waiting.chain(std::mem::take(&mut self.ready)).collect();
        self.end(waiting, &Why::Cancelled)
    }

    /// Whether it was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// All have ended, as there can be no tasks, or none is waited for any more.
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

    /// How many tasks wait, and how many run, as far as is known.
    pub(super) fn active(&self) -> (usize, usize) {
        let running = self
            .batches
            .values()
            .filter(|batch| batch.is_running)
            .count();
        (self.batches.len() - running, running)
    }

    /// Whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed && self.inputs.is_empty() && self.batches.is_empty()
    }

    /// Whether all inputs have ended, though tasks may not have.
    #[cfg(test)]
    pub(super) fn is_done(&self) -> bool {
        self.is_closed && self.inputs.is_empty()
    }
}

#[cfg(test)]
mod tests;
