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
pub(in crate::fs) enum ChangeKind {
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

impl ChangeKind {
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
pub(in crate::fs) struct ErrorMode {
    standings: [AtomicU8; 5],
    probing: Mutex<()>,
}

impl ErrorMode {
    /// Returns whether the last change of this kind succeeded.
    pub(in crate::fs) fn reports_later(&self, kind: ChangeKind) -> bool {
        self.standing(kind) == Standing::Good
    }

    /// Returns the result of the last change of this kind.
    pub(in crate::fs) fn standing(&self, kind: ChangeKind) -> Standing {
        match self.of(kind).load(Ordering::Acquire) {
            good if good == Standing::Good as u8 => Standing::Good,
            failed if failed == Standing::Failed as u8 => Standing::Failed,
            _ => Standing::Unknown,
        }
    }

    /// Records the result of a change.
    pub(in crate::fs) fn note(&self, kind: ChangeKind, succeeded: bool) {
        let standing = if succeeded {
            Standing::Good
        } else {
            Standing::Failed
        };
        self.of(kind).store(standing as u8, Ordering::Release);
        // The two ways to store a file differ in a condition alone.
        let other = match kind {
            ChangeKind::Create => ChangeKind::Replace,
            ChangeKind::Replace => ChangeKind::Create,
            ChangeKind::Headers | ChangeKind::Marker | ChangeKind::Delete => return,
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
    pub(in crate::fs) async fn lock_probe(&self) -> MutexGuard<'_, ()> {
        self.probing.lock().await
    }

    fn of(&self, kind: ChangeKind) -> &AtomicU8 {
        &self.standings[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_as_its_last_change_was_received() {
        let error_mode = ErrorMode::default();
        assert_eq!(error_mode.standing(ChangeKind::Replace), Standing::Unknown);
        error_mode.note(ChangeKind::Replace, false);
        assert_eq!(error_mode.standing(ChangeKind::Replace), Standing::Failed);
        assert_eq!(error_mode.standing(ChangeKind::Create), Standing::Failed);
        assert_eq!(error_mode.standing(ChangeKind::Delete), Standing::Unknown);
        error_mode.note(ChangeKind::Replace, true);
        assert!(
            error_mode.reports_later(ChangeKind::Replace)
                && !error_mode.reports_later(ChangeKind::Delete)
        );
    }

    #[test]
    fn a_kind_that_failed_is_trusted_when_it_succeeds_itself() {
        let error_mode = ErrorMode::default();
        error_mode.note(ChangeKind::Create, true);
        assert!(
            error_mode.reports_later(ChangeKind::Create)
                && error_mode.reports_later(ChangeKind::Replace)
        );
        error_mode.note(ChangeKind::Create, false);
        error_mode.note(ChangeKind::Marker, true);
        error_mode.note(ChangeKind::Replace, true);
        assert!(
            !error_mode.reports_later(ChangeKind::Create),
            "a folder is no new file"
        );
        error_mode.note(ChangeKind::Create, true);
        assert!(error_mode.reports_later(ChangeKind::Create));
    }
}
