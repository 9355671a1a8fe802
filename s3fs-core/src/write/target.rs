//! Where what is written goes.

use std::fmt::Debug;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::budget::Budget;
use crate::object::{ETag, Headers, Key, ObjectRef};
use crate::store::{Capability, Precondition, Store};
use crate::write::left::Left;
use crate::write::pool::PartPool;
use crate::write::sizes::{PartLimit, PartSizes};
use crate::write::stage::Stages;

/// What a file is written with.
#[derive(Clone, Debug)]
pub struct Target {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What bounds the memory.
    pub budget: Budget,
    /// Where buffers come from.
    pub pool: PartPool,
    /// Where that goes which memory cannot hold.
    pub stages: Stages,
    /// What is done about uploads that were given up.
    pub endings: TaskTracker,
    /// How much is still to be sent: of one file.
    pub left: Left,
}

impl Target {
    /// The sizes of parts that the store takes.
    pub(super) fn sizes(&self) -> PartSizes {
        let limit = if self.store.capabilities().has(Capability::ManyParts) {
            PartLimit::TenThousand
        } else {
            PartLimit::Thousand
        };
        self.pool.sizes().with_limit(limit)
    }
}

/// How a file is to be stored.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Under this key.
    pub key: Key,
    /// With these headers.
    pub headers: Headers,
    /// If this holds.
    pub precondition: Precondition,
}

impl Destination {
    /// Whether a copy of an object, which heeds no precondition, keeps this one all the same.
    pub(super) fn may_copy(&self, object: &ObjectRef) -> bool {
        match &self.precondition {
            Precondition::None => true,
            Precondition::Absent => false,
            Precondition::Is(etag) => object.key == self.key && object.etag == *etag,
        }
    }
}

/// Knows where a file is stored. It is asked anew each time, since files are renamed and their
/// attributes changed while they are written; and with the writer's lock held, so it must not ask
/// the writer back.
pub trait Place: Debug + Send + Sync {
    /// Where the file is stored now; nothing if it was deleted.
    fn destination(&self) -> Option<Destination>;

    /// The file has been stored, also where nobody asked for it: a change of what had been sent
    /// needs that first.
    fn stored(&self, _stored: &Stored) {}
}

/// A file is in the bucket.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The version.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// Whether anything had to be sent.
    pub anew: bool,
    /// What it was stored with; older than what its place says now if they changed while it was
    /// uploaded.
    pub headers: Headers,
}
