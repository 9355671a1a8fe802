//! What a job may use of the machine: `plan` decides how that is enforced, without I/O; `cgroup` is where the
//! kernel does it for all processes of a job together.

mod cgroup;
mod plan;

use serde::{Deserialize, Serialize};

pub(crate) use cgroup::{Cgroup, remove_left};
pub(crate) use plan::{Facts, Plan, plan};

/// What a job may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Processors, of which a part may be one.
    pub cpu: Option<f64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// What can't be enforced is warned of; else the job is not run.
    pub lenient: bool,
}

/// No program begins with less.
const LEAST_MEMORY: u64 = 16 << 20;

impl Limits {
    /// Whether they make sense.
    ///
    /// # Errors
    /// What is wrong, as a sentence fragment.
    pub fn check(&self) -> Result<(), String> {
        if let Some(cpu) = self.cpu
            && !(cpu.is_finite() && cpu > 0.0)
        {
            return Err(format!("`cpu` is {cpu}; it must be more than 0"));
        }
        match self.memory {
            Some(bytes) if bytes < LEAST_MEMORY => {
                Err("`memory` is less than 16 MiB, with which no program begins".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// What the job's first process does to itself, and so to all that it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnLimits {
    /// Bytes that each process may have for itself.
    pub(crate) memory: Option<u64>,
    /// Whole processors.
    pub(crate) processors: Option<usize>,
}
