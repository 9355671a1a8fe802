//! Where what is written goes.

use std::sync::Arc;

use crate::budget::Budget;
use crate::object::Key;
use crate::store::Store;
use crate::write::buffer::PartPool;

/// Where a file's bytes go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The object.
    pub key: Key,
    /// What bounds the memory.
    pub budget: Budget,
    /// Where buffers come from.
    pub pool: PartPool,
}
