//! Starting tasks by the scheduler, for batches that were written.

use std::fs;
use std::time::{Duration, Instant};

use super::Driver;
use super::pauses::PATIENCE;
use crate::cluster::error::ClusterError;
use crate::cluster::format::VERSION;
use crate::cluster::names::BatchId;
use crate::cluster::scheduler::Submission;
use crate::cluster::script::script;
use crate::cluster::spool::{Folder, Location};
use crate::cluster::state::Planned;
use crate::cluster::ticket::{KeyPlace, Ticket};

/// Pause before a failed submission is tried again; doubled each time.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_mins(1);

/// Time after which a busy scheduler is taken to refuse for good, if it has no other task of this call.
const HOPE: Duration = Duration::from_mins(3);

/// A submission that the scheduler does not have yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) number: u32,
    pub(super) at: Instant,
    tasks: u32,
    pause: Duration,
    since: Instant,
    /// True if an earlier attempt may have succeeded without an answer.
    is_tried: bool,
    /// True if its tasks were given their keys. They get them once, so that a task that is started
    /// twice runs once.
    has_keys: bool,
    planned: Vec<Planned>,
}

impl Pending {
    pub(super) fn new(number: u32, tasks: u32, planned: &[Planned]) -> Self {
        Self {
            number,
            at: Instant::now(),
            tasks,
            pause: FIRST_PAUSE,
            since: Instant::now(),
            is_tried: false,
            has_keys: false,
            planned: planned.to_vec(),
        }
    }
}

impl Driver {
    pub(super) fn start_pending(&mut self) -> Result<(), ClusterError> {
        let Some(pending) = &self.pending else {
            return Ok(());
        };
        // Of one that is cancelled, it is only found out whether it was taken.
        if pending.at > Instant::now() || self.state.is_cancelled() {
            return Ok(());
        }
        let (number, tasks, is_tried) = (pending.number, pending.tasks, pending.is_tried);
        match self.start(number, tasks, is_tried) {
            Ok(job) => {
                tracing::info!(job, tasks, call = self.task.id, "submitted");
                self.jobs.insert(number, job);
                self.pending = None;
                self.most_tasks = self.most_tasks.saturating_mul(2);
                self.pauses.expect_news(Instant::now());
                self.patience.note(Instant::now(), Ok(true))
            }
            Err(error) => {
                if !error.may_pass() {
                    return self.refused(error, is_tried);
                }
                self.check_hope(&error)?;
                if matches!(error, ClusterError::Busy { .. }) && self.make_smaller() {
                    return Ok(());
                }
                if let Some(pending) = &mut self.pending {
                    pending.is_tried = true;
                    pending.at = Instant::now() + pending.pause;
                    pending.pause = (pending.pause * 2).min(LAST_PAUSE);
                }
                self.patience.note(Instant::now(), Err(error))
            }
        }
    }

    /// Returns whether other tasks of the call may exist, whose ends make room.
    pub(super) fn has_others(&self) -> bool {
        let pending = self.pending.as_ref().map(|pending| pending.number);
        self.state
            .expected()
            .into_iter()
            .any(|number| Some(number) != pending)
    }

    /// Handles a refusal by the scheduler. Other tasks are not ended for that: the submission is
    /// tried again until they are over.
    fn refused(&mut self, error: ClusterError, is_tried: bool) -> Result<(), ClusterError> {
        if self.has_others()
            && let Some(pending) = &mut self.pending
        {
            tracing::warn!(%error, "failed to submit tasks: retrying");
            pending.at = Instant::now() + LAST_PAUSE;
            return Ok(());
        }
        // One that was not tried before was not taken, for sure.
        if let Some(pending) = self.pending.take_if(|_| !is_tried) {
            self.state.withdraw(pending.number, &pending.planned, true);
        }
        Err(error)
    }

