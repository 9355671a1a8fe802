//! Kernel's copy of a folder's listing: which handle fills it, and whether it is whole.
//!
//! The kernel appends the entries that a handle reads to its copy, at the position that the copy has
//! reached. Two handles that list the same folder in different orders would therefore mix. So one
//! handle at a time may fill a copy, each filling begins with an empty copy, and only a whole copy is
//! read.

use std::time::Instant;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KernelListing {
    /// No copy that may be read.
    #[default]
    None,
    /// Copy that this handle fills.
    Filling(u64),
    /// Whole copy of a listing that was requested at this time.
    Whole(Instant),
}

impl KernelListing {
    /// Returns how a new handle uses the copy. It may read a listing from after `oldest`.
    pub(super) fn opened(&mut self, handle: u64, oldest: Option<Instant>) -> ListingCache {
        match *self {
            Self::Filling(_) => ListingCache::Aside,
            Self::Whole(asked) if oldest.is_none_or(|oldest| asked > oldest) => ListingCache::Keep,
            Self::None | Self::Whole(_) => {
                *self = Self::Filling(handle);
                ListingCache::Fill
            }
        }
    }

    /// Records that the kernel reads the folder from its beginning through a handle that was opened
    /// to read or fill the copy: it has none.
    pub(super) fn began(&mut self, handle: u64) {
        *self = match *self {
            Self::Whole(_) | Self::None => Self::Filling(handle),
            Self::Filling(filler) if filler == handle => Self::Filling(handle),
            // Two handles fill it: what comes of it is not to be read.
            Self::Filling(_) => Self::None,
        };
    }

    /// Records that a handle has read all entries of a listing that was requested at `asked`.
    pub(super) fn ended(&mut self, handle: u64, asked: Instant) {
        if *self == Self::Filling(handle) {
            *self = Self::Whole(asked);
        }
    }

    /// Records that a handle was closed.
    pub(super) fn closed(&mut self, handle: u64) {
        if *self == Self::Filling(handle) {
            *self = Self::None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_handle_fills_the_copy_and_later_ones_read_it_while_it_is_valid() {
        let (mut copy, now) = (KernelListing::default(), Instant::now());
        assert_eq!(copy.opened(1, None), ListingCache::Fill);
        assert_eq!(copy.opened(2, None), ListingCache::Aside);
        copy.began(1);
        copy.ended(1, now);
        copy.closed(1);
        let before = now.checked_sub(Duration::from_secs(1));
        assert_eq!(copy.opened(3, before), ListingCache::Keep);
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
    fn a_copy_that_two_handles_fill_is_not_read() {
        let (mut copy, now) = (KernelListing::Whole(Instant::now()), Instant::now());
        copy.began(1);
        copy.began(2);
        copy.ended(1, now);
        copy.ended(2, now);
        assert_eq!(copy.opened(3, None), ListingCache::Fill);
    }

    #[test]
    fn a_copy_that_the_kernel_has_dropped_is_filled_by_who_reads_first() {
        let (mut copy, now) = (KernelListing::Whole(Instant::now()), Instant::now());
        assert_eq!(copy.opened(1, None), ListingCache::Keep);
        copy.began(1);
        assert_eq!(copy.opened(2, None), ListingCache::Aside);
        copy.ended(1, now);
        assert_eq!(copy.opened(3, None), ListingCache::Keep);
    }
}
