//! Destination of writes: the store, and the key and headers of a file.

use std::fmt::Debug;
use std::sync::Arc;

use crate::budget::Budget;
use crate::object::{ETag, Headers, Key, ObjectRef};
use crate::store::{Capability, CopiedHeaders, Precondition, Store};
use crate::write::endings::Endings;
use crate::write::interrupts::Interrupts;
use crate::write::pool::PartPool;
use crate::write::sizes::{PartLimit, PartSizes};
use crate::write::stage::Stages;
use crate::write::unsent::Unsent;
use crate::write::zeros::ZeroSources;

/// Resources for writing a file.
#[derive(Clone, Debug)]
pub struct Target {
    /// Store that takes the object.
    pub store: Arc<dyn Store>,
    /// Budget that bounds the memory.
    pub budget: Budget,
    /// Pool of buffers.
    pub pool: PartPool,
    /// Temporary files for bytes that exceed memory.
    pub stages: Stages,
    /// Tasks that abort dropped uploads.
    pub endings: Endings,
    /// Zeros in objects of this store.
    pub zeros: ZeroSources,
    /// Requests to interrupt the flush of this file.
    pub interrupts: Interrupts,
    /// Counter of this file's unsent bytes.
    pub unsent: Unsent,
}

impl Target {
    /// Returns the sizes of parts that the store takes.
    pub(super) fn sizes(&self) -> PartSizes {
        let limit = if self.store.capabilities().has(Capability::ManyParts) {
            PartLimit::TenThousand
        } else {
            PartLimit::Thousand
        };
        self.pool.sizes().with_limit(limit)
    }
}

/// Key, headers and precondition with which to store a file.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Key of the object.
    pub key: Key,
    /// Headers of the object.
    pub headers: Headers,
    /// Precondition of the request.
    pub precondition: Precondition,
}

impl Destination {
    /// Returns the headers of a copy of `object` to this destination.
    pub(super) fn copied_headers(&self, object: &ObjectRef) -> CopiedHeaders<'_> {
        if object.key == self.key {
            CopiedHeaders::Changed(&self.headers)
        } else {
            CopiedHeaders::Other(&self.headers)
        }
    }

    /// Returns whether a copy of `object` satisfies the precondition, which a copy does not check.
    pub(super) fn may_copy(&self, object: &ObjectRef) -> bool {
        match &self.precondition {
            Precondition::None => true,
            Precondition::Absent => false,
            Precondition::Is(etag) => object.key == self.key && object.etag == *etag,
        }
    }
}

/// Source of a file's destination. It is asked again for each request, since files are renamed and
/// their attributes change while they are written. It is called with the writer's lock held, so it
/// must not call the writer.
pub trait FindDestination: Debug + Send + Sync {
    /// Returns the present destination of the file; `None` if it was deleted.
    fn destination(&self) -> Option<Destination>;

    /// Reports the first change of the file since it was stored. Readers of the stored version have to look
    /// again before the change is answered.
    fn changed(&self) {}

    /// Reports that the file has been stored. This also happens without a request to store it,
    /// since changing bytes that were sent requires it.
    fn stored(&self, _stored: &Stored) {}
}

/// Result of storing a file.
#[derive(Clone, Debug)]
pub struct Stored {
    /// `ETag` of the stored version.
    pub etag: ETag,
    /// Size in bytes.
    pub size: u64,
    /// True if anything had to be sent.
    pub anew: bool,
    /// Headers that it was stored with. They are older than the destination's if those changed
    /// during the upload.
    pub headers: Headers,
}
