//! Whether a program need not wait to hear how its changes are received.
//!
//! A mount whose credentials may not write should say so to the program that writes, not at the end of
//! the call. So the first change of a kind is waited for, and so is each one after a failure. Before the
//! first file is stored, it is learned without changing anything.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Changes that need the same permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Kind {
    /// `s3:PutObject`.
    Store,
    /// `s3:DeleteObject`.
    Delete,
}

/// How changes of a kind were received last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::fs) enum Standing {
    /// There was none.
    Unknown,
    /// The last one succeeded.
    Good,
    /// The last one failed.
    Failed,
}

/// The standing of each kind of changes.
#[derive(Debug, Default)]
pub(in crate::fs) struct Trust {
    store: AtomicU8,
    delete: AtomicU8,
    learning: Mutex<()>,
}

impl Trust {
    /// Whether the last such change succeeded.
    pub(in crate::fs) fn has(&self, kind: Kind) -> bool {
        self.standing(kind) == Standing::Good
    }

    /// How such changes were received last.
    pub(in crate::fs) fn standing(&self, kind: Kind) -> Standing {
        match self.of(kind).load(Ordering::Acquire) {
            good if good == Standing::Good as u8 => Standing::Good,
            failed if failed == Standing::Failed as u8 => Standing::Failed,
            _ => Standing::Unknown,
        }
    }

    /// A change has succeeded or failed.
    pub(in crate::fs) fn note(&self, kind: Kind, succeeded: bool) {
        let standing = if succeeded {
            Standing::Good
        } else {
            Standing::Failed
        };
        self.of(kind).store(standing as u8, Ordering::Release);
    }

    /// Held by whoever asks the store, so that one does for all.
    pub(in crate::fs) async fn learning(&self) -> MutexGuard<'_, ()> {
        self.learning.lock().await
    }

    fn of(&self, kind: Kind) -> &AtomicU8 {
        match kind {
            Kind::Store => &self.store,
            Kind::Delete => &self.delete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_as_its_last_change_was_received() {
        let trust = Trust::default();
        assert_eq!(trust.standing(Kind::Store), Standing::Unknown);
        trust.note(Kind::Store, false);
        assert_eq!(trust.standing(Kind::Store), Standing::Failed);
        assert_eq!(trust.standing(Kind::Delete), Standing::Unknown);
        trust.note(Kind::Store, true);
        assert!(trust.has(Kind::Store) && !trust.has(Kind::Delete));
    }
}
