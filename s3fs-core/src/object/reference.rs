//! One version of an object, by name.

use crate::object::{ETag, Key};

/// One version of an object: what is needed to ask for its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its key.
    pub key: Key,
    /// Its version tag.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
}

impl ObjectRef {
    /// Whether both are the same version of the same object.
    pub fn is(&self, other: &Self) -> bool {
        self.key == other.key && self.etag == other.etag
    }
}
