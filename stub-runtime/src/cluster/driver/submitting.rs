//! Writing batches, and having the scheduler start tasks for them.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::pauses::PATIENCE;
use super::{Driver, GATHERING};
use crate::cluster::error::ClusterError;
use crate::cluster::format::{Batch, Closed, Input, KeyPlace, Submitted, Ticket, VERSION};
use crate::cluster::names::{self, BatchId, CALL, CLOSED};
use crate::cluster::program::{find, own, stage};
use crate::cluster::record::{Attended, Record};
use crate::cluster::scheduler::{Room, Submission};
use crate::cluster::script::script;
use crate::cluster::spool::{Folder, Location};
use crate::cluster::state::Planned;

/// What a scheduler has room for is asked again after so long.
const ROOM: Duration = Duration::from_mins(1);

/// And after so long, if it did not answer.
const ROOM_PAUSE: Duration = Duration::from_secs(5);

/// A submission that failed is tried again after so long, and then more and more seldom.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_mins(1);

/// A scheduler that has nothing of ours, and room for nothing, has a reason that will not go away.
const HOPE: Duration = Duration::from_mins(3);

/// A submission that the scheduler does not have yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) number: u32,
    pub(super) at: Instant,
    tasks: u32,
    pause: Duration,
    since: Instant,
    /// Whether it may have been taken, though nobody said so.
    is_tried: bool,
    /// Whether its tasks were given their keys: once, so that one that is started twice runs once.
    has_keys: bool,
    planned: Vec<Planned>,
}

impl Driver {
    /// Starts what can be started.
    pub(super) fn submit(&mut self) -> Result<(), ClusterError> {
        loop {
            self.start_pending()?;
            let must_wait = self.not_before.is_some_and(|at| Instant::now() < at);
            if self.pending.is_some() || must_wait {
                return Ok(());
            }
            let is_gathered = self.last_given.elapsed() >= GATHERING;
            let Some(room) = self.room()? else {
                break;
            };
            let Some((number, planned)) = self.state.next(room, is_gathered) else {
                self.is_full = is_gathered;
                break;
            };
            self.is_full = false;
            match self.write(number, &planned) {
                Err(error) if error.may_pass() => {
                    self.state.withdraw(number, &planned);
                    self.not_before = Some(Instant::now() + FIRST_PAUSE);
                    return self.patience.note(Instant::now(), Err(error));
                }
                written => written?,
            }
            self.not_before = None;
        }
        if self.state.is_all_written() {
            self.write_closed()?;
            self.controls.is_submitted();
        }
        Ok(())
    }

    /// What the scheduler has room for; nothing if that is not needed or not known now.
    fn room(&mut self) -> Result<Option<Room>, ClusterError> {
        if !self.state.has_ready() {
            return Ok(None);
        }
        let limited = |room: Room| Room {
            tasks: room.tasks.min(self.most_tasks),
            ..room
        };
        match self.room {
            Some((asked, room)) if asked.elapsed() < ROOM => return Ok(Some(limited(room))),
            _ => {}
        }
        match self.cluster.scheduler.room() {
            Ok(room) => {
                self.patience.note(Instant::now(), Ok(true))?;
                self.room = Some((Instant::now(), room));
                Ok(Some(Room {
                    tasks: room.tasks.min(self.most_tasks),
                    ..room
                }))
            }
            Err(error) => {
                self.not_before = Some(Instant::now() + ROOM_PAUSE);
                self.patience.note(Instant::now(), Err(error))?;
                Ok(None)
            }
        }
    }

    /// Writes a submission: first what its tasks need, then what a caller needs who comes back, then it is started.
    fn write(&mut self, number: u32, planned: &[Planned]) -> Result<(), ClusterError> {
        self.prepare()?;
        let spool = self.spool()?;
        let earlier = self.earlier(planned)?;
        spool.expect(&names::pieces(number))?;
        let (mut objects, mut submitted) = (Vec::new(), Vec::new());
        for (task, batch) in (0..).zip(planned) {
            let id = BatchId {
                submission: number,
                task,
            };
            submitted.push(batch.inputs.iter().map(|input| input.index).collect());
            let inputs = batch.inputs.iter().map(|input| {
                let here = self.arguments.get(&input.index);
                let arguments = here.or_else(|| earlier.get(&input.index));
                Input {
                    index: input.index,
                    attempt: input.attempt,
                    arguments: arguments.cloned().unwrap_or_default(),
                }
            });
            let inputs = inputs.collect();
            objects.push(spool.seal(id.inputs(), &Batch { inputs })?);
        }
        let tasks = u32::try_from(objects.len()).unwrap_or(u32::MAX);
        spool.put_sealed(objects)?;
        let submitted = Submitted { batches: submitted };
        spool.put(&names::submission(number), &submitted)?;
        for input in planned.iter().flat_map(|batch| &batch.inputs) {
            if let Some(arguments) = self.arguments.remove(&input.index) {
                let length = arguments.len() as u64;
                self.controls.unwritten.fetch_sub(length, Ordering::AcqRel);
            }
        }
        if self.state.is_all_written() {
            self.write_closed()?;
        }
        self.pending = Some(Pending {
            number,
            tasks,
            at: Instant::now(),
            pause: FIRST_PAUSE,
            since: Instant::now(),
            is_tried: false,
            has_keys: false,
            planned: planned.to_vec(),
        });
        Ok(())
    }

