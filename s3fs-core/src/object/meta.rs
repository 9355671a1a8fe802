//! What a listing or a HEAD says of an object.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// An object's version tag: two equal tags of one key mean equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(Arc<str>);

impl ETag {
    /// Takes the tag as a server spells it, with or without quotation marks.
    pub fn new(tag: &str) -> Self {
        Self(tag.trim_matches('"').into())
    }

    /// Returns whether the server gave none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag in quotation marks, as `If-Match` takes it.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Size in bytes.
    pub size: u64,
    /// When it was stored.
    pub modified: SystemTime,
    /// Its version tag.
    pub etag: ETag,
}
