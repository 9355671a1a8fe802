//! Where calls are run.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where calls are run: the engine behind `f(…)`, `f::map`, `f::spawn` and `stub run`.
///
/// Chosen by the program ([`select`](Self::select)), else by `--engine`, else by the variable `STUB_ENGINE`, else by
/// `[engine]` of `stub.toml`; else calls are run on this machine.
///
/// ```no_run
/// # use stub_runtime::{Engine, Slurm};
/// Engine::from(Slurm::new().partition("main").max_tasks(200)).select();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Engine {
    /// This machine.
    #[default]
    Local,
    /// A cluster with Slurm, whose commands are on this machine.
    Slurm(Slurm),
}

/// The name of an engine, as command lines and settings have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// This machine.
    Local,
    /// Slurm.
    Slurm,
}

impl EngineName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Local, Self::Slurm];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Slurm => "slurm",
        }
    }
}

impl FromStr for EngineName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|name| name.as_str()).collect();
            format!("there is no engine `{text}`; there are: {}", all.join(", "))
        })
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Engine {
    /// What it is called.
    pub fn name(&self) -> EngineName {
        match self {
            Self::Local => EngineName::Local,
            Self::Slurm(_) => EngineName::Slurm,
        }
    }
}

impl From<Slurm> for Engine {
    fn from(slurm: Slurm) -> Self {
        Self::Slurm(slurm)
    }
}

/// How long a task should last, unless told otherwise.
const TASK_TIME: Duration = Duration::from_secs(30);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_known_by_their_names() {
        for name in EngineName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        let error = "slum".parse::<EngineName>();
        assert!(error.is_err_and(|words| words.contains("local, slurm")));
    }
}
