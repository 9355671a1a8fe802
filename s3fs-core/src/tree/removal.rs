//! Names deleted through this mount: what the store may still say of them for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::object::{ETag, EntryName};
use crate::tree::{Ino, Seen};

/// Look for what can be forgotten no earlier than when there is so much of it.
const SWEEP: usize = 4096;

/// Answers don't arrive later than this after they were asked for.
const ANSWER_DELAY: Duration = Duration::from_mins(2);

/// The names, and since when the bucket has nothing of that name any more.
#[derive(Debug)]
pub(super) struct Removals {
    names: HashMap<(Ino, EntryName), Since>,
    sweep_at: usize,
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
    pub(super) fn done(&mut self, dir: Ino, name: EntryName) {
        self.note(dir, name, Since::At(Instant::now()));
    }

    /// The name was deleted here, and the bucket will be told.
    pub(super) fn pending(&mut self, dir: Ino, name: EntryName) {
        self.note(dir, name, Since::Pending);
    }

    /// The name of a file was deleted here, whose object of this version stays for now.
    pub(super) fn version(&mut self, dir: Ino, name: EntryName, etag: ETag) {
        self.note(dir, name, Since::Version(etag));
    }

    fn note(&mut self, dir: Ino, name: EntryName, since: Since) {
        self.sweep();
        self.names.insert((dir, name), since);
    }

    /// The bucket has been told of a deletion.
    pub(super) fn told(&mut self, dir: Ino, name: &EntryName) {
        let place = (dir, name.clone());
        if matches!(
            self.names.get(&place),
            Some(Since::Pending | Since::Version(_))
        ) {
            self.names.insert(place, Since::At(Instant::now()));
        }
    }

    /// Forgets what no answer can be older than.
    fn sweep(&mut self) {
        if self.names.len() >= self.sweep_at {
            let now = Instant::now();
            self.names.retain(|_, since| match since {
                Since::Pending | Since::Version(_) => true,
                Since::At(at) => *at + ANSWER_DELAY > now,
            });
            self.sweep_at = SWEEP.max(2 * self.names.len());
        }
    }

    /// The name stands for something again.
    pub(super) fn undo(&mut self, dir: Ino, name: &EntryName) {
        self.names.remove(&(dir, name.clone()));
    }

    /// Whether the bucket has yet to be told that the name is gone.
    pub(super) fn is_pending(&self, dir: Ino, name: &EntryName) -> bool {
        !self.names.is_empty() && self.names.get(&(dir, name.clone())) == Some(&Since::Pending)
    }

    /// Whether an answer that was asked for at that time may not know of the deletion.
    pub(super) fn outdates(&self, dir: Ino, name: &EntryName, seen: &Seen, asked: Instant) -> bool {
        match self.names.get(&(dir, name.clone())) {
            Some(Since::Pending) => true,
            Some(Since::Version(etag)) => {
                matches!(seen, Seen::File(meta) if meta.etag == *etag)
            }
            Some(Since::At(at)) => *at >= asked,
            None => false,
        }
    }
}
