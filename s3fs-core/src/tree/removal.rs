//! Names deleted through this mount, for as long as the store may still report them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::object::{ETag, EntryName, Key};
use crate::tree::{Ino, Kind, ListingEntry};

/// Minimum number of names before expired ones are dropped.
const SWEEP: usize = 4096;

/// Maximum delay between a request and its response.
const ANSWER_DELAY: Duration = Duration::from_mins(2);

/// Kind of a deleted key: a name can have two keys in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Object of a file.
    File,
    /// Marker of a folder, or all keys below it.
    Dir,
}

impl From<&Kind> for Removed {
    fn from(kind: &Kind) -> Self {
        match kind {
            Kind::File(_) => Self::File,
            Kind::Dir => Self::Dir,
        }
    }
}

impl From<&Key> for Removed {
    fn from(key: &Key) -> Self {
        if key.as_str().ends_with('/') {
            Self::Dir
        } else {
            Self::File
        }
    }
}

/// Deleted names, with the times at which the bucket had nothing of that name any more.
#[derive(Debug)]
pub(super) struct Removals {
    names: HashMap<(Ino, EntryName), Gone>,
    sweep_at: usize,
}

/// Deletions of one name. A file and then a folder may have had it before the bucket was updated.
#[derive(Debug, Default)]
struct Gone {
    file: Option<Since>,
    dir: Option<Since>,
    /// Kind of the entry that has got the name since.
    remade: Option<Removed>,
}

impl Gone {
    fn of(&mut self, removed: Removed) -> &mut Option<Since> {
        match removed {
            Removed::File => &mut self.file,
            Removed::Dir => &mut self.dir,
        }
    }

    fn any(&self, holds: impl Fn(&Since) -> bool) -> bool {
        self.file.iter().chain(&self.dir).any(holds)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Since {
    /// Deletion that has not reached the bucket yet.
    Pending,
    /// Deletion of this version of a file, which stays in the bucket for a while. It may have
    /// another.
    Version(ETag),
    At(Instant),
}

impl Default for Removals {
    fn default() -> Self {
        Self {
            names: HashMap::new(),
            sweep_at: SWEEP,
        }
    }
}

impl Removals {
    /// Records that a name was deleted, in the bucket as well.
    pub(super) fn done(&mut self, dir: Ino, name: EntryName, removed: Removed) {
        self.note(dir, name, removed, Since::At(Instant::now()));
    }

    /// Records that a name was deleted here; the deletion in the bucket follows.
    pub(super) fn pending(&mut self, dir: Ino, name: EntryName, removed: Removed) {
        self.note(dir, name, removed, Since::Pending);
    }

    /// Records that a file's name was deleted here; its object of this version stays for now.
    pub(super) fn version(&mut self, dir: Ino, name: EntryName, etag: ETag) {
        self.note(dir, name, Removed::File, Since::Version(etag));
    }

    fn note(&mut self, dir: Ino, name: EntryName, removed: Removed, since: Since) {
        self.sweep();
        let gone = self.names.entry((dir, name)).or_default();
        *gone.of(removed) = Some(since);
        gone.remade = gone.remade.filter(|remade| *remade != removed);
    }

    /// Records that a deletion has reached the bucket.
    pub(super) fn reported(&mut self, dir: Ino, name: &EntryName, removed: Removed) {
        if let Some(gone) = self.names.get_mut(&(dir, name.clone()))
            && let Some(since @ (Since::Pending | Since::Version(_))) = gone.of(removed)
        {
            *since = Since::At(Instant::now());
        }
    }

    /// Drops deletions that are older than any response can be.
    fn sweep(&mut self) {
        if self.names.len() >= self.sweep_at {
            let now = Instant::now();
            self.names.retain(|_, gone| {
                gone.any(|since| match since {
                    Since::Pending | Since::Version(_) => true,
                    Since::At(at) => *at + ANSWER_DELAY > now,
                })
            });
            self.sweep_at = SWEEP.max(2 * self.names.len());
        }
    }

    /// Records that the name has a file or a folder again. An earlier entry of the other kind stays
    /// deleted.
    pub(super) fn undo(&mut self, dir: Ino, name: &EntryName, removed: Removed) {
        if let Some(gone) = self.names.get_mut(&(dir, name.clone())) {
            *gone.of(removed) = None;
            gone.remade = Some(removed);
        }
    }

    /// Returns whether the name has no entry, and the bucket is yet to be updated.
    pub(super) fn is_pending(&self, dir: Ino, name: &EntryName) -> bool {
        !self.names.is_empty()
            && self.names.get(&(dir, name.clone())).is_some_and(|gone| {
                gone.remade.is_none() && gone.any(|since| *since == Since::Pending)
            })
    }

    /// Returns whether the bucket may still have what had the name: it is yet to be updated.
    pub(super) fn is_unfinished(&self, dir: Ino, name: &EntryName) -> bool {
        let gone = self.names.get(&(dir, name.clone()));
        gone.is_some_and(|gone| gone.any(|since| !matches!(since, Since::At(_))))
    }

    /// Returns whether a response requested at `asked` may be older than the deletion.
    pub(super) fn outdates(
        &self,
        dir: Ino,
        name: &EntryName,
        seen: &ListingEntry,
        asked: Instant,
    ) -> bool {
        let Some(gone) = self.names.get(&(dir, name.clone())) else {
            return false;
        };
        if gone.remade == Some(Removed::Dir) && matches!(seen, ListingEntry::Dir) {
            // It hides what had the name before, of which the answer says nothing.
            return false;
        }
        gone.any(|since| match since {
            Since::Pending => true,
            Since::Version(etag) => matches!(seen, ListingEntry::File(meta) if meta.etag == *etag),
            Since::At(at) => *at >= asked,
        })
    }
}
