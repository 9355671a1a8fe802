//! Kernel's copy of a folder's listing: which handle uses it, and whether it is whole.
//!
//! The kernel appends the entries that a handle reads to its copy, at the position that the copy has
//! reached. A handle that reads the copy continues at the number of an entry. Two listings of the same
//! folder may number the entries differently. So one handle at a time uses the copy, each filling begins
//! with an empty copy, and only a whole copy is read. Other handles are answered by the mount.

use std::sync::Arc;
use std::time::Instant;

use crate::object::EntryName;
use crate::tree::listing_order::ListingOrder;

/// Use of the kernel's copy by a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingCache {
    /// Neither reads nor fills the copy, which stays.
    Aside,
    /// Drops the copy and fills it again.
    Fill,
    /// Reads the copy.
    Keep,
}

/// State of the kernel's copy of one folder. Handles are numbers that are never used again.
#[derive(Debug, Default)]
pub(super) struct KernelListing {
    user: Option<User>,
    copy: ListingCopy,
}

/// Handle that reads or fills the copy.
#[derive(Debug)]
struct User {
    handle: u64,
    /// Order of the entries that the handle may have read from the copy.
    order: Option<Arc<ListingOrder>>,
}

#[derive(Debug, Default)]
enum ListingCopy {
    /// No copy that may be read.
    #[default]
    None,
    /// Copy that was begun when it was empty, and that the user fills.
    Filling,
    /// Copy that the user fills, and that is not to be read.
    Spoiled,
    /// Whole copy of a listing that was requested at this time.
    Whole(Instant, Arc<ListingOrder>),
}

/// Role of a handle that reads a folder from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Its entries become the copy.
    Fills,
    /// Its entries are of no use for a copy.
    Passes,
}

impl KernelListing {
    /// Returns how a new handle uses the copy. It may read a listing from after `oldest`.
    pub(super) fn opened(&mut self, handle: u64, oldest: Option<Instant>) -> ListingCache {
        if self.user.is_some() {
            return ListingCache::Aside;
        }
        let (order, cache) = match &self.copy {
            ListingCopy::Whole(asked, order) if oldest.is_none_or(|oldest| *asked > oldest) => {
                (Some(Arc::clone(order)), ListingCache::Keep)
            }
            _ => {
                self.copy = ListingCopy::None;
                (None, ListingCache::Fill)
            }
        };
        self.user = Some(User { handle, order });
        cache
    }

    /// Records that the kernel reads the folder from its beginning through a handle. It has no copy
    /// then, or one that the same handle has begun.
    pub(super) fn began(&mut self, handle: u64) -> Beginning {
        if !self.is_user(handle) {
            return Beginning::Passes;
        }
        match self.copy {
            ListingCopy::None | ListingCopy::Whole(..) => {
                self.copy = ListingCopy::Filling;
                Beginning::Fills
            }
            // Entries of two listings may be in it.
            ListingCopy::Filling | ListingCopy::Spoiled => {
                self.copy = ListingCopy::Spoiled;
                Beginning::Passes
            }
        }
    }

    /// Records that a handle has read all entries of a listing that was requested at `asked`, in
    /// this order.
    pub(super) fn ended(&mut self, handle: u64, asked: Instant, order: ListingOrder) {
        if let Some(user) = self.user.as_mut().filter(|user| user.handle == handle)
            && matches!(self.copy, ListingCopy::Filling)
        {
            let order = Arc::new(order);
            user.order = Some(Arc::clone(&order));
            self.copy = ListingCopy::Whole(asked, order);
        }
    }

    /// Records that a handle was closed.
    pub(super) fn closed(&mut self, handle: u64) {
        if self.is_user(handle) {
            self.user = None;
            if !matches!(self.copy, ListingCopy::Whole(..)) {
                self.copy = ListingCopy::None;
            }
        }
    }

    /// Records that the folder has other names than the kernel may know.
    pub(super) fn outdated(&mut self) {
        self.copy = match self.copy {
            ListingCopy::None | ListingCopy::Whole(..) => ListingCopy::None,
            ListingCopy::Filling | ListingCopy::Spoiled => ListingCopy::Spoiled,
        };
    }

