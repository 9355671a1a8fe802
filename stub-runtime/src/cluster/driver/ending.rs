//! End of a call: with a grace period, at once, or because all inputs have ended. Nothing is left behind.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Driver;
use crate::cluster::controls::Order;
use crate::cluster::error::ClusterError;
use crate::cluster::program::leave;
use crate::cluster::scheduler::{EndKind, Fate, JobId, Seen};
use crate::cluster::state::Why;

/// Time that a task has to store its bodies' files, after their grace period.
const STORING: Duration = Duration::from_mins(2);

/// Maximum time in which a scheduler kills a job.
const KILLING: Duration = Duration::from_mins(1);

/// Maximum wait for unwanted tasks to end before their spool is removed.
const LEAVING: Duration = Duration::from_secs(45);

/// Interval at which a request to end tasks is repeated until the scheduler heeds it.
const AGAIN: Duration = Duration::from_secs(3);

/// Number of attempts to remove a folder that is not empty yet.
const TRIES: u32 = 20;

/// Progress of ending a cancelled call.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Times at which the call is killed, and at which it is no longer waited for.
    deadlines: Option<(Instant, Instant)>,
    is_killed: bool,
    was_given_up: bool,
    /// Time of the next attempt to have the scheduler end the jobs; none once it has taken note.
    unasked: Option<Instant>,
}

impl Ending {
    /// Returns the time of the next action, if there is one.
    pub(super) fn due(&self) -> Option<Instant> {
        self.unasked
    }
}

impl Driver {
    /// Starts nothing more, and ends what runs. `grace`: time that it has to end by itself.
    pub(super) fn cancel(&mut self, grace: Duration) {
        if self.state.is_cancelled() {
            return;
        }
        let now = Instant::now();
        for verdict in self.state.cancel() {
            self.tell_verdict(&verdict);
        }
        let kill = now + grace + STORING;
        self.ending.deadlines = Some((kill, kill + KILLING));
        self.ending.unasked = Some(now);
        self.pauses.expect_news(now);
    }

