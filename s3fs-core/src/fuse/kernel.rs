//! What we tell the kernel without being asked.

use std::ffi::OsStr;

use fuser::Notifier;

use crate::fs::KernelEdge;
use crate::tree::Ino;

/// The kernel behind a session.
#[derive(Debug)]
pub(super) struct Kernel(pub(super) Notifier);

impl KernelEdge for Kernel {
    fn store(&self, ino: Ino, offset: u64, bytes: &[u8]) -> bool {
        match self.0.store(ino.into(), offset, bytes) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%ino, offset, %error, "the page cache does not take this");
                false
            }
        }
    }

    fn forget_name(&self, dir: Ino, name: &OsStr) {
        if let Err(error) = self.0.inval_entry(dir.into(), name) {
            tracing::debug!(%dir, %error, "the kernel does not forget a name");
        }
    }
}
