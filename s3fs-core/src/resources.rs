//! What mounts of one process share.

use crate::budget::Budget;
use crate::cache::Caches;
use crate::fs::Shared;
use crate::read::BlockPool;
use crate::store::s3::HttpClient;
use crate::write::{PartPool, Stages};

/// The memory that file contents may take in one process, unless told otherwise.
pub const DEFAULT_BUDGET: u64 = 128 << 20;

/// What all mounts of one process share: the memory budget, the HTTP connections, and caches of the
/// same folder.
///
/// Cheap to clone. Must be used inside a tokio runtime.
#[derive(Clone, Debug)]
pub struct Resources {
    pub(crate) http: HttpClient,
    pub(crate) shared: Shared,
    pub(crate) caches: Caches,
}

impl Resources {
    /// With so many bytes of memory for file contents.
    pub fn with_budget(bytes: u64) -> Self {
        let shared = Shared {
            budget: Budget::new(bytes),
            blocks: BlockPool::default(),
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
        Self::with_budget(DEFAULT_BUDGET)
    }
}
