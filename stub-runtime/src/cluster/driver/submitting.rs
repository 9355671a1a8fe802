//! Writing batches into the spool: the next inputs to run, and all that their tasks need.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::starting::{FIRST_PAUSE, Pending};
use super::{Driver, GATHERING};
use crate::cluster::error::ClusterError;
use crate::cluster::format::{Batch, BatchInput, Closed, Submitted};
use crate::cluster::names::{self, BatchId, CALL, CLOSED};
use crate::cluster::program::{find, own, stage};
use crate::cluster::record::{Attended, CallRecord};
use crate::cluster::scheduler::Room;
use crate::cluster::state::Planned;

/// Interval at which the scheduler is asked again about its free capacity.
const ROOM: Duration = Duration::from_mins(1);

/// Maximum time, at the beginning, in which nothing can be written to the spool before it is taken
/// for the wrong one.
const HOPE: Duration = Duration::from_secs(20);

/// Pause before the scheduler is asked again, if it did not answer.
const ROOM_PAUSE: Duration = Duration::from_secs(5);

impl Driver {
    /// Starts as many inputs as possible.
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
                    self.state.withdraw(number, &planned, false);
                    let now = Instant::now();
                    let since = *self.unwritable.get_or_insert(now);
                    self.not_before = Some(now + FIRST_PAUSE);
                    // Fail early while no task runs: the user is still there to correct the settings.
                    if !self.has_others() && now.duration_since(since) >= HOPE {
                        return Err(ClusterError::Unusable(error.to_string()));
                    }
                    return self.patience.note(now, Err(error));
                }
                written => written?,
            }
            (self.not_before, self.unwritable) = (None, None);
            if self.controls.is_cancelled() {
                return Ok(());
            }
        }
        if self.state.is_all_written() && !self.state.has_ready() {
            self.write_closed()?;
            self.controls.is_submitted();
        }
        Ok(())
    }

    /// Returns the scheduler's free capacity; nothing if it is not needed, or not known now.
    fn room(&mut self) -> Result<Option<Room>, ClusterError> {
        if !self.state.has_ready() {
            return Ok(None);
        }
        // One task has room wherever there is any.
        if self.state.is_last_task() {
            return Ok(Some(Room {
                places: 1,
                tasks: 1,
            }));
        }
        let most = self.most_tasks;
        let limited = |room: Room| Room {
            tasks: room.tasks.min(most),
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
                Ok(Some(limited(room)))
            }
            Err(error) => {
                self.not_before = Some(Instant::now() + ROOM_PAUSE);
                self.patience.note(Instant::now(), Err(error))?;
                Ok(None)
            }
        }
    }

    /// Writes a submission: first the data of its tasks, then the record for a caller that
    /// reattaches. Then the submission can be started.
    fn write(&mut self, number: u32, planned: &[Planned]) -> Result<(), ClusterError> {
        self.prepare()?;
        let spool = self.spool()?;
        let earlier = self.earlier(planned)?;
        spool.expect(&names::pieces(number))?;
        let header = self.task.header.iter();
        let header = header.map(|header| spool.seal(CALL.to_owned(), header));
        let mut objects = header.collect::<Result<Vec<_>, _>>()?;
        let mut submitted = Vec::new();
        for (task, batch) in (0..).zip(planned) {
            let id = BatchId {
                submission: number,
                task,
            };
            submitted.push(batch.inputs.iter().map(|input| input.index).collect());
            let inputs = batch.inputs.iter().map(|input| {
                let here = self.arguments.get(&input.index);
                let arguments = here.or_else(|| earlier.get(&input.index)).cloned();
                Ok(BatchInput {
                    index: input.index,
                    attempt: input.attempt,
                    arguments: arguments.ok_or_else(|| gone(id.inputs()))?,
                })
            });
            let inputs = inputs.collect::<Result<_, ClusterError>>()?;
            objects.push(spool.seal(id.inputs(), &Batch { inputs })?);
        }
        let tasks = u32::try_from(planned.len()).unwrap_or(u32::MAX);
        let submitted = Submitted { batches: submitted };
        let mut records = vec![spool.seal(names::submission(number), &submitted)?];
        let closes = self.state.is_all_written() && !self.is_closed_written;
        if closes {
            let inputs = self.state.count();
            records.push(spool.seal(CLOSED.to_owned(), &Closed { inputs })?);
        }
        if tasks > 1 {
            spool.put_sealed(std::mem::take(&mut objects))?;
        }
        objects.append(&mut records);
        spool.put_in_order(objects)?;
        self.task.header = None;
        self.is_closed_written |= closes;
        for input in planned.iter().flat_map(|batch| &batch.inputs) {
            if let Some(arguments) = self.arguments.remove(&input.index) {
                let length = arguments.len() as u64;
                self.controls.unwritten.fetch_sub(length, Ordering::AcqRel);
            }
        }
        self.pending = Some(Pending::new(number, tasks, planned));
        Ok(())
    }

    /// Returns the arguments of inputs that were in the spool before.
    fn earlier(&mut self, planned: &[Planned]) -> Result<HashMap<u64, Bytes>, ClusterError> {
        let inputs = planned.iter().flat_map(|batch| &batch.inputs);
        let mut before: Vec<BatchId> = inputs.filter_map(|input| input.written).collect();
        before.sort_unstable();
        before.dedup();
        let names: Vec<String> = before.iter().map(|id| id.inputs()).collect();
        let batches = self.spool()?.get_all::<Batch>(&names)?;
        let mut arguments = HashMap::new();
        for (batch, name) in batches.into_iter().zip(names) {
            let batch = batch.ok_or_else(|| gone(name))?;
            arguments.extend(
                batch
                    .inputs
                    .into_iter()
                    .map(|one| (one.index, one.arguments)),
            );
        }
        Ok(arguments)
    }

    /// Writes what the first submission needs: the program, and a record of the call.
    fn prepare(&mut self) -> Result<(), ClusterError> {
        if self.program.is_some() {
            return Ok(());
        }
        if self.task.attended.is_none() {
            let record = CallRecord::new(
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
        self.unsynced = Some(program.clone());
        self.program = Some(program);
        Ok(())
    }

    /// Writes the number of inputs for a caller that reattaches, once all inputs are in the spool.
    fn write_closed(&mut self) -> Result<(), ClusterError> {
        if self.is_closed_written || self.program.is_none() {
            return Ok(());
        }
        let inputs = self.state.count();
        self.spool()?.put(CLOSED, &Closed { inputs })?;
        self.is_closed_written = true;
        Ok(())
    }
}

/// Makes the error for an object that was written and is missing.
fn gone(object: String) -> ClusterError {
    ClusterError::Malformed {
        object,
        reason: "it was there and is gone".to_owned(),
    }
}
