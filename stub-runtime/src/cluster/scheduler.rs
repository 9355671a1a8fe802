//! Interface of a cluster's scheduler, as calls need it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use s3fs_core::DEFAULT_BUDGET;

use super::error::ClusterError;
use super::format::default_volume_memory;
use super::names::BatchId;
use super::script::{LATER, TOLD_TO_END, UNFIT};
use crate::call::CallSpec;
use crate::declare::Retries;

/// Scheduler's id of one submission: `1234`, or `stub-0123-1`.
pub(crate) type JobId = String;

/// A scheduler that starts tasks on nodes.
pub(super) trait Scheduler: Debug + Send {
    /// Returns its current capacity.
    fn room(&mut self) -> Result<Room, ClusterError>;

    /// Starts tasks. If the answer was lost, they may have been started all the same:
    /// [`find`](Self::find) tells.
    fn submit(&mut self, submission: &Submission<'_>) -> Result<JobId, ClusterError>;

    /// Returns the id of the submission with this name, if the scheduler still has it.
    fn find(&mut self, name: &str) -> Result<Option<JobId>, ClusterError>;

    /// Returns the states of the tasks of these jobs. A task without a state is gone.
    fn look(&mut self, jobs: &[(u32, JobId)]) -> Result<BTreeMap<BatchId, Seen>, ClusterError>;

    /// Returns the exit reason of a task that is gone; nothing if it is not known, or not yet.
    fn fate(&mut self, job: &JobId, task: u32) -> Option<Fate>;

    /// Ends waiting tasks, and asks running ones to end: SIGTERM goes to each task's own process only.
    fn ask_to_end(&mut self, jobs: &[JobId]) -> Result<(), ClusterError>;

    /// Ends all tasks at once.
    fn kill(&mut self, jobs: &[JobId]) -> Result<(), ClusterError>;

    /// Forgets jobs, as nothing of the call is needed any more.
    fn forget(&mut self, _jobs: &[JobId]) {}
}

/// Capacity of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Number of tasks that may run at once, as far as it is known.
    pub(super) places: usize,
    /// Maximum number of tasks of one submission.
    pub(super) tasks: usize,
}

/// Tasks to be started.
#[derive(Debug)]
pub(super) struct Submission<'a> {
    /// Name of the submission, unique.
    pub(super) name: &'a str,
    /// Label of the call, for people.
    pub(super) label: &'a str,
    /// Number of tasks; they are numbered from 0.
    pub(super) tasks: u32,
    /// Script that each of them runs, with its number.
    pub(super) script: &'a str,
    pub(super) needs: &'a Needs,
}

/// Resources that a task needs of its node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Needs {
    /// Number of processors.
    pub(super) cpu: Option<f64>,
    /// Bytes of memory of the whole task.
    pub(super) memory: Option<u64>,
    /// Maximum run time of the task, after which it is to be killed.
    pub(super) time: Option<Duration>,
    /// Maximum number of tasks at once.
    pub(super) at_once: Option<usize>,
}

/// Memory, in bytes, of a task beside its sandbox: this program twice, and the smallest default memory for
/// file contents.
const OWN_MEMORY: u64 = 512 << 20;

/// Divisor of the memory for file contents: the share that connections and unused buffers take beside it.
const SHARE_BESIDE: u64 = 8;

/// Time for storing what was written, which no timeout includes.
const STORING: Duration = Duration::from_mins(10);

impl Needs {
    /// Computes the resources of the tasks of a call, which begin no input after `slice`.
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
        let own = own_memory(spec);
        Self {
            cpu: spec.limits.cpu,
            memory: memory.map(|bytes| bytes.saturating_add(own)),
            time,
            at_once,
        }
    }
}

/// Returns the memory, in bytes, that a task needs beside its sandbox.
fn own_memory(spec: &CallSpec) -> u64 {
    let files = spec
        .volume_memory()
        .or_else(|| default_volume_memory(spec).filter(|_| !spec.volumes.is_empty()));
    let more = files.map_or(0, |bytes| bytes.saturating_sub(DEFAULT_BUDGET));
    OWN_MEMORY
        .saturating_add(more)
        .saturating_add(more / SHARE_BESIDE)
}

/// State of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Waiting,
    Running,
    Ended(Fate),
}

/// Exit reason of a task that no longer exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) how: EndKind,
    /// Scheduler's words for it, such as `NODE_FAIL`.
    pub(super) words: String,
}

/// Kinds of ends that make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndKind {
    /// Ended by itself, with success.
    Completed,
    /// Ended by itself with a failure, or killed for what it did.
    Died,
    /// Found no program that fits.
    Unfit,
    /// Lost with its node, or with its place there.
    Lost,
    /// Ran longer than it may.
    TimedOut,
    /// Cancelled by somebody.
    Cancelled,
    /// Unknown.
    Unknown,
}

/// Exit statuses of a shell that finds no program, or none that it can start.
const OF_SHELLS: [i32; 2] = [126, 127];

impl EndKind {
    /// Classifies an exit status of a task that is not 0: see `script`.
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
    pub(super) fn new(how: EndKind, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { how, words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::format::for_nodes;

    const GIB: u64 = 1 << 30;

    /// Returns the memory that is reserved beside that of the job, in MiB.
    fn beside(job: u64, volumes: &[Option<u64>]) -> u64 {
        let spec = CallSpec::with_memories(Some(job), volumes);
        let needs = |spec| Needs::of(spec, &Retries::default(), None, Duration::ZERO).memory;
        let memory = needs(&spec).unwrap();
        let there = for_nodes(&spec);
        assert_eq!(
            needs(&there),
            Some(memory),
            "another for a caller that reattaches"
        );
        let used = there.volume_memory().unwrap_or(0);
        assert!(memory - job >= used + used / 8 + (256 << 20), "{used}");
        (memory - job) >> 20
    }

    #[test]
    fn the_memory_of_volumes_is_reserved_beside_that_of_the_job() {
        assert_eq!(beside(64 * GIB, &[]), 512);
        assert_eq!(beside(GIB, &[None]), 512);
        assert_eq!(beside(64 * GIB, &[None, None]), 512 + 384 + 48);
        assert_eq!(beside(64 * GIB, &[Some(64 << 20), None]), 512);
        assert_eq!(beside(GIB, &[Some(4 * GIB)]), 512 + 3968 + 496);
    }

    #[test]
    fn a_job_without_a_limit_reserves_nothing() {
        let spec = CallSpec::with_memories(None, &[Some(4 * GIB)]);
        let needs = Needs::of(&spec, &Retries::default(), None, Duration::ZERO);
        assert_eq!(needs.memory, None);
        assert_eq!(
            for_nodes(&CallSpec::with_memories(None, &[None])).volume_memory(),
            None
        );
    }
}
