//! Answers of the store that outlast a second: what of them the kernel and listings may use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::object::EntryName;
use crate::tree::kernel_listing::Beginning;
use crate::tree::{Cached, Ino, ListingCache, ListingOrder, Tree};

impl Tree {
    /// Returns the cached state of a name, if the answers that it is based on are younger than `age`.
    pub fn cached_within(&self, dir: Ino, name: &EntryName, age: Duration) -> Cached {
        self.lock().cached(dir, name, self.ttl, age)
    }

    /// Returns whether the store need not be asked about the version of a file now.
    pub fn is_fresh(&self, ino: Ino) -> bool {
        let state = self.lock();
        let inode = state.inodes.get(&ino);
        inode.is_some_and(|inode| inode.named && inode.valid_until > Instant::now())
    }

    /// Makes the next use of an entry ask the store, which has shown that it is outdated. Returns its
    /// folder and name, or the last ones: the kernel may still know it by them.
    pub fn distrust(&self, ino: Ino) -> Option<(Ino, EntryName)> {
        let mut state = self.lock();
        let inode = state.inodes.get_mut(&ino)?;
        inode.valid_until = Instant::now();
        let place = (inode.parent, inode.name.clone()?);
        state.coverage.forget(place.0);
        state.listing_outdated(place.0);
        Some(place)
    }

    /// Returns the time for which a name without an entry need not be asked for; none if it has an
    /// entry or must be asked for.
    pub fn absent_for(&self, dir: Ino, name: &EntryName) -> Option<Duration> {
        let state = self.lock();
        if state.named(dir, name).is_some() || state.removed.is_unfinished(dir, name) {
            return None;
        }
        let since = state.coverage.absent_since(dir, name)?;
        (since + self.ttl).checked_duration_since(Instant::now())
    }

    /// Returns all names of a folder, and the time of the request that showed them, if no request is
    /// needed to know them. An entry that an older answer has shown is not among them: the kernel may
    /// still refer to it, but the listing has not returned it.
    pub fn whole(&self, dir: Ino) -> Option<(Vec<EntryName>, Instant)> {
        let state = self.lock();
        let since = state.coverage.whole_since(dir)?;
        let valid_until = since + self.ttl;
        if valid_until <= Instant::now() {
            return None;
        }
        let is_there = |ino: &Ino| {
            let inode = state.inodes.get(ino);
            inode.is_some_and(|inode| {
                let is_seen = inode.valid_until >= valid_until;
                is_seen || inode.outdates(since) || state.is_local(*ino, inode)
            })
        };
        let names = state.names.get(&dir).into_iter().flatten();
        let names = names.filter(|(_, ino)| is_there(ino));
        Some((names.map(|(name, _)| name.clone()).collect(), since))
    }

    /// Returns how a handle that opens a folder uses the kernel's copy of its listing.
    pub fn open_listing(&self, dir: Ino, handle: u64) -> ListingCache {
        let mut state = self.lock();
        if state.local.contains_key(&dir) {
            // A listing has local names at its end, and has them elsewhere once they are stored.
            return ListingCache::Aside;
        }
        let oldest = Instant::now().checked_sub(self.ttl);
        let inode = state.inodes.get_mut(&dir);
        inode.map_or(ListingCache::Aside, |inode| {
            inode.kernel_listing.opened(handle, oldest)
        })
    }

    /// Records that the kernel reads a folder from its beginning through a handle. Returns the order
    /// of its entries, to be completed, if they become the kernel's copy.
    pub fn listing_began(&self, dir: Ino, handle: u64) -> Option<ListingOrder> {
        let mut state = self.lock();
        let all = state.ordered_names.clone();
        match state.inodes.get_mut(&dir)?.kernel_listing.began(handle) {
            Beginning::Fills => Some(ListingOrder::new(all)),
            Beginning::Passes => None,
        }
    }

    /// Records that a handle has read all entries of a listing that was requested at `asked`, in this
    /// order.
    pub fn listing_ended(&self, dir: Ino, handle: u64, asked: Instant, order: ListingOrder) {
        if let Some(inode) = self.lock().inodes.get_mut(&dir) {
            inode.kernel_listing.ended(handle, asked, order);
        }
    }

    /// Returns the order of the entries that a handle may have read from the kernel's copy.
    pub fn listing_order(&self, dir: Ino, handle: u64) -> Option<Arc<ListingOrder>> {
        let state = self.lock();
        state.inodes.get(&dir)?.kernel_listing.order(handle)
    }

    /// Records that a handle of a folder was closed.
    pub fn listing_closed(&self, dir: Ino, handle: u64) {
        if let Some(inode) = self.lock().inodes.get_mut(&dir) {
            inode.kernel_listing.closed(handle);
        }
    }
}
