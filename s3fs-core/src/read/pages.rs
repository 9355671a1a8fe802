//! Access to the kernel's page cache, for bytes that no program has asked for yet.

use std::fmt::Debug;

/// Page cache of one version of a file.
pub trait Pages: Debug + Send + Sync + 'static {
    /// Stores bytes unless the file has changed; returns whether it did. May wait for reads of the
    /// same pages.
    fn store(&self, offset: u64, bytes: &[u8]) -> bool;
}
