//! Names deleted through this mount: what the store may still say of them for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::object::{ETag, EntryName, Key};
use crate::tree::{Ino, Kind, Seen};

/// Look for what can be forgotten no earlier than when there is so much of it.
const SWEEP: usize = 4096;

/// Answers don't arrive later than this after they were asked for.
const ANSWER_DELAY: Duration = Duration::from_mins(2);

/// Which of the two keys that a name has in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The file's object.
    File,
    /// The folder's marker, or all that is below it.
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

/// The names, and since when the bucket has nothing of that name any more.
#[derive(Debug)]
pub(super) struct Removals {
    names: HashMap<(Ino, EntryName), Gone>,
    sweep_at: usize,
}

/// A file may have had the name, and a folder after it, before the bucket was told of either.
#[derive(Debug, Default)]
struct Gone {
    file: Option<Since>,
    dir: Option<Since>,
    /// What the name has come to stand for since.
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
    /// The bucket has yet to be told.
    Pending,
    /// The bucket keeps this version of a file for a while, and may have another.
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
    /// The name was deleted, in the bucket as well.
    pub(super) fn done(&mut self, dir: Ino, name: EntryName, removed: Removed) {
        self.note(dir, name, removed, Since::At(Instant::now()));
    }

    /// The name was deleted here, and the bucket will be told.
    pub(super) fn pending(&mut self, dir: Ino, name: EntryName, removed: Removed) {
        self.note(dir, name, removed, Since::Pending);
    }

    /// The name of a file was deleted here, whose object of this version stays for now.
    pub(super) fn version(&mut self, dir: Ino, name: EntryName, etag: ETag) {
        self.note(dir, name, Removed::File, Since::Version(etag));
    }

    fn note(&mut self, dir: Ino, name: EntryName, removed: Removed, since: Since) {
        self.sweep();
        let gone = self.names.entry((dir, name)).or_default();
        *gone.of(removed) = Some(since);
        gone.remade = gone.remade.filter(|remade| *remade != removed);
    }

    /// The bucket has been told of a deletion.
    pub(super) fn told(&mut self, dir: Ino, name: &EntryName, removed: Removed) {
        if let Some(gone) = self.names.get_mut(&(dir, name.clone()))
            && let Some(since @ (Since::Pending | Since::Version(_))) = gone.of(removed)
        {
            *since = Since::At(Instant::now());
        }
    }

    /// Forgets what no answer can be older than.
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

    /// The name stands for a file or a folder again. What had it before, if that was of the other kind,
    /// is as gone as it was.
    pub(super) fn undo(&mut self, dir: Ino, name: &EntryName, removed: Removed) {
        if let Some(gone) = self.names.get_mut(&(dir, name.clone())) {
            *gone.of(removed) = None;
            gone.remade = Some(removed);
        }
    }

    /// Whether the name stands for nothing, of which the bucket has yet to be told.
    pub(super) fn is_pending(&self, dir: Ino, name: &EntryName) -> bool {
        !self.names.is_empty()
            && self.names.get(&(dir, name.clone())).is_some_and(|gone| {
                gone.remade.is_none() && gone.any(|since| *since == Since::Pending)
            })
    }

    /// Whether an answer that was asked for at that time may not know of the deletion.
    pub(super) fn outdates(&self, dir: Ino, name: &EntryName, seen: &Seen, asked: Instant) -> bool {
        let Some(gone) = self.names.get(&(dir, name.clone())) else {
            return false;
        };
        if gone.remade == Some(Removed::Dir) && matches!(seen, Seen::Dir) {
            // It hides what had the name before, of which the answer says nothing.
            return false;
        }
        gone.any(|since| match since {
            Since::Pending => true,
            Since::Version(etag) => matches!(seen, Seen::File(meta) if meta.etag == *etag),
            Since::At(at) => *at >= asked,
        })
    }
}
