//! What we tell the kernel without being asked.

use fuser::Notifier;

use crate::fs::PageCache;
use crate::tree::Ino;

/// The kernel behind a session.
#[derive(Debug)]
pub(super) struct Kernel(pub(super) Notifier);

impl PageCache for Kernel {
    fn store(&self, ino: Ino, offset: u64, bytes: &[u8]) -> bool {
        match self.0.store(ino.into(), offset, bytes) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%ino, offset, %error, "the page cache does not take this");
                false
            }
        }
    }
}
