//! Notifications to the kernel.

use std::ffi::OsStr;
use std::ops::Range;

use fuser::Notifier;

use crate::fs::KernelNotifier;
use crate::tree::NodeId;

/// Notifier of the kernel behind a session.
#[derive(Debug)]
pub(super) struct Kernel(pub(super) Notifier);

impl KernelNotifier for Kernel {
    fn store(&self, node: NodeId, offset: u64, bytes: &[u8]) -> bool {
        match self.0.store(node.into(), offset, bytes) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(?node, offset, %error, "failed to store data in the page cache");
                false
            }
        }
    }

    fn forget_name(&self, dir: NodeId, name: &OsStr) {
        if let Err(error) = self.0.inval_entry(dir.into(), name) {
            tracing::debug!(?dir, %error, "failed to invalidate a directory entry");
        }
    }

    fn forget_pages(&self, node: NodeId, range: Range<u64>) {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let (offset, length) = (signed(range.start), signed(range.end - range.start));
        if let Err(error) = self.0.inval_inode(node.into(), offset, length) {
            tracing::debug!(?node, %error, "failed to invalidate cached pages");
        }
    }
}
