//! Limits on a job's use of the machine.

use serde::{Deserialize, Serialize};

/// Limits on a job's use of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Number of processors; may be a fraction.
    pub cpu: Option<f64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// True if a limit that can't be enforced causes only a warning; else the job is not run.
    pub lenient: bool,
}

/// Minimum limit on memory in bytes: no program can start with less.
const LEAST_MEMORY: u64 = 16 << 20;

impl Limits {
    /// Checks that the limits make sense.
    ///
    /// # Errors
    /// The limits are invalid; the text says why, as a sentence fragment.
    pub fn check(&self) -> Result<(), String> {
        if let Some(cpu) = self.cpu
            && !(cpu.is_finite() && cpu > 0.0)
        {
            return Err(format!("`cpu` must be more than 0, not {cpu}"));
        }
        match self.memory {
            Some(bytes) if bytes < LEAST_MEMORY => {
                Err("`memory` must be at least 16 MiB".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Limits that the job's first process sets for itself, and so for all processes that it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnLimits {
    /// Bytes of private memory of each process.
    pub(crate) memory: Option<u64>,
    /// Number of whole processors.
    pub(crate) processors: Option<usize>,
}
