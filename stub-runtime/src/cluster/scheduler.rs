//! What a call needs of a cluster's scheduler.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use super::error::ClusterError;
use super::names::BatchId;
use super::script::{LATER, TOLD_TO_END, UNFIT};
use crate::options::Retries;
use crate::spec::CallSpec;

/// What a scheduler calls one submission: `1234`, or `stub-0123-1`.
pub(crate) type JobId = String;

/// A scheduler that starts tasks on nodes.
pub(super) trait Scheduler: Debug + Send {
    /// What it may be asked for, as it is now.
    fn room(&mut self) -> Result<Room, ClusterError>;

    /// Starts tasks. One whose answer is lost may have been taken all the same: [`find`](Self::find) tells.
    fn submit(&mut self, submission: &Submission<'_>) -> Result<JobId, ClusterError>;

    /// The submission of that name, if it has it still.
    fn find(&mut self, name: &str) -> Result<Option<JobId>, ClusterError>;

    /// What its tasks are doing. A task of which it says nothing is gone.
    fn look(&mut self, jobs: &[(u32, JobId)]) -> Result<BTreeMap<BatchId, Seen>, ClusterError>;

    /// Why a task that is gone has gone; nothing if that is not known, or not yet.
    fn fate(&mut self, job: &JobId, task: u32) -> Option<Fate>;

    /// Ends what waits, and asks what runs to end: each task hears SIGTERM, alone.
    fn ask_to_end(&mut self, jobs: &[JobId]) -> Result<(), ClusterError>;

    /// Ends all at once.
    fn kill(&mut self, jobs: &[JobId]) -> Result<(), ClusterError>;

    /// Nothing of the call is needed any more.
    fn forget(&mut self, _jobs: &[JobId]) {}
}

/// What a scheduler may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// So many tasks may run at once, as far as that is known.
    pub(super) places: usize,
    /// One submission has at most so many tasks.
    pub(super) tasks: usize,
}

/// Tasks to be started.
#[derive(Debug)]
pub(super) struct Submission<'a> {
    /// No other has this name.
    pub(super) name: &'a str,
    /// What is called: for people.
    pub(super) label: &'a str,
    /// Numbered from 0.
    pub(super) tasks: u32,
    /// Run by each of them, with its number.
    pub(super) script: &'a str,
    pub(super) needs: &'a Needs,
}

/// What a task needs of its node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Needs {
    /// Processors.
    pub(super) cpu: Option<f64>,
    /// Bytes of memory, of all that the task is.
    pub(super) memory: Option<u64>,
    /// It ends within this time, or it is to be killed.
    pub(super) time: Option<Duration>,
    /// So many at once at most.
    pub(super) at_once: Option<usize>,
}

/// What a task has besides its sandbox: this program twice, and what is read and written ahead.
const OWN_MEMORY: u64 = 512 << 20;

/// Storing what was written is not counted, and takes its time.
const STORING: Duration = Duration::from_mins(10);

impl Needs {
    /// Those of the tasks of a call, which begin no input after this time.
    pub(super) fn of(
        spec: &CallSpec,
        retries: &Retries,
        at_once: Option<usize>,
        slice: Duration,
    ) -> Self {
        // The last input begins just before that, and may be tried as often as it may.
        let time = spec.timeout.map(|timeout| {
            let tries = std::iter::once(Duration::ZERO).chain(retries.delays());
            tries.fold(slice.saturating_add(STORING), |all, delay| {
                all.saturating_add(delay).saturating_add(timeout)
            })
        });
        let memory = spec.limits.memory;
        Self {
            cpu: spec.limits.cpu,
            memory: memory.map(|bytes| bytes.saturating_add(OWN_MEMORY)),
            time,
            at_once,
        }
    }
}

/// What a task is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Waiting,
    Running,
    Ended(Fate),
}

/// Why a task is there no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) how: How,
    /// In the scheduler's words, such as `NODE_FAIL`.
    pub(super) words: String,
}

/// The kinds of ends that make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It has ended by itself, and well.
    Completed,
    /// It has ended by itself, or was killed for what it did.
    Died,
    /// There was no program there that fits.
    Unfit,
    /// Its node, or its place there, was lost.
    Lost,
    /// It took longer than it may.
    TimedOut,
    /// Somebody wanted its end.
    Cancelled,
    /// Nobody knows.
    Unknown,
}

/// With which a shell ends if there is no program, or none that it can start.
const OF_SHELLS: [i32; 2] = [126, 127];

impl How {
    /// What an exit status of a task, which is not 0, means: see `script`.
    pub(super) fn of_status(status: i32) -> Self {
        match status {
            UNFIT => Self::Unfit,
            LATER => Self::Lost,
            TOLD_TO_END => Self::TimedOut,
            status if OF_SHELLS.contains(&status) => Self::Unfit,
            _ => Self::Died,
        }
    }
}

impl Fate {
    pub(super) fn new(how: How, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { how, words }
    }
}
