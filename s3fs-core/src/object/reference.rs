//! Reference to a version of an object.

use crate::object::{ETag, Key};

/// Reference to a version of an object, sufficient to request its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Key of the object.
    pub key: Key,
    /// Version tag.
    pub etag: ETag,
    /// Size in bytes.
    pub size: u64,
}

impl ObjectRef {
    /// Returns whether both are the same version of the same object.
    pub fn is(&self, other: &Self) -> bool {
        self.key == other.key && self.etag == other.etag
    }
}
