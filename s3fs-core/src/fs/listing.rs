//! Open folders and the state of their listings.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use tokio::sync::Mutex;

use crate::fs::{FsError, seen};
use crate::list::{Batch, ListStream, Listed};
use crate::object::EntryName;
use crate::tree::{Ino, ListingOrder, Tree};

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
    /// Order of all entries so far, if they become the kernel's copy of the listing.
    pub(super) order: Option<ListingOrder>,
}

/// Entry of a folder, by its source.
#[derive(Debug)]
pub(super) enum Item {
    /// Entry of a listing.
    Listed(Listed),
    /// Name that only this mount knows.
    Local(EntryName),
    /// Entry of an earlier listing, which has no name any more.
    Gone,
}

impl Item {
    fn name(&self) -> Option<&EntryName> {
        match self {
            Self::Listed(listed) => Some(seen(listed).0),
            Self::Local(name) => Some(name),
            Self::Gone => None,
        }
    }
}

impl DirState {
    /// Creates a listing that began at `began` and has fetched nothing yet. `local` has the names made
    /// through this mount.
    pub(super) fn new(stream: ListStream, began: Instant, local: HashSet<EntryName>) -> Self {
        Self {
            stream,
            began,
            entries: VecDeque::new(),
            first: 0,
            offered: 0,
            local,
            ended: false,
            order: None,
        }
    }

    /// Records the order of all entries from the first one on.
    pub(super) fn record(&mut self, order: ListingOrder) {
        self.order = Some(order);
        for (item, _) in &self.entries {
            number(&mut self.order, item);
        }
    }

    /// Returns the recorded order, and ends the recording.
    pub(super) fn take_order(&mut self) -> Option<ListingOrder> {
        self.order.take()
    }

    /// Fetches all entries, and gives those of an earlier listing the numbers that they had in it.
    pub(super) async fn arrange(
        &mut self,
        tree: &Tree,
        ino: Ino,
        order: &ListingOrder,
    ) -> Result<(), FsError> {
        while self.fill(tree, ino, self.end()).await? {}
        let began = self.began;
        let mut numbered: Vec<_> = (0..order.len()).map(|_| (Item::Gone, began)).collect();
        let mut new = Vec::new();
        for entry in self.entries.drain(..) {
            let number = entry.0.name().and_then(|name| order.number(name));
            match number.and_then(|number| numbered.get_mut(number)) {
                Some(place) => *place = entry,
                None => new.push(entry),
            }
        }
        self.entries = numbered.into_iter().chain(new).collect();
        Ok(())
    }

    fn push(&mut self, item: Item, asked: Instant) {
        number(&mut self.order, &item);
        self.entries.push_back((item, asked));
    }

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
                        self.push(Item::Listed(listed), asked);
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
        for name in std::mem::take(&mut self.local) {
            self.push(Item::Local(name), self.began);
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

/// Gives an entry the next number of an order. Ends an order that would have too many names.
fn number(order: &mut Option<ListingOrder>, item: &Item) {
    if let Some(name) = item.name() {
        *order = order.take().and_then(|order| order.with(name.clone()));
    }
}
