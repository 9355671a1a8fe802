//! Object keys.

use std::fmt;
use std::sync::Arc;

/// Key of an object: any UTF-8 up to 1024 bytes, without a structure of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// Maximum length of a key in S3, in bytes of UTF-8.
pub const MAX_KEY_BYTES: usize = 1024;

impl Key {
    /// Creates a key from the text that a server sent, or that was formed from a folder's entry.
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self(key.into())
    }

    /// Returns the key as S3 takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether S3 would refuse the key for its length.
    pub fn is_too_long(&self) -> bool {
        self.0.len() > MAX_KEY_BYTES
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
