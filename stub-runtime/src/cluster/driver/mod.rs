//! Thread of a call on a cluster: it does what `state` decides.
//!
//! `submitting` writes batches, `starting` has tasks started, `collecting` reads their results,
//! `looking` asks the scheduler about their state, `ending` leaves nothing behind.

mod collecting;
mod ending;
mod looking;
mod pauses;
mod starting;
mod submitting;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::call::{Attempt, Error, ErrorKind};
use crate::codec::Payload;
use crate::local::caller::{Done, MapMessage};
use crate::observe::output::Sink;
use crate::observe::watch::{Attempted, Watch, Watched};

use super::controls::{Controls, Order};
use super::error::ClusterError;
use super::format::{Closed, Header, Submitted};
use super::names::{BatchId, CLOSED, of_submission};
use super::open::Cluster;
use super::program::{Program, Staged};
use super::record::Attended;
use super::scheduler::{JobId, Needs, Room};
use super::seal::SealKey;
use super::spool::{Location, Spool};
use super::state::{ClusterState, Verdict, Why};

use ending::Ending;
use pauses::Patience;
#[cfg(test)]
pub(super) use pauses::SpoolLook;
pub(super) use pauses::{Pauses, SpoolKind};
use starting::Pending;

/// Time to wait for more inputs before those that are here are started.
pub(super) const GATHERING: Duration = Duration::from_millis(100);

/// Minimum pause between two attempts to start waiting inputs.
const SOON: Duration = Duration::from_millis(20);

/// Work of the call.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) label: Arc<str>,
    pub(super) is_map: bool,
    /// Header of the call, until it is in the spool.
    pub(super) header: Option<Header>,
    pub(super) needs: Needs,
    pub(super) key: SealKey,
    /// Maximum number of retries of an input.
    pub(super) retries: usize,
    /// Lease of a call that an earlier caller began.
    pub(super) attended: Option<Attended>,
    /// Program in the spool, if an earlier caller began the call.
    pub(super) staged: Option<Staged>,
}

/// State of the thread that runs a call.
#[derive(Debug)]
pub(super) struct Driver {
    task: Task,
    cluster: Cluster,
    controls: Arc<Controls>,
    orders: Receiver<Order>,
    told: Sender<MapMessage>,
    sink: Option<Arc<dyn Sink>>,
    watch: Arc<Watch>,
    state: ClusterState,
    /// Arguments of inputs that are not in the spool.
    arguments: HashMap<u64, Bytes>,
    spool: Option<Arc<Spool>>,
    program: Option<Program>,
    /// Program that may not be on the disk.
    unsynced: Option<Program>,
    room: Option<(Instant, Room)>,
    /// Maximum number of tasks in a submission: halved after a rejection, doubled after a success.
    most_tasks: usize,
    pending: Option<Pending>,
    jobs: BTreeMap<u32, JobId>,
    /// Telemetry of tasks that have reported something.
    sandboxes: HashMap<BatchId, Watched>,
    last_given: Instant,
    /// Time before which nothing can be written, and the scheduler can't be asked.
    not_before: Option<Instant>,
    /// Time since which nothing can be written.
    unwritable: Option<Instant>,
    /// True if the scheduler has no room for the waiting inputs, as far as is known.
    is_full: bool,
    /// Start of the last look into the spool that has read all pieces there were.
    collected: Instant,
    is_closed_written: bool,
    pauses: Pauses,
    patience: Patience,
    ending: Ending,
    /// True if the call goes on without this program.
    is_left: bool,
    /// Error that is not about one input.
    late: Option<Error>,
}

