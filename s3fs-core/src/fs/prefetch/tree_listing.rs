//! Tree listing: lists the folders of a tree together while a program walks through it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;

use crate::fs::TTL;
use crate::fs::prefetch::Prefetch;
use crate::fs::prefetch::sibling_listing::just_before;
use crate::list::{Dated, Deep, Descent};
use crate::ordered::{LAST, Ordered};

/// Maximum number of tracked walks.
const WALKS: usize = 8;

/// Walks through trees, the latest last.
#[derive(Debug, Default)]
pub(super) struct TreeListings(Ordered<Vec<Walk>, LAST>);

/// Walk and its listing, once there is one.
#[derive(Debug)]
struct Walk {
    descent: Descent,
    listing: Arc<Mutex<Option<Deep>>>,
}

impl TreeListings {
    /// Records that a folder is about to be listed. If that is part of a walk, returns the prefix
    /// of the walk's first folder, and its listing.
    fn note(&self, prefix: &str) -> Option<(String, Arc<Mutex<Option<Deep>>>)> {
        let now = Instant::now();
        let mut walks = self.0.lock();
        let Some(at) = walks.iter().rposition(|w| w.descent.includes(prefix, now)) else {
            if walks.len() >= WALKS {
                walks.remove(0);
            }
            walks.push(Walk {
                descent: Descent::new(prefix.to_owned(), now),
                listing: Arc::default(),
            });
            return None;
        };
        let mut walk = walks.remove(at);
        let is_walk = walk.descent.step(prefix, now);
        let found = (walk.descent.root().to_owned(), Arc::clone(&walk.listing));
        walks.push(walk);
        is_walk.then_some(found)
    }

    /// Restarts a walk whose listing was of no use for a folder.
    fn start_again(&self, listing: &Arc<Mutex<Option<Deep>>>) {
        let mut walks = self.0.lock();
        let walk = walks.iter_mut().find(|w| Arc::ptr_eq(&w.listing, listing));
        if let Some(walk) = walk {
            walk.descent.start_again();
        }
    }

    /// Drops all walks, since their pages lack an entry that was made here.
    pub(in crate::fs) fn outdate(&self) {
        let mut walks = self.0.lock();
        walks.clear();
    }
}

impl Prefetch {
    /// Drops listings that lack an entry which was made here.
    pub(in crate::fs) fn outdate(&self) {
        self.tree_listings.outdate();
    }

    /// Returns the page of a folder from the listing of a whole tree, if a program walks through one.
    ///
    /// Returns `None` for a folder without keys. Another listing showed the program that the folder
    /// has some, so it is listed by itself before another answer is given.
    pub(in crate::fs) async fn listed_together(&self, prefix: &str) -> Option<Dated> {
        if !self.core.store.capabilities().has_order() {
            return None;
        }
        let (root, listing) = self.tree_listings.note(prefix)?;
        let mut deep = listing.lock().await;
        let store = Arc::clone(&self.core.store);
        let deep_listing = deep.get_or_insert_with(|| Deep::new(store, root, just_before(prefix)));
        let page = deep_listing.folder(prefix, TTL).await;
        if page.is_none() {
            *deep = None;
            self.tree_listings.start_again(&listing);
        }
        page.filter(|(page, _)| page.last().is_some())
    }
}
