//! Settings of a cluster with Slurm.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tasks::{TASK_TIME, cluster_options};

/// Cluster with [Slurm]. Its commands `sbatch`, `squeue` and `scancel` must be in `PATH`.
///
/// A function's `cpu`, `memory` and `timeout` become `--cpus-per-task`, `--mem` and `--time` of its
/// tasks, and its `max_containers` becomes the maximum number of them that run at once.
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
    /// Creates settings with Slurm's own defaults, and a spool in the user's home.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `--time` of the tasks of functions without a `timeout`; defaults to the partition's limit.
    pub fn time(mut self, limit: Duration) -> Self {
        self.time = Some(limit);
        self
    }

    /// Adds options of `sbatch`, such as `--constraint=avx512`.
    pub fn flags(mut self, flags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.flags = flags.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the file for output of tasks before they can reach their spool: a pattern of
    /// `--output`. By default, it is in the spool if that is a folder, else there is none.
    pub fn log(mut self, pattern: impl Into<PathBuf>) -> Self {
        self.log = Some(pattern.into());
        self
    }
}

cluster_options! {
    Slurm:
    /// Sets the spool, for inputs and values in transit: a folder that all nodes have under the same path, or
    /// `s3://bucket/prefix`, which they reach with credentials of their own. Defaults to `~/.stub/spool`.
    spool(place),
    /// Sets `--partition`.
    partition(name),
    /// Sets `--account`.
    account(name),
    /// Sets `--qos`.
    qos(name),
}
