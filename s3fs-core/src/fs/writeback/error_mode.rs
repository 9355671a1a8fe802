//! Error mode of changes: decides whether a program waits for the result of a change.
//!
//! A mount whose credentials may not write should report that to the program that writes, not when
//! the mount ends. So a program waits for the first change of a kind, and for each one after a
//! failure. Before the first file is stored, a check that changes nothing shows whether the bucket
//! takes it. The success of one kind says nothing about another that failed: a server may take
//! folders and refuse new files.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::fs::place::FilePlace;

/// Kind of change. Changes of a kind are the same request and need the same permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Kind {
    /// Store a file if no object has its key.
    Create,
    /// Store a file over any object of its key.
    Replace,
    /// Copy an object onto itself with other metadata.
    Headers,
    /// Store the marker of a folder.
    Marker,
    /// Delete an object.
    Delete,
}

impl Kind {
    /// Returns the kind of change by which a file is stored.
    pub(in crate::fs) fn of(place: &FilePlace) -> Self {
        if place.must_be_new() {
            Self::Create
        } else {
            Self::Replace
        }
    }
}

/// Result of the last change of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::fs) enum Standing {
    /// There was no change yet.
    Unknown,
    /// The last change succeeded.
    Good,
    /// The last change failed.
    Failed,
}

/// Standing of each kind of change.
#[derive(Debug, Default)]
pub(in crate::fs) struct Trust {
    standings: [AtomicU8; 5],
    learning: Mutex<()>,
}

impl Trust {
    /// Returns whether the last change of this kind succeeded.
    pub(in crate::fs) fn has(&self, kind: Kind) -> bool {
        self.standing(kind) == Standing::Good
    }

    /// Returns the result of the last change of this kind.
    pub(in crate::fs) fn standing(&self, kind: Kind) -> Standing {
        match self.of(kind).load(Ordering::Acquire) {
            good if good == Standing::Good as u8 => Standing::Good,
            failed if failed == Standing::Failed as u8 => Standing::Failed,
            _ => Standing::Unknown,
        }
    }

    /// Records the result of a change.
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

    /// Locks the check of the store, so that one check serves all.
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
