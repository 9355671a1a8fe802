//! Whether a program need not wait to hear how its changes are received.
//!
//! A mount whose credentials may not write should say so to the program that writes, not at the end of
//! the call. So the first change of a kind is waited for, and so is each one after a failure.

use std::sync::atomic::{AtomicBool, Ordering};

/// Changes that need the same permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Kind {
    /// `s3:PutObject`.
    Store,
    /// `s3:DeleteObject`.
    Delete,
}

/// The kinds of changes of which the last one succeeded.
#[derive(Debug, Default)]
pub(in crate::fs) struct Trust {
    store: AtomicBool,
    delete: AtomicBool,
}

impl Trust {
    /// Whether the last such change succeeded.
    pub(in crate::fs) fn has(&self, kind: Kind) -> bool {
        self.of(kind).load(Ordering::Acquire)
    }

    /// A change has succeeded or failed.
    pub(in crate::fs) fn note(&self, kind: Kind, succeeded: bool) {
        self.of(kind).store(succeeded, Ordering::Release);
    }

    fn of(&self, kind: Kind) -> &AtomicBool {
        match kind {
            Kind::Store => &self.store,
            Kind::Delete => &self.delete,
        }
    }
}
