//! Models of a scheduler and of its nodes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::cluster::names::BatchId;
use crate::cluster::scheduler::{EndKind, Fate, Seen};
use crate::cluster::task::age;

/// Time from the moment a place is free until the first input begins: the scheduler's turn, and our
/// own start.
const BOOT: Duration = Duration::from_millis(1200);

/// Multiple of the target run time after which a task begins no more inputs.
const SLICES: u32 = 4;

/// Parameters of a simulated call and its cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) inputs: u64,
    /// Number of tasks that run at once.
    pub(super) places: usize,
    /// Mean run time of an input.
    pub(super) input: Duration,
    /// Target run time of a task.
    pub(super) task_time: Duration,
    /// Number of tasks, of a thousand, that are lost with their nodes.
    pub(super) lost_of_thousand: u32,
}

/// Report of a task.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Ended(u64, Duration),
    Left(Vec<u64>),
}

/// A piece, and the time from which it is in the spool.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    at: Instant,
    pub(super) told: Vec<Told>,
    pub(super) is_last: bool,
}

#[derive(Debug)]
struct Running {
    ends: Instant,
    pieces: Vec<Piece>,
    written: usize,
    read: usize,
    is_lost: bool,
}

/// The nodes of a cluster.
#[derive(Debug)]
pub(super) struct Nodes<'a> {
    model: &'a Model,
    random: fastrand::Rng,
    now: Instant,
    waiting: VecDeque<(BatchId, Vec<u64>)>,
    /// Time at which each place becomes free.
    places: BTreeSet<(Instant, usize)>,
    running: BTreeMap<BatchId, Running>,
    pub(super) begun: u64,
    pub(super) lost: u64,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(model: &'a Model, now: Instant) -> Self {
        Self {
            model,
            random: fastrand::Rng::with_seed(7),
            now,
            waiting: VecDeque::new(),
            places: (0..model.places).map(|place| (now, place)).collect(),
            running: BTreeMap::new(),
            begun: 0,
            lost: 0,
        }
    }

    pub(super) fn submit(&mut self, now: Instant, id: BatchId, inputs: Vec<u64>) {
        self.now = self.now.max(now);
        self.waiting.push_back((id, inputs));
    }

    /// Advances the simulation to this time. `wrote` is called for each piece that is written.
    pub(super) fn advance(&mut self, until: Instant, mut wrote: impl FnMut(Instant)) {
        while let Some(&(free, place)) = self.places.first()
            && free <= until
            && let Some((id, inputs)) = self.waiting.pop_front()
        {
            self.places.remove(&(free, place));
            let task = self.begin(free.max(self.now), inputs);
            self.places.insert((task.ends, place));
            self.running.insert(id, task);
        }
        self.now = until;
        for task in self.running.values_mut() {
            while let Some(piece) = task.pieces.get(task.written)
                && piece.at <= until
            {
                wrote(piece.at);
                task.written += 1;
            }
        }
    }

    /// Computes all that a task will do, unless it is lost before its end.
    fn begin(&mut self, now: Instant, inputs: Vec<u64>) -> Running {
        self.begun += 1;
        let begins = now + BOOT;
        let is_lost = self.random.u32(0..1000) < self.model.lost_of_thousand;
        let dies_after = is_lost.then(|| self.random.usize(0..=inputs.len()));
        self.lost += u64::from(is_lost);
        let slice = self.model.task_time * SLICES;
        let (mut pieces, mut told, mut at) = (Vec::<Piece>::new(), Vec::new(), begins);
        let mut since = None;
        let mut left = inputs.into_iter();
        let mut count = 0;
        while at < begins + slice
            && dies_after != Some(count)
            && let Some(index) = left.next()
        {
            let took = self.model.input.mul_f64(0.5 + self.random.f64());
            at += took;
            count += 1;
            told.push(Told::Ended(index, took));
            let first = *since.get_or_insert(at);
            let number = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
            if at >= first + age(number, true) {
                since = None;
                let told = std::mem::take(&mut told);
                pieces.push(Piece {
                    at,
                    told,
                    is_last: false,
                });
            }
        }
        if !is_lost {
            let left: Vec<u64> = left.collect();
            if !left.is_empty() {
                told.push(Told::Left(left));
            }
            pieces.push(Piece {
                at,
                told,
                is_last: true,
            });
        }
        Running {
            ends: at,
            pieces,
            written: 0,
            read: 0,
            is_lost,
        }
    }

    /// Returns the number of a submission's pieces in the spool, and those that were not read before.
    pub(super) fn pieces(&mut self, submission: u32) -> (u64, Vec<(BatchId, u32, Piece)>) {
        let range = BatchId {
            submission,
            task: 0,
        }..=BatchId {
            submission,
            task: u32::MAX,
        };
        let (mut count, mut new) = (0, Vec::new());
        for (id, task) in self.running.range_mut(range) {
            count += task.written as u64;
            for number in task.read..task.written {
                let piece = task.pieces[number].clone();
                new.push((*id, u32::try_from(number).unwrap_or(u32::MAX), piece));
            }
            task.read = task.written;
        }
        (count, new)
    }

    /// Returns the scheduler's states of the tasks of these submissions.
    pub(super) fn seen(&self, submissions: &BTreeSet<u32>) -> BTreeMap<BatchId, Seen> {
        let waiting = self.waiting.iter().map(|(id, _)| (*id, Seen::Waiting));
        let running = self.running.iter().map(|(id, task)| {
            let seen = match (task.ends <= self.now, task.is_lost) {
                (false, _) => Seen::Running,
                (true, true) => Seen::Ended(Fate::new(EndKind::Lost, "NODE_FAIL")),
                (true, false) => Seen::Ended(Fate::new(EndKind::Completed, "COMPLETED")),
            };
            (*id, seen)
        });
        let all = waiting.chain(running);
        all.filter(|(id, _)| submissions.contains(&id.submission))
            .collect()
    }
}