impl Driver {
    pub(super) fn new(
        task: Task,
        cluster: Cluster,
        controls: Arc<Controls>,
        orders: Receiver<Order>,
        told: Sender<MapMessage>,
        sink: Option<Arc<dyn Sink>>,
        watch: Arc<Watch>,
    ) -> Self {
        let spool_kind = match cluster.location {
            Location::Folder(_) => SpoolKind::Folder,
            Location::Bucket(_) => SpoolKind::Bucket,
        };
        Self {
            state: ClusterState::new(task.retries, cluster.task_time, task.needs.at_once),
            task,
            cluster,
            controls,
            orders,
            told,
            sink,
            watch,
            arguments: HashMap::new(),
            spool: None,
            program: None,
            unsynced: None,
            room: None,
            most_tasks: usize::MAX,
            pending: None,
            jobs: BTreeMap::new(),
            sandboxes: HashMap::new(),
            last_given: Instant::now(),
            not_before: None,
            unwritable: None,
            is_full: false,
            collected: Instant::now(),
            is_closed_written: false,
            pauses: Pauses::new(Instant::now(), spool_kind),
            patience: Patience::default(),
            ending: Ending::default(),
            is_left: false,
            late: None,
        }
    }

    /// Runs the call to its end. Returns an error that is not about one input.
    pub(super) fn run(mut self) -> Option<Error> {
        let _in_call = self.watch.span().entered();
        match self.work() {
            Ok(_) if self.is_left => {}
            Ok(true) => self.clean(),
            Ok(false) => {
                let call = &self.task.id;
                tracing::warn!(
                    call,
                    "tasks may still be running: `stub jobs cancel` ends them"
                );
            }
            // It may go on without us, and be found again.
            Err(error) if error.may_pass() || self.has_begun(&error) => {
                self.give_up_watching(&error);
            }
            Err(error) => self.broken(&error),
        }
        self.late
    }

    /// Returns whether tasks may go on to which this error does not apply.
    fn has_begun(&self, error: &ClusterError) -> bool {
        let is_earlier = self.task.staged.is_some();
        let is_of_all = matches!(
            error,
            ClusterError::Program(_) | ClusterError::Hopeless { .. }
        );
        (is_earlier || self.has_others()) && !is_of_all
    }

    /// Runs the loop of the call. Returns whether nothing of it is left to end.
    fn work(&mut self) -> Result<bool, ClusterError> {
        if self.task.staged.is_some() {
            self.restore()?;
        }
        while !self.state.is_over() {
            self.take_orders();
            if self.is_left {
                return Ok(false);
            }
            if self.controls.is_abandoned() {
                return Ok(self.abandon());
            }
            self.submit()?;
            let collected = self.collect();
            self.patience.note(Instant::now(), collected)?;
            let looked = self.look();
            self.patience.note(Instant::now(), looked)?;
            self.decide()?;
            self.end_if_due();
        }
        Ok(self.is_ended())
    }

