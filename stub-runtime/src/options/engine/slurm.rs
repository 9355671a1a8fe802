//! A cluster with Slurm.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::TASK_TIME;

/// A cluster with [Slurm]: its commands `sbatch`, `squeue` and `scancel` are found in `PATH`.
///
/// A function's `cpu`, `memory` and `timeout` become `--cpus-per-task`, `--mem` and `--time` of its tasks, its
/// `max_containers` how many of them run at once.
///
/// [Slurm]: https://slurm.schedmd.com
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Slurm {
    pub(crate) spool: Option<String>,
    pub(crate) partition: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) qos: Option<String>,
    pub(crate) time: Option<Duration>,
    pub(crate) flags: Vec<String>,
    pub(crate) max_tasks: Option<usize>,
    pub(crate) task_time: Duration,
    pub(crate) log: Option<PathBuf>,
}

impl Default for Slurm {
    fn default() -> Self {
        Self {
            spool: None,
            partition: None,
            account: None,
            qos: None,
            time: None,
            flags: Vec::new(),
            max_tasks: None,
            task_time: TASK_TIME,
            log: None,
        }
    }
}

impl Slurm {
    /// As Slurm itself is set up, with a spool in the user's home.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where inputs and values lie on their way: a folder that all nodes have under the same path, or
    /// `s3://bucket/prefix`, which they reach with credentials of their own. `~/.stub/spool` unless set.
    pub fn spool(mut self, place: impl Into<String>) -> Self {
        self.spool = Some(place.into());
        self
    }

    /// `--partition`.
    pub fn partition(mut self, name: impl Into<String>) -> Self {
        self.partition = Some(name.into());
        self
    }

    /// `--account`.
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// `--qos`.
    pub fn qos(mut self, name: impl Into<String>) -> Self {
        self.qos = Some(name.into());
        self
    }

    /// `--time` of the tasks of functions without a `timeout`; what the partition says unless set.
    pub fn time(mut self, limit: Duration) -> Self {
        self.time = Some(limit);
        self
    }

    /// More options of `sbatch`, such as `--constraint=avx512`.
    pub fn flags(mut self, flags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.flags = flags.into_iter().map(Into::into).collect();
        self
    }

    /// At most so many tasks of a call run at once; as many as the function's `max_containers`, or the cluster, allow
    /// unless set.
    pub fn max_tasks(mut self, most: usize) -> Self {
        self.max_tasks = Some(most);
        self
    }

    /// How long a task should last: it gets as many inputs as that takes. 30 seconds unless set.
    pub fn task_time(mut self, time: Duration) -> Self {
        self.task_time = time;
        self
    }

    /// Where Slurm writes what goes wrong before a task can reach its spool: a pattern of `--output`. In the spool if
    /// that is a folder, else nowhere unless set.
    pub fn log(mut self, pattern: impl Into<PathBuf>) -> Self {
        self.log = Some(pattern.into());
        self
    }
}