    /// The arguments of inputs that were in the spool before.
    fn earlier(&mut self, planned: &[Planned]) -> Result<HashMap<u64, Bytes>, ClusterError> {
        let inputs = planned.iter().flat_map(|batch| &batch.inputs);
        let mut before: Vec<BatchId> = inputs.filter_map(|input| input.written).collect();
        before.sort_unstable();
        before.dedup();
        let names: Vec<String> = before.iter().map(|id| id.inputs()).collect();
        let batches = self.spool()?.get_all::<Batch>(&names)?;
        let mut arguments = HashMap::new();
        for (batch, name) in batches.into_iter().zip(names) {
            let batch = batch.ok_or_else(|| ClusterError::Malformed {
                object: name,
                reason: "it was there and is gone".to_owned(),
            })?;
            arguments.extend(
                batch
                    .inputs
                    .into_iter()
                    .map(|one| (one.index, one.arguments)),
            );
        }
        Ok(arguments)
    }

    /// Before the first submission: the program, what all tasks carry, and a record of the call.
    fn prepare(&mut self) -> Result<(), ClusterError> {
        if self.program.is_some() {
            return Ok(());
        }
        if self.task.attended.is_none() {
            let record = Record::new(
                &self.task.id,
                &self.task.label,
                self.task.is_map,
                &self.cluster.engine,
                &self.cluster.spool,
                &self.task.key,
                own()?,
            );
            self.task.attended = Some(Attended::begin(&record)?);
        }
        // Before anything is put there, so that it is removed with it.
        let spool = self.spool()?;
        spool.begin()?;
        let program = match &self.task.staged {
            None => stage(&self.cluster.location, &self.task.id)?,
            Some(staged) => find(&self.cluster.location, staged)?,
        };
        if let Some(header) = &self.task.header {
            spool.put(CALL, header)?;
            self.task.header = None;
        }
        self.program = Some(program);
        Ok(())
    }

    fn start_pending(&mut self) -> Result<(), ClusterError> {
        let Some(pending) = &self.pending else {
            return Ok(());
        };
        if pending.at > Instant::now() {
            return Ok(());
        }
        let (number, tasks, is_tried) = (pending.number, pending.tasks, pending.is_tried);
        match self.start(number, tasks, is_tried) {
            Ok(job) => {
                tracing::info!(job, tasks, call = self.task.id, "submitted");
                self.jobs.insert(number, job);
                self.pending = None;
                self.pauses.expect_news(Instant::now());
                self.patience.note(Instant::now(), Ok(true))
            }
            Err(error) => {
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

    /// Whether other tasks of the call may be there, whose ends make room.
    fn has_others(&self) -> bool {
        let pending = self.pending.as_ref().map(|pending| pending.number);
        self.state
            .expected()
            .into_iter()
            .any(|number| Some(number) != pending)
    }

    /// A user may have fewer jobs than an array may have tasks: what can't wait for others to end is planned again, in
    /// halves.
    fn make_smaller(&mut self) -> bool {
        let is_one = self
            .pending
            .as_ref()
            .is_none_or(|pending| pending.tasks <= 1);
        if is_one || self.has_others() {
            return false;
        }
        if let Some(pending) = self.pending.take() {
            self.state.withdraw(pending.number, &pending.planned);
            self.most_tasks = (pending.tasks as usize / 2).max(1);
            self.not_before = Some(Instant::now() + FIRST_PAUSE);
        }
        true
    }

    /// What was never taken, for so long, will not be.
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

    /// In a folder, each task has a file of its own with the key.
    fn hand_out_keys(&self, submission: u32, tasks: u32) -> Result<KeyPlace, ClusterError> {
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

    /// Once all inputs are in the spool, a caller that comes back knows how many there are.
    fn write_closed(&mut self) -> Result<(), ClusterError> {
        if self.is_closed_written || self.program.is_none() {
            return Ok(());
        }
        let inputs = self.state.count();
        self.spool()?.put(CLOSED, &Closed { inputs })?;
        self.is_closed_written = true;
        Ok(())
    }

    /// The end of what a task has printed outside of its call.
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
