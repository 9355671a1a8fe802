//! Whether a program need not wait to hear how its changes are received.
//!
//! A mount whose credentials may not write should say so to the program that writes, not at the end of
//! the call. So the first change of a kind is waited for, and so is each one after a failure. Before the
//! first file is stored, it is learned without changing anything. That one kind succeeds says nothing of
//! another that failed: a server may take folders and refuse new files.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Changes that are received alike: they need the same permission and are the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Kind {
    /// A file is stored if nothing has its name.
    Create,
    /// A file is stored, whatever has its name.
    Replace,
    /// An object is copied onto itself with other metadata.
    Headers,
    /// A folder's object is stored.
    Marker,
    /// An object is deleted.
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
    standings: [AtomicU8; 5],
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
        // The two ways to store a file differ in a condition alone.
        let other = match kind {
            Kind::Create => Kind::Replace,
            Kind::Replace => Kind::Create,
            Kind::Headers | Kind::Marker | Kind::Delete => return,
        };
        let unknown = Standing::Unknown as u8;
        // Otherwise it has a standing of its own.
        let _ = self.of(other).compare_exchange(
            unknown,
            standing as u8,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
    }

    /// Held by whoever asks the store, so that one does for all.
    pub(in crate::fs) async fn learning(&self) -> MutexGuard<'_, ()> {
        self.learning.lock().await
    }

    fn of(&self, kind: Kind) -> &AtomicU8 {
        &self.standings[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_as_its_last_change_was_received() {
        let trust = Trust::default();
        assert_eq!(trust.standing(Kind::Replace), Standing::Unknown);
        trust.note(Kind::Replace, false);
        assert_eq!(trust.standing(Kind::Replace), Standing::Failed);
        assert_eq!(trust.standing(Kind::Create), Standing::Failed);
        assert_eq!(trust.standing(Kind::Delete), Standing::Unknown);
        trust.note(Kind::Replace, true);
        assert!(trust.has(Kind::Replace) && !trust.has(Kind::Delete));
    }

    #[test]
    fn a_kind_that_failed_is_trusted_when_it_succeeds_itself() {
        let trust = Trust::default();
        trust.note(Kind::Create, true);
        assert!(trust.has(Kind::Create) && trust.has(Kind::Replace));
        trust.note(Kind::Create, false);
        trust.note(Kind::Marker, true);
        trust.note(Kind::Replace, true);
        assert!(!trust.has(Kind::Create), "a folder is no new file");
        trust.note(Kind::Create, true);
        assert!(trust.has(Kind::Create));
    }
}