    /// Finds out whether the scheduler has a submission whose answer was lost. Returns whether that
    /// is known now.
    fn resolve_pending(&mut self) -> bool {
        let Some(pending) = &self.pending else {
            return true;
        };
        let number = pending.number;
        match self.cluster.scheduler.find(&self.submission_name(number)) {
            Ok(Some(job)) => drop(self.jobs.insert(number, job)),
            Ok(None) => {
                let known = [number].into();
                self.state.looked(Instant::now(), &known, &BTreeMap::new());
                for (id, _) in self.state.without_fate() {
                    if id.submission == number {
                        self.state
                            .fate(id, Fate::new(EndKind::Cancelled, "it was never started"));
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "failed to find out whether tasks were started");
                return false;
            }
        }
        self.pending = None;
        true
    }

    /// Returns the jobs that may have tasks.
    fn live_jobs(&self) -> Vec<JobId> {
        let expected = self.state.expected();
        let live = expected.iter().filter_map(|number| self.jobs.get(number));
        live.cloned().collect()
    }

    /// Asks the scheduler to end jobs when that is due, and kills jobs that did not end in time.
    pub(super) fn end_if_due(&mut self) {
        let now = Instant::now();
        if self.ending.unasked.is_some_and(|at| at <= now) {
            let asked = self.resolve_pending() && self.ask_to_end();
            // Of those that end meanwhile, a scheduler may say that they are none.
            self.ending.unasked = (!asked).then_some(now + AGAIN);
        }
        let Some((kill, give_up)) = self.ending.deadlines else {
            return;
        };
        if now >= kill && !self.ending.is_killed {
            let killed = self.cluster.scheduler.kill(&self.live_jobs());
            self.ending.is_killed = killed.is_ok();
            self.ending.unasked = None;
        }
        if now >= give_up {
            self.ending.was_given_up = true;
            for verdict in self.state.give_up(&Why::Cancelled) {
                self.tell_verdict(&verdict);
            }
        }
    }

    /// Asks the scheduler to end all jobs. Returns whether it took note.
    fn ask_to_end(&mut self) -> bool {
        let jobs = self.live_jobs();
        jobs.is_empty() || self.cluster.scheduler.ask_to_end(&jobs).is_ok()
    }

    /// Returns whether all tasks have ended, rather than that some are no longer waited for.
    pub(super) fn is_ended(&self) -> bool {
        !self.ending.was_given_up
    }

    /// Kills all tasks, as the call is no longer wanted, and ends its inputs. Returns whether no
    /// task is left.
    pub(super) fn abandon(&mut self) -> bool {
        let is_ended = self.kill_all();
        for verdict in self.state.give_up(&Why::Cancelled) {
            self.tell_verdict(&verdict);
        }
        is_ended
    }

    /// Kills all tasks. Returns whether all have ended, as far as can be seen.
    fn kill_all(&mut self) -> bool {
        // What they write must not come after it was removed.
        let until = Instant::now() + LEAVING;
        let mut is_killed = false;
        loop {
            if self.resolve_pending() {
                let jobs = self.live_jobs();
                if jobs.is_empty() {
                    return true;
                }
                is_killed = is_killed || self.cluster.scheduler.kill(&jobs).is_ok();
                if is_killed && self.are_gone() {
                    return true;
                }
            }
            if Instant::now() >= until {
                return false;
            }
            sleep(Duration::from_millis(300));
        }
    }

    fn are_gone(&mut self) -> bool {
        let jobs: Vec<(u32, JobId)> = self.jobs.iter().map(|(n, id)| (*n, id.clone())).collect();
        let is_there = |seen: &Seen| !matches!(seen, Seen::Ended(_));
        let seen = self.cluster.scheduler.look(&jobs);
        seen.is_ok_and(|seen| !seen.values().any(is_there))
    }

    /// Ends everything with this error, as no task can be started.
    pub(super) fn broken(&mut self, error: &ClusterError) {
        let is_ended = self.kill_all();
        self.end_all(error);
        if is_ended {
            self.clean();
        }
    }

    /// Stops watching the call, as neither spool nor scheduler answers. The call goes on, and can
    /// be found again.
    pub(super) fn give_up_watching(&mut self, error: &ClusterError) {
        let id = &self.task.id;
        let error = match self.task.attended {
            Some(_) => ClusterError::Unusable(format!(
                "{error}; it may go on: `stub jobs attach {id}` finds it again"
            )),
            // Nothing was ever started.
            None => error.clone(),
        };
        self.end_all(&error);
    }

    /// Ends all inputs that have not ended with this error, also those that are still to be given.
    fn end_all(&mut self, error: &ClusterError) {
        let failed = error.of_call(&self.cluster.engine, self.watch.label());
        let may_come = !self.state.is_closed() && self.task.staged.is_none();
        for verdict in self.state.give_up(&Why::Cancelled) {
            let attempt = self.attempt(Some(verdict.index), verdict.attempt);
            let failed = failed.clone().in_attempt(&attempt);
            self.tell(verdict.index, Err(failed), Duration::ZERO);
        }
        self.controls.is_over();
        if may_come {
            self.refuse_what_comes(&failed);
        } else if self.task.staged.is_some() {
            // Nobody knows which inputs there were.
            self.late.get_or_insert(failed);
        }
    }

    /// Ends each input that is given from now on at once, with this error.
    fn refuse_what_comes(&mut self, failed: &crate::call::Error) {
        loop {
            if self.controls.is_abandoned() {
                return;
            }
            match self.orders.recv() {
                Ok(Order::Give(index, _)) => {
                    let attempt = self.attempt(Some(index), 1);
                    self.tell(
                        index,
                        Err(failed.clone().in_attempt(&attempt)),
                        Duration::ZERO,
                    );
                }
                Ok(Order::Close | Order::Cancel(_) | Order::Leave) | Err(_) => return,
                Ok(Order::Wake) => {}
            }
        }
    }

    /// Removes everything that the call has left.
    pub(super) fn clean(&mut self) {
        self.sandboxes.clear();
        let jobs: Vec<JobId> = self.jobs.values().cloned().collect();
        self.cluster.scheduler.forget(&jobs);
        if let Some(spool) = self.spool.take() {
            // A task may be about to end, with a file open that a network's file system keeps until then.
            let removed = (0..TRIES).find_map(|_| match spool.remove() {
                Ok(()) => Some(()),
                Err(error) => {
                    tracing::debug!(%error, "failed to remove a call from the spool: retrying");
                    sleep(Duration::from_millis(250));
                    None
                }
            });
            if removed.is_none() {
                tracing::warn!(spool = %self.cluster.location, call = self.task.id, "failed to remove a call from the spool");
            }
            leave(&self.cluster.location);
        }
        if let Some(attended) = self.task.attended.take() {
            attended.end();
        }
    }
}