    /// Schedules the next attempt for soon, as other tasks have ended and may have made room.
    pub(super) fn try_soon(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.at = pending.at.min(Instant::now() + FIRST_PAUSE);
        }
    }

    /// Withdraws a submission, to be planned again with half the tasks, unless it can wait for
    /// others to end. A user may have fewer jobs than an array may have tasks. Returns whether that
    /// was done.
    fn make_smaller(&mut self) -> bool {
        let is_one = self
            .pending
            .as_ref()
            .is_none_or(|pending| pending.tasks <= 1);
        if is_one || self.has_others() {
            return false;
        }
        if let Some(pending) = self.pending.take() {
            self.state.withdraw(pending.number, &pending.planned, true);
            self.most_tasks = (pending.tasks as usize / 2).max(1);
            self.not_before = Some(Instant::now() + FIRST_PAUSE);
        }
        true
    }

    /// Fails if a submission without other tasks of the call has waited too long to be accepted.
    fn check_hope(&self, error: &ClusterError) -> Result<(), ClusterError> {
        let since = self.pending.as_ref().map(|pending| pending.since);
        let waited = since.map_or(Duration::ZERO, |since| since.elapsed());
        let has_others = self.has_others();
        match error {
            ClusterError::Busy { scheduler, reason } if !has_others && waited >= HOPE => {
                Err(ClusterError::Refused {
                    scheduler,
                    reason: reason.clone(),
                })
            }
            error if error.may_pass() && !has_others && waited >= PATIENCE => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn start(&mut self, number: u32, tasks: u32, is_tried: bool) -> Result<String, ClusterError> {
        let name = self.submission_name(number);
        if is_tried && let Some(job) = self.cluster.scheduler.find(&name)? {
            return Ok(job);
        }
        let key = self.hand_out_keys(number, tasks)?;
        if let Some(pending) = &mut self.pending {
            pending.has_keys = true;
        }
        let Some(program) = &self.program else {
            return Err(ClusterError::Program("it is not staged".to_owned()));
        };
        let ticket = Ticket {
            version: VERSION,
            call: self.task.id.as_str().into(),
            spool: self.cluster.location.for_nodes(),
            submission: number,
            program: program.hash.clone(),
            key,
        };
        let script = script(&self.task.label, program, self.cluster.number, &ticket);
        self.cluster.scheduler.submit(&Submission {
            name: &name,
            label: &self.task.label,
            tasks,
            script: &script,
            needs: &self.task.needs,
        })
    }

    /// Returns the place where tasks find the key. In a folder, each task gets a file of its own
    /// with the key, unless the scheduler hands it out.
    fn hand_out_keys(&self, submission: u32, tasks: u32) -> Result<KeyPlace, ClusterError> {
        if let Some(path) = &self.cluster.key_file {
            return Ok(KeyPlace::File(path.clone()));
        }
        let text = self.task.key.to_text();
        let Location::Folder(root) = &self.cluster.location else {
            return Ok(KeyPlace::Here(text));
        };
        if self
            .pending
            .as_ref()
            .is_some_and(|pending| pending.has_keys)
        {
            return Ok(KeyPlace::Spool);
        }
        let folder = Folder::new(root.join(&self.task.id));
        let keys = (0..tasks).map(|task| (BatchId { submission, task }.key(), text.clone()));
        folder.put_private(&keys.collect::<Vec<_>>())?;
        Ok(KeyPlace::Spool)
    }

    /// Returns the end of what a task has printed outside of its call.
    pub(super) fn log_of(&self, job: &str, task: u32) -> Option<String> {
        let Location::Folder(root) = &self.cluster.location else {
            return None;
        };
        // Slurm's number of a job that is no array.
        let numbers = [task, u32::MAX - 1];
        let folder = root.join(&self.task.id);
        let paths = numbers.map(|number| folder.join(format!("log-{job}-{number}")));
        let text = paths.iter().find_map(|path| fs::read(path).ok())?;
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text
            .lines()
            .rev()
            .filter(|line| !line.is_empty())
            .take(2)
            .collect();
        let words: Vec<&str> = lines.into_iter().rev().collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}
