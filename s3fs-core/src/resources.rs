//! Resources that the mounts of one process share.

use crate::budget::Budget;
use crate::cache::Caches;
use crate::fs::SharedResources;
use crate::machine;
use crate::read::ReadMemory;
use crate::store::s3::HttpClient;
use crate::write::{PartPool, Stages};

/// Default memory for file contents in one process, in bytes. Smaller if its control group has
/// less.
pub const DEFAULT_BUDGET: u64 = 128 << 20;

/// Minimum budget, in bytes: parts of uploads need as much to fit beside each other.
const LEAST_BUDGET: u64 = 16 << 20;

/// Maximum number of bodies received at once.
const BODIES: usize = 96;

/// Divisor of a control group's memory limit: the share for file contents. The rest is for the
/// process itself, and for the job.
const SHARE: u64 = 4;

/// Resources that all mounts of one process share: the memory budget, the HTTP connections, and
/// caches of the same folder.
///
/// Cheap to clone. Must be used inside a tokio runtime.
#[derive(Clone, Debug)]
pub struct Resources {
    pub(crate) http: HttpClient,
    pub(crate) shared: SharedResources,
    pub(crate) caches: Caches,
}

impl Resources {
    /// Creates resources with `bytes` bytes of memory for file contents.
    pub fn with_budget(bytes: u64) -> Self {
        let budget = Budget::new(bytes);
        let shared = SharedResources {
            reading: ReadMemory::new(budget.clone(), BODIES),
            budget,
            parts: PartPool::default(),
            stages: Stages::default(),
        };
        Self {
            http: HttpClient::default(),
            shared,
            caches: Caches::default(),
        }
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self::with_budget(budget(machine::memory_limit()))
    }
}

fn budget(limit: Option<u64>) -> u64 {
    let share = limit.map_or(DEFAULT_BUDGET, |bytes| bytes / SHARE);
    share.clamp(LEAST_BUDGET, DEFAULT_BUDGET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_follows_the_control_groups_memory() {
        let mebibytes = |limit: u64| budget(Some(limit << 20)) >> 20;
        assert_eq!(budget(None), DEFAULT_BUDGET);
        assert_eq!(mebibytes(8192), 128);
        assert_eq!(mebibytes(256), 64);
        assert_eq!(mebibytes(32), 16);
        assert_eq!(budget(Some(u64::MAX)), DEFAULT_BUDGET);
    }
}
