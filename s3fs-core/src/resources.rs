//! Resources that the mounts of one process share.

use crate::budget::Budget;
use crate::cache::Caches;
use crate::config::MountConfig;
use crate::fs::SharedResources;
use crate::machine::{self, Memory};
use crate::read::ReadMemory;
use crate::store::s3::{HttpClient, bodies};
use crate::write::{PartPool, Stages};

/// Default memory for file contents in one process, in bytes, on a small machine. Less where less is
/// available.
pub const DEFAULT_BUDGET: u64 = 128 << 20;

/// Largest default memory for file contents in one process, in bytes: others of the machine may have as
/// much. More must be named.
const LARGEST_DEFAULT: u64 = 512 << 20;

/// Minimum memory for file contents, in bytes: parts of uploads need as much to fit beside each other.
pub const LEAST_BUDGET: u64 = 16 << 20;

/// Divisor of a machine's or a control group's memory: the share for file contents on a large machine.
/// Calls at once each have one.
const SHARE: u64 = 32;

/// Divisor of a machine's memory: the share of all calls of a map.
const SHARE_OF_MAP: u64 = 8;

/// Divisor of the available memory and of a control group's limit: the largest share for file contents.
/// The rest is for the process itself, and for the job.
const LARGEST_SHARE: u64 = 4;

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
        let bodies = bodies(bytes, machine::descriptors());
        let budget = Budget::new(bytes);
        let shared = SharedResources {
            reading: ReadMemory::new(budget.clone(), bodies),
            budget,
            parts: PartPool::default(),
            stages: Stages::default(),
        };
        Self {
            http: HttpClient::with_bodies(bodies),
            shared,
            caches: Caches::default(),
        }
    }

    /// Creates the resources of a process that has these mounts: with the largest memory that one of
    /// them names, or the default. Warns of more memory than there is, and takes less.
    pub fn for_mounts<'a>(mounts: impl IntoIterator<Item = &'a MountConfig>) -> Self {
        let named = mounts.into_iter().filter_map(|mount| mount.memory);
        let Some(named) = named.max() else {
            return Self::default();
        };
        let most = largest_budget(machine::memory());
        if named > most {
            tracing::warn!(
                named,
                most,
                "`memory` exceeds that of the machine or the control group"
            );
        }
        Self::with_budget(named.min(most))
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self::with_budget(default_budget(machine::memory(), 1))
    }
}

/// Returns the default memory for file contents in each of `at_once` processes of a map, in bytes.
pub fn memory_of_each(at_once: usize) -> u64 {
    default_budget(machine::memory(), at_once as u64)
}

/// Returns the largest memory for file contents that a process may be given, in bytes.
fn largest_budget(memory: Memory) -> u64 {
    (memory.total - memory.total / 8).max(LEAST_BUDGET)
}

/// Returns the default memory for file contents beside a job that may use `job` bytes, in bytes.
pub fn memory_beside(job: u64) -> u64 {
    (job / SHARE).clamp(DEFAULT_BUDGET, LARGEST_DEFAULT)
}

/// Returns the default memory for file contents in one of `at_once` processes, in bytes.
fn default_budget(memory: Memory, at_once: u64) -> u64 {
    let at_once = at_once.max(1);
    let share = memory.total / SHARE.max(SHARE_OF_MAP.saturating_mul(at_once));
    share
        .clamp(DEFAULT_BUDGET, LARGEST_DEFAULT)
        .min(memory.available / at_once / LARGEST_SHARE)
        .max(LEAST_BUDGET)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::BucketName;

    fn mebibytes(total: u64, available: u64) -> u64 {
        let memory = Memory {
            total: total << 20,
            available: available << 20,
        };
        default_budget(memory, 1) >> 20
    }

    #[test]
    fn the_default_is_a_share_of_the_memory() {
        assert_eq!(mebibytes(2 << 10, 1 << 10), 128);
        assert_eq!(mebibytes(16 << 10, 8 << 10), 512);
        assert_eq!(mebibytes(256 << 10, 200 << 10), 512);
        assert_eq!(mebibytes(256 << 10, 1 << 10), 256, "the rest is in use");
    }

    #[test]
    fn the_processes_of_a_map_share_the_memory() {
        let memory = Memory {
            total: 256 << 30,
            available: 200 << 30,
        };
        let each = |at_once| default_budget(memory, at_once) >> 20;
        assert_eq!(each(4), each(1));
        assert_eq!(each(64), 512);
        assert_eq!(each(1024), 50);
        let group = Memory {
            total: 1 << 30,
            available: 1 << 30,
        };
        assert_eq!(default_budget(group, 2) >> 20, 128);
        assert_eq!(default_budget(group, 8) >> 20, 32);
        assert_eq!(default_budget(group, 64) >> 20, 16);
        assert_eq!(default_budget(group, 0) >> 20, 128);
    }

    #[test]
    fn a_named_memory_is_less_than_there_is() {
        let memory = |total| Memory {
            total,
            available: 0,
        };
        assert_eq!(largest_budget(memory(1 << 30)), 896 << 20);
        assert_eq!(largest_budget(memory(1 << 20)), LEAST_BUDGET);
    }

    #[test]
    fn no_default_takes_much_of_a_large_machine() {
        assert_eq!(mebibytes(4 << 20, 4 << 20), 512);
        assert_eq!(memory_beside(64 << 30), 512 << 20);
        assert_eq!(memory_beside(8 << 30), 256 << 20);
        assert_eq!(memory_beside(0), 128 << 20);
    }

    #[test]
    fn little_memory_is_not_used_up() {
        assert_eq!(mebibytes(256, 256), 64);
        assert_eq!(mebibytes(150, 150), 37);
        assert_eq!(mebibytes(32, 32), 16);
        assert_eq!(mebibytes(0, 0), 16);
    }

    #[test]
    fn mounts_of_a_process_have_the_largest_memory_that_one_names() {
        let mount = |memory| MountConfig {
            memory,
            ..MountConfig::new(BucketName::new("data").unwrap())
        };
        let mounts = [mount(None), mount(Some(64 << 20)), mount(Some(32 << 20))];
        let resources = Resources::for_mounts(&mounts);
        assert_eq!(resources.shared.budget.total(), 64 << 20);
    }
}
