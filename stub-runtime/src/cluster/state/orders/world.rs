//! Models of a caller, a spool and a scheduler around a state, with a record of all results.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Spooled, Step};
use crate::cluster::names::{BatchId, RunId};
use crate::cluster::scheduler::{EndKind, Fate, Room, Seen};
use crate::cluster::state::{ClusterState, Planned, Verdict, Why};

/// Number of values of an input; a function that returns one value emits none.
fn values(index: u64) -> u32 {
    u32::try_from(index % 3).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Status {
    Waits,
    Runs,
    Gone(EndKind),
}

#[derive(Debug)]
struct Task {
    status: Status,
    run: RunId,
    inputs: Vec<u64>,
    /// Number of inputs that have ended in this run.
    done: usize,
    /// Number of values of the current input.
    emitted: u32,
    pieces: u32,
}

#[derive(Clone, Debug)]
enum Report {
    Emitted { index: u64, nth: u32 },
    Ended { index: u64 },
    Left { indices: Vec<u64> },
}

type PieceId = (BatchId, RunId, u32);

/// Report of a task; true if it is the last one of its run.
type Piece = (Report, bool);

#[derive(Debug)]
pub(super) struct World {
    state: ClusterState,
    now: Instant,
    retries: usize,
    at_once: Option<usize>,
    given: u64,
    ended: BTreeSet<u64>,
    pending: Option<(u32, Vec<Planned>)>,
    tasks: BTreeMap<BatchId, Task>,
    /// Batches whose arguments are in the spool, with their inputs.
    spooled: BTreeMap<BatchId, BTreeSet<u64>>,
    /// Last planned attempt of each input.
    attempts: BTreeMap<u64, u32>,
    written: BTreeMap<PieceId, Piece>,
    spool: BTreeMap<PieceId, Piece>,
    /// Accepted values of each input, by their task, run and number.
    values: BTreeMap<u64, Vec<(BatchId, RunId, u32)>>,
    answer: Option<(BTreeSet<u32>, BTreeMap<BatchId, Seen>)>,
}

fn fate(how: EndKind) -> Fate {
    Fate::new(how, "WORDS")
}

impl World {
    pub(super) fn new(retries: usize, at_once: Option<usize>) -> Self {
        Self {
            state: ClusterState::new(retries, Duration::from_secs(30), at_once),
            now: Instant::now(),
            retries,
            at_once,
            given: 0,
            ended: BTreeSet::new(),
            pending: None,
            tasks: BTreeMap::new(),
            spooled: BTreeMap::new(),
            attempts: BTreeMap::new(),
            written: BTreeMap::new(),
            spool: BTreeMap::new(),
            values: BTreeMap::new(),
            answer: None,
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Give(bytes) => {
                if !self.state.is_closed() {
                    self.state.give(self.given, bytes);
                    self.given += 1;
                }
            }
            Step::Close => self.state.close(),
            Step::Cancel => {
                let verdicts = self.state.cancel();
                self.conclude(verdicts);
            }
            Step::GiveUp => {
                self.pending = None;
                let verdicts = self.state.give_up(&Why::Cancelled);
                self.conclude(verdicts);
            }
            Step::Plan(places, tasks) => self.plan(Room { places, tasks }),
            Step::Withdraw(spooled) => self.withdraw(spooled),
            Step::Submit => self.submit(),
            Step::Begin(nth) => self.with(nth, Status::Waits, |task| task.status = Status::Runs),
            Step::Report(nth) => self.report(nth),
            Step::Leave(nth) => self.leave(nth),
            Step::Requeue(nth) => self.with(nth, Status::Runs, |task| {
                let RunId(run) = task.run;
                task.run = RunId(run + 1);
                (task.done, task.emitted, task.pieces) = (0, 0, 0);
            }),
            Step::Vanish(nth, how) => {
                for status in [Status::Runs, Status::Waits] {
                    self.with(nth, status, |task| task.status = Status::Gone(how));
                }
            }
            Step::Appear => self.spool.append(&mut self.written),
            Step::Collect => self.collect(),
            Step::Ask => self.ask(),
            Step::Answer => {
                if let Some((known, seen)) = self.answer.take() {
                    self.state.looked(self.now, &known, &seen);
                }
            }
            Step::Explain => self.explain(),
            Step::TakeUp => self.take_up(),
            Step::Decide(seconds) => {
                self.now += Duration::from_secs(seconds);
                let verdicts = self.state.decide(self.now);
                self.conclude(verdicts);
            }
        }
    }

    /// Changes one of the tasks with a status, if there are any.
    fn with(&mut self, nth: usize, status: Status, change: impl FnOnce(&mut Task)) {
        if let Some(id) = self.choose(nth, status) {
            change(self.tasks.get_mut(&id).unwrap());
        }
    }

    fn choose(&self, nth: usize, status: Status) -> Option<BatchId> {
        let tasks = self.tasks.iter();
        let ids: Vec<_> = tasks
            .filter(|(_, task)| task.status == status)
            .map(|(id, _)| *id)
            .collect();
        (!ids.is_empty()).then(|| ids[nth % ids.len()])
    }

    fn plan(&mut self, room: Room) {
        if self.pending.is_some() {
            return;
        }
        let before = self.state.batches.len();
        let Some((number, planned)) = self.state.next(room, true) else {
            return;
        };
        assert!(
            !planned.is_empty() && planned.len() <= room.tasks,
            "{planned:?}"
        );
        let after = self.state.batches.len();
        assert_eq!(after, before + planned.len());
        if let Some(at_once) = self.at_once.filter(|_| before > 0) {
            assert!(after <= at_once, "{after} tasks at once");
        }
        for input in planned.iter().flat_map(|batch| &batch.inputs) {
            let last = self.attempts.insert(input.index, input.attempt);
            assert!(last <= Some(input.attempt), "an earlier attempt again");
            let source = input.written.map(|id| self.spooled.get(&id));
            let has = |inputs: Option<&BTreeSet<u64>>| {
                inputs.is_some_and(|inputs| inputs.contains(&input.index))
            };
            assert!(source.is_none_or(has), "its arguments are not in the spool");
        }
        self.pending = Some((number, planned));
    }

    /// Records that the arguments of a submission are in the spool.
    fn spool(&mut self, number: u32, planned: &[Planned]) {
        for (task, batch) in (0..).zip(planned) {
            let inputs = batch.inputs.iter().map(|input| input.index).collect();
            let submission = number;
            self.spooled.insert(BatchId { submission, task }, inputs);
        }
    }

    fn withdraw(&mut self, spooled: Spooled) {
        // The submission of a cancelled call is only looked for.
        if self.state.is_cancelled() {
            return;
        }
        if let Some((number, planned)) = self.pending.take() {
            if spooled == Spooled::Yes {
                self.spool(number, &planned);
            }
            let is_written = spooled == Spooled::Yes;
            self.state.withdraw(number, &planned, is_written);
        }
    }

    fn submit(&mut self) {
        let Some((number, planned)) = self.pending.take() else {
            return;
        };
        self.spool(number, &planned);
        for (task, batch) in (0..).zip(planned) {
            let id = BatchId {
                submission: number,
                task,
            };
            let task = Task {
                status: Status::Waits,
                run: RunId(1),
                inputs: batch.inputs.iter().map(|input| input.index).collect(),
                done: 0,
                emitted: 0,
                pieces: 0,
            };
            self.tasks.insert(id, task);
        }
    }

    fn report(&mut self, nth: usize) {
        let Some(id) = self.choose(nth, Status::Runs) else {
            return;
        };
        let task = self.tasks.get_mut(&id).unwrap();
        let index = task.inputs[task.done];
        let report = if task.emitted < values(index) {
            task.emitted += 1;
            let nth = task.emitted - 1;
            Report::Emitted { index, nth }
        } else {
            (task.done, task.emitted) = (task.done + 1, 0);
            Report::Ended { index }
        };
        let is_last = task.done == task.inputs.len();
        self.write(id, report, is_last);
    }

    fn leave(&mut self, nth: usize) {
        let Some(id) = self.choose(nth, Status::Runs) else {
            return;
        };
        let task = &self.tasks[&id];
        // A task ends the input that it has begun.
        if task.emitted == 0 {
            let indices = task.inputs[task.done..].to_vec();
            self.write(id, Report::Left { indices }, true);
        }
    }

    fn write(&mut self, id: BatchId, report: Report, is_last: bool) {
        let task = self.tasks.get_mut(&id).unwrap();
        let piece = (id, task.run, task.pieces);
        task.pieces += 1;
        if is_last {
            task.status = Status::Gone(EndKind::Completed);
        }
        self.written.insert(piece, (report, is_last));
    }

    /// Reads the pieces that are in the spool, as often as they are listed.
    fn collect(&mut self) {
        let listed: Vec<PieceId> = self.spool.keys().copied().collect();
        for piece @ (id, run, number) in listed {
            if !self.state.wants(id, run, number) {
                continue;
            }
            let (report, is_last) = self.spool[&piece].clone();
            match report {
                Report::Emitted { index, nth } => {
                    if self.state.emitted(id, index) {
                        assert!(!self.ended.contains(&index), "a value after the end");
                        self.values.entry(index).or_default().push((id, run, nth));
                    }
                }
                Report::Ended { index } => {
                    if self.state.ended(id, index, Duration::from_millis(1)) {
                        let expected = (0..values(index)).map(|nth| (id, run, nth));
                        let values = self.values.remove(&index).unwrap_or_default();
                        assert!(expected.eq(values.iter().copied()), "{index}: {values:?}");
                        assert!(self.ended.insert(index), "{index} ended twice");
                    }
                }
                Report::Left { indices } => {
                    let verdicts = self.state.left(id, &indices);
                    self.conclude(verdicts);
                }
            }
            self.state.piece(id, run, is_last);
        }
    }

    fn ask(&mut self) {
        let mut known = self.state.expected();
        if let Some((number, _)) = &self.pending {
            known.remove(number);
        }
        let seen = self.tasks.iter().filter_map(|(id, task)| {
            let seen = match task.status {
                Status::Waits => Seen::Waiting,
                Status::Runs => Seen::Running,
                // The reason of these is found later.
                Status::Gone(EndKind::Unknown | EndKind::Lost) => return None,
                Status::Gone(how) => Seen::Ended(fate(how)),
            };
            Some((*id, seen))
        });
        self.answer = Some((known, seen.collect()));
    }

    fn explain(&mut self) {
        for (id, _) in self.state.without_fate() {
            let Status::Gone(how) = self.tasks[&id].status else {
                panic!("{id} is there");
            };
            self.state.fate(id, fate(how));
        }
    }

    /// Begins a new state with what the spool says of an earlier one. Results are read again from the first.
    fn take_up(&mut self) {
        let submitted = self.tasks.values().flat_map(|task| &task.inputs);
        let submitted: BTreeSet<u64> = submitted.copied().collect();
        let is_detached = self.state.is_all_written() && !self.state.is_cancelled();
        if self.pending.is_some() || !is_detached || !submitted.iter().copied().eq(0..self.given) {
            return;
        }
        let mut submissions: BTreeMap<u32, Vec<Vec<u64>>> = BTreeMap::new();
        for (id, task) in &self.tasks {
            let batches = submissions.entry(id.submission).or_default();
            batches.push(task.inputs.clone());
        }
        self.state = ClusterState::new(self.retries, Duration::from_secs(30), self.at_once);
        for (number, batches) in submissions {
            self.state.restore(number, batches);
        }
        self.state.close();
        (self.answer, self.ended, self.values) = (None, BTreeSet::new(), BTreeMap::new());
    }

    fn conclude(&mut self, verdicts: Vec<Verdict>) {
        for Verdict { index, .. } in verdicts {
            assert!(self.ended.insert(index), "{index} ended twice");
        }
    }

    /// Checks that each input is ready, or in exactly one batch, or has ended.
    pub(super) fn check(&self) {
        let state = &self.state;
        let groups = state.groups.iter().flatten();
        let batches = state.batches.values().flat_map(|batch| &batch.inputs);
        let mut places: Vec<u64> = state
            .ready
            .iter()
            .chain(groups)
            .chain(batches)
            .copied()
            .collect();
        places.sort_unstable();
        let open = (0..self.given).filter(|index| !self.ended.contains(index));
        let open: Vec<u64> = open.collect();
        assert_eq!(places, open, "places of the inputs that have not ended");
        assert!(state.inputs.keys().eq(&open));
        assert_eq!(
            state.is_over(),
            state.is_closed && open.is_empty() && state.batches.is_empty()
        );
    }

    /// Lets all tasks succeed, or end in one way. Then the call must end, and stay so.
    pub(super) fn rest(&mut self, how: Option<EndKind>) {
        self.step(Step::Close);
        let mut rounds = 0;
        while !self.state.is_over() {
            rounds += 1;
            assert!(rounds < 1000, "no end: {self:?}");
            self.step(Step::Plan(2, 8));
            self.step(Step::Submit);
            while self.choose(0, Status::Waits).is_some() {
                self.step(Step::Begin(0));
            }
            while self.choose(0, Status::Runs).is_some() {
                self.step(how.map_or(Step::Report(0), |how| Step::Vanish(0, how)));
            }
            for step in [
                Step::Ask,
                Step::Answer,
                Step::Explain,
                Step::Appear,
                Step::Collect,
            ] {
                self.step(step);
            }
            self.step(Step::Decide(61));
            self.check();
        }
        assert_eq!(self.ended.len() as u64, self.given, "inputs are lost");
        self.step(Step::Plan(2, 8));
        assert!(self.pending.is_none(), "planned after the end");
        self.step(Step::Collect);
        self.check();
    }
}
