//! Tests of the file system without a kernel, over a bucket in memory, with injected failures and
//! interleavings.

#![allow(
    clippy::unwrap_used,
    reason = "what a test expects to succeed is unwrapped"
)]

mod concurrent;
mod copies;
mod descriptors;
mod ending;
mod failures;
mod folders;
mod frozen;
mod headers;
mod kernel;
mod listings;
mod model;
mod pending;
mod preparing;
mod rescue;
mod unsure;
mod versions;

use std::sync::Arc;
use std::time::Instant;

use crate::budget::Budget;
use crate::config::{Access, MountConfig};
use crate::fs::tests::kernel::Kernel;
use crate::fs::{Fs, SharedResources};
use crate::object::BucketName;
use crate::read::ReadMemory;
use crate::store::memory::MemoryStore;
use crate::store::{ListFrom, ListRequest, Store};
use crate::write::{PartPool, Stages};

/// Size of a first part in bytes, small so that small files stream.
const FIRST_PART: u64 = 4096;

/// Creates a bucket that takes small parts.
fn bucket() -> MemoryStore {
    MemoryStore::with_min_part(1)
}

/// Mounts a store read-write.
async fn mount(store: Arc<dyn Store>) -> Kernel {
    mount_with(store, Access::default(), 64 << 20).await
}

async fn mount_with(store: Arc<dyn Store>, access: Access, budget: u64) -> Kernel {
    mount_as(store, access, budget, true).await
}

/// Mounts a store read-write. `waits` says whether closing a file waits for the store.
async fn mount_waiting(store: Arc<dyn Store>, budget: u64, waits: bool) -> Kernel {
    mount_as(store, Access::default(), budget, waits).await
}

async fn mount_as(
    store: Arc<dyn Store>,
    access: Access,
    budget: u64,
    waits_on_close: bool,
) -> Kernel {
    let config = MountConfig {
        access,
        waits_on_close,
        ..MountConfig::new(BucketName::new("memory").unwrap())
    };
    mount_configured(store, &config, budget).await
}

async fn mount_configured(store: Arc<dyn Store>, config: &MountConfig, budget: u64) -> Kernel {
    let budget = Budget::new(budget);
    let shared = SharedResources {
        reading: ReadMemory::new(budget.clone(), 96),
        budget,
        parts: PartPool::with_first_part(FIRST_PART),
        stages: Stages::default(),
    };
    let asked = Instant::now();
    let root = ListRequest {
        prefix: "",
        folded: true,
        from: ListFrom::Beginning,
        max_keys: 1000,
    };
    let page = store.list(root).await.unwrap();
    Kernel::new(Fs::new(store, config, &shared, page, asked))
}