    /// Waits for orders of the caller, or until an action is due.
    fn take_orders(&mut self) {
        let now = Instant::now();
        let mut until = self.pauses.next(self.spool.is_some());
        if self.state.has_ready() && self.pending.is_none() && !self.is_full {
            let gathered = self.last_given + GATHERING;
            until = until.min(self.not_before.unwrap_or(gathered).max(now + SOON));
        }
        // Of one that is cancelled, it is only found out whether it was taken.
        if let Some(pending) = &self.pending
            && !self.state.is_cancelled()
        {
            until = until.min(pending.at);
        }
        if let Some(at) = self.ending.due() {
            until = until.min(at);
        }
        let mut pause = until.saturating_duration_since(now);
        loop {
            match self.orders.recv_timeout(pause) {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
            // What else is here.
            pause = Duration::ZERO;
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Give(index, arguments) => {
                self.last_given = Instant::now();
                if self.state.is_cancelled() {
                    let verdict = Verdict {
                        index,
                        attempt: 1,
                        why: Why::Cancelled,
                    };
                    return self.tell_verdict(&verdict);
                }
                self.state.give(index, arguments.len() as u64);
                self.arguments.insert(index, arguments);
                if !self.task.is_map {
                    self.state.close();
                }
            }
            Order::Close => self.state.close(),
            Order::Cancel(grace) => self.cancel(grace),
            Order::Wake => {}
            Order::Leave => self.is_left = true,
        }
    }

    /// Restores the state of a call that an earlier caller began.
    fn restore(&mut self) -> Result<(), ClusterError> {
        let spool = self.spool()?;
        let names = spool.list("sub/")?;
        let submissions = spool.get_all::<Submitted>(&names)?;
        let mut known: Vec<_> = names.iter().zip(submissions).collect();
        known.sort_by_key(|(name, _)| of_submission(name));
        for (name, submitted) in known {
            if let (Some(number), Some(submitted)) = (of_submission(name), submitted) {
                self.state.restore(number, submitted.batches);
                if let Some(job) = self.cluster.scheduler.find(&self.submission_name(number))? {
                    self.jobs.insert(number, job);
                }
            }
        }
        self.is_closed_written = true;
        self.state.close();
        if spool.get::<Closed>(CLOSED)?.is_none() {
            self.late = Some(Error::new(
                self.attempt(None, 1),
                ErrorKind::Lost {
                    reason: format!(
                        "ended before all inputs were given: there are {}",
                        self.state.count()
                    ),
                },
            ));
        }
        Ok(())
    }

    /// Returns the spool; opens it on first use.
    fn spool(&mut self) -> Result<Arc<Spool>, ClusterError> {
        if let Some(spool) = &self.spool {
            return Ok(Arc::clone(spool));
        }
        let opened = Spool::open(&self.cluster.location, &self.task.id, self.task.key.clone())?;
        let spool = Arc::new(opened);
        self.spool = Some(Arc::clone(&spool));
        Ok(spool)
    }

    /// Returns the scheduler's name for a submission.
    fn submission_name(&self, number: u32) -> String {
        let label = self.task.label.rsplit("::").next().unwrap_or_default();
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let label: String = label.chars().filter(is_plain).take(40).collect();
        format!("{label}-{}-{number}", self.task.id)
    }

    fn attempt(&self, index: Option<u64>, number: u32) -> Attempt {
        let mut attempt = Attempt::first(Arc::clone(&self.task.label));
        attempt.input = index.filter(|_| self.task.is_map);
        attempt.number = number;
        attempt
    }

    /// Reports the end of an input to the caller.
    fn tell(&self, index: u64, result: Result<Payload, Error>, took: Duration) {
        let now = Instant::now();
        let error = result.as_ref().err();
        self.watch.attempted(Attempted {
            input: Some(index).filter(|_| self.task.is_map),
            number: error.map_or(1, |error| error.attempt().number),
            sandbox: None,
            began: now.checked_sub(took).unwrap_or(now),
            ended: now,
            error,
            is_retried: false,
            is_abandoned: false,
        });
        // Nobody listens to what was dropped.
        let _ = self
            .told
            .send(MapMessage::Done(Done { index, result }.into()));
    }

    fn tell_verdict(&self, verdict: &Verdict) {
        let attempt = self.attempt(Some(verdict.index), verdict.attempt);
        let error = match &verdict.why {
            Why::Cancelled => Error::new(attempt, ErrorKind::Cancelled),
            Why::Lost(reason) => Error::new(
                attempt,
                ErrorKind::Lost {
                    reason: reason.clone(),
                },
            ),
            Why::Unfit(reason) => {
                let refused = ClusterError::Unusable(reason.clone());
                refused
                    .of_call(&self.cluster.engine, self.watch.label())
                    .in_attempt(&attempt)
            }
        };
        self.tell(verdict.index, Err(error), Duration::ZERO);
    }

    /// Ends inputs that no task will report on.
    fn decide(&mut self) -> Result<(), ClusterError> {
        let verdicts = self.state.decide(self.collected);
        let unfit = verdicts.iter().find_map(|verdict| match &verdict.why {
            Why::Unfit(reason) => Some(reason.clone()),
            _ => None,
        });
        for verdict in &verdicts {
            self.tell_verdict(verdict);
        }
        // Nor would any other task find its program.
        unfit.map_or(Ok(()), |reason| Err(ClusterError::Program(reason)))
    }
}
