//! The kernel's page cache, as a place for bytes that nobody has asked for yet.

use std::fmt::Debug;

/// The page cache of one version of a file.
pub trait Pages: Debug + Send + Sync + 'static {
    /// Puts bytes there, unless the file has changed; whether it did. May wait for reads of the same
    /// pages.
    fn store(&self, offset: u64, bytes: &[u8]) -> bool;
}
