//! Open folders and the state of their listings.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use tokio::sync::Mutex;

use crate::fs::{FsError, seen};
use crate::list::{Batch, ListStream, Listed};
use crate::object::EntryName;
use crate::tree::{Ino, Tree};

/// Open folder.
#[derive(Debug)]
pub(super) struct DirHandle {
    pub(super) ino: Ino,
    /// Listing, or `None` before the first read.
    pub(super) state: Mutex<Option<DirState>>,
}

#[derive(Debug)]
pub(super) struct DirState {
    pub(super) stream: ListStream,
    /// Start time of the listing.
    pub(super) began: Instant,
    /// Consecutive entries, the first being number `first`.
    pub(super) entries: VecDeque<(Item, Instant)>,
    pub(super) first: u64,
    /// Number of the first entry that was not offered. Entries before it are known to the tree.
    pub(super) offered: u64,
    /// Names made through this mount that the listing has not shown.
    pub(super) local: HashSet<EntryName>,
    pub(super) ended: bool,
}

/// Entry of a folder, by its source.
#[derive(Debug)]
pub(super) enum Item {
    /// Entry of a listing.
    Listed(Listed),
    /// Name that only this mount knows.
    Local(EntryName),
}

impl DirState {
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Fetches entries up to `number`. Returns false if there is no such entry.
    pub(super) async fn fill(
        &mut self,
        tree: &Tree,
        ino: Ino,
        number: u64,
    ) -> Result<bool, FsError> {
        while self.end() <= number && !self.ended {
            match self.stream.next().await? {
                Some(Batch { entries, asked }) => {
                    for listed in entries {
                        self.local.remove(seen(&listed).0);
                        self.entries.push_back((Item::Listed(listed), asked));
                    }
                }
                None => self.finish(tree, ino),
            }
        }
        Ok(self.end() > number)
    }

    /// Adds the names that only this mount knows. Marks the folder as complete in the tree if every
    /// listed entry was offered.
    fn finish(&mut self, tree: &Tree, ino: Ino) {
        if self.offered >= self.end() {
            tree.completed(ino, self.began);
        }
        for name in self.local.drain() {
            self.entries.push_back((Item::Local(name), self.began));
        }
        self.ended = true;
    }

    pub(super) fn drop_before(&mut self, number: u64) {
        while self.first < number && !self.entries.is_empty() {
            self.entries.pop_front();
            self.first += 1;
        }
    }
}
