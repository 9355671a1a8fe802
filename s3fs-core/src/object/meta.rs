//! Metadata of an object, as a listing or a HEAD returns it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// Version tag of an object: two equal tags of one key mean equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(Arc<str>);

impl ETag {
    /// Takes the tag as a server spells it, with or without quotation marks.
    pub fn new(tag: &str) -> Self {
        Self(tag.trim_matches('"').into())
    }

    /// Returns whether equal tags mean equal bytes. Those of a weak tag (`W/`) may differ.
    pub fn is_exact(&self) -> bool {
        !self.0.starts_with("W/")
    }

    /// Returns whether the server gave none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the tag in quotation marks, as `If-Match` takes it.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Metadata of a version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Size in bytes.
    pub size: u64,
    /// Time when it was stored.
    pub modified: SystemTime,
    /// Version tag.
    pub etag: ETag,
}