    /// Records that the folder has a name, which a whole copy may lack.
    pub(super) fn has(&mut self, name: &EntryName) {
        if let ListingCopy::Whole(_, order) = &self.copy
            && order.number(name).is_none()
        {
            self.copy = ListingCopy::None;
        }
    }

    /// Returns the order of the entries that a handle may have read from the copy.
    pub(super) fn order(&self, handle: u64) -> Option<Arc<ListingOrder>> {
        let user = self.user.as_ref().filter(|user| user.handle == handle)?;
        user.order.clone()
    }

    fn is_user(&self, handle: u64) -> bool {
        self.user.as_ref().is_some_and(|user| user.handle == handle)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tree::listing_order::OrderedNames;

    fn order() -> ListingOrder {
        ListingOrder::new(OrderedNames::default())
    }

    fn whole() -> KernelListing {
        let mut copy = KernelListing::default();
        copy.opened(0, None);
        copy.began(0);
        copy.ended(0, Instant::now(), order());
        copy.closed(0);
        copy
    }

    #[test]
    fn one_handle_fills_the_copy_and_later_ones_read_it_while_it_is_valid() {
        let (mut copy, now) = (KernelListing::default(), Instant::now());
        assert_eq!(copy.opened(1, None), ListingCache::Fill);
        assert_eq!(copy.opened(2, None), ListingCache::Aside);
        copy.began(1);
        copy.ended(1, now, order());
        copy.closed(1);
        let before = now.checked_sub(Duration::from_secs(1));
        assert_eq!(copy.opened(3, before), ListingCache::Keep);
        copy.closed(3);
        assert_eq!(copy.opened(4, Some(now)), ListingCache::Fill, "expired");
    }

    #[test]
    fn a_copy_that_was_not_filled_to_its_end_is_not_read() {
        let mut copy = KernelListing::default();
        copy.opened(1, None);
        copy.began(1);
        copy.closed(1);
        assert_eq!(copy.opened(2, None), ListingCache::Fill);
    }

    #[test]
    fn a_handle_aside_neither_fills_the_copy_nor_makes_it_younger() {
        let (mut copy, asked) = (whole(), Instant::now());
        assert_eq!(copy.opened(1, None), ListingCache::Keep);
        assert_eq!(copy.opened(2, None), ListingCache::Aside);
        assert_eq!(copy.began(2), Beginning::Passes);
        copy.ended(2, asked, order());
        copy.closed(2);
        copy.closed(1);
        assert_eq!(copy.opened(3, Some(asked)), ListingCache::Fill, "expired");
        assert_eq!(copy.opened(4, None), ListingCache::Aside);
        copy.began(3);
        copy.closed(3);
        copy.began(4);
        copy.ended(4, asked, order());
        assert_eq!(copy.opened(5, None), ListingCache::Fill, "partial");
    }

    #[test]
    fn a_copy_that_two_listings_fill_is_not_read() {
        let (mut copy, now) = (whole(), Instant::now());
        copy.opened(1, None);
        assert_eq!(copy.began(1), Beginning::Fills);
        assert_eq!(copy.began(1), Beginning::Passes);
        copy.ended(1, now, order());
        copy.closed(1);
        assert_eq!(copy.opened(3, None), ListingCache::Fill);
    }

    #[test]
    fn a_copy_that_the_kernel_has_dropped_is_filled_by_who_reads_first() {
        let (mut copy, now) = (whole(), Instant::now());
        assert_eq!(copy.opened(1, None), ListingCache::Keep);
        copy.began(1);
        assert_eq!(copy.opened(2, None), ListingCache::Aside);
        copy.ended(1, now, order());
        copy.closed(1);
        assert_eq!(copy.opened(3, None), ListingCache::Keep);
    }

    #[test]
    fn a_copy_with_other_names_is_not_read() {
        let name = EntryName::from_component("new").unwrap();
        let mut copy = whole();
        copy.has(&name);
        assert_eq!(copy.opened(1, None), ListingCache::Fill);
        copy.began(1);
        copy.outdated();
        copy.ended(1, Instant::now(), order());
        copy.closed(1);
        assert_eq!(copy.opened(2, None), ListingCache::Fill);
    }
}
