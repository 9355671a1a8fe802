//! Ranges of a file that the kernel has received and probably still holds in its page cache.

use std::collections::BTreeMap;

use crate::object::ByteRange;

/// Maximum number of separate ranges. Beyond it, ranges that touch none of them are not recorded,
/// so that bytes may be fetched twice but memory is bounded.
const RANGES: usize = 1024;

/// Set of bytes that the kernel has received.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// End offset of each range by its start. No two ranges touch.
    ranges: BTreeMap<u64, u64>,
}

impl Coverage {
    /// Records a request of the kernel. A request for a byte that it had already means that it has
    /// dropped pages: nothing is known any more of what it holds.
    pub fn request(&mut self, range: ByteRange) {
        if self.first_in(range).is_some() {
            self.ranges.clear();
        }
        self.add(range);
    }

    /// Adds bytes that the kernel receives without a request.
    pub fn add(&mut self, range: ByteRange) {
        let (mut start, mut end) = (range.start(), range.end());
        if let Some((&before, &until)) = self.ranges.range(..=start).next_back()
            && until >= start
        {
            start = before;
            end = end.max(until);
        }
        while let Some((&next, &until)) = self.ranges.range(start..=end).next() {
            self.ranges.remove(&next);
            end = end.max(until);
        }
        if self.ranges.len() < RANGES {
            self.ranges.insert(start, end);
        }
    }

    /// Adds all bytes of another set.
    pub fn add_all(&mut self, other: &Self) {
        let ranges = other.ranges.iter();
        let ranges = ranges.filter_map(|(&start, &end)| ByteRange::new(start, end));
        ranges.for_each(|range| self.add(range));
    }

    /// Returns the first covered bytes of a range.
    pub fn first_in(&self, range: ByteRange) -> Option<ByteRange> {
        let before = self.ranges.range(..=range.start()).next_back();
        let reaches = before.filter(|&(_, &end)| end > range.start());
        let after = || self.ranges.range(range.start()..range.end()).next();
        let (&start, &end) = reaches.or_else(after)?;
        ByteRange::new(start.max(range.start()), end.min(range.end()))
    }

    /// Returns the offset of the first byte of a range that is not covered.
    pub fn first_missing(&self, range: ByteRange) -> Option<u64> {
        let start = match self.first_in(range) {
            Some(first) if first.start() == range.start() => first.end(),
            _ => range.start(),
        };
        range.contains(start).then_some(start)
    }

    /// Returns the beginning of a range up to the first covered byte; `None` if that is its first.
    pub fn missing(&self, range: ByteRange) -> Option<ByteRange> {
        let end = self.first_in(range).map_or(range.end(), ByteRange::start);
        ByteRange::new(range.start(), end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange::new(start, end).unwrap()
    }

    #[test]
    fn a_second_request_for_a_byte_forgets_all_others() {
        let mut coverage = Coverage::default();
        coverage.request(range(0, 10));
        coverage.request(range(20, 30));
        coverage.add(range(25, 40));
        assert_eq!(coverage.first_in(range(5, 100)), Some(range(5, 10)));
        coverage.request(range(39, 50));
        assert_eq!(coverage.first_in(range(0, 100)), Some(range(39, 50)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut coverage = Coverage::default();
        for n in 0..10 * RANGES as u64 {
            coverage.request(range(2 * n, 2 * n + 1));
        }
        assert_eq!(coverage.ranges.len(), RANGES);
    }

    proptest! {
        #[test]
        fn it_is_the_set_of_the_added_bytes(added in prop::collection::vec((0..200_u64, 1..40_u64), 0..30)) {
            let mut coverage = Coverage::default();
            let mut bytes = vec![false; 300];
            for (start, length) in added {
                coverage.add(range(start, start + length));
                bytes[start as usize..(start + length) as usize].fill(true);
            }
            for start in 0..299_u64 {
                let missing = coverage.missing(range(start, 300)).map_or(0, ByteRange::length);
                let expected = bytes[start as usize..].iter().take_while(|is_held| !**is_held);
                prop_assert_eq!(missing, expected.count() as u64);
                let first = (start..300).find(|&at| !bytes[at as usize]);
                prop_assert_eq!(coverage.first_missing(range(start, 300)), first);
            }
            let ends: Vec<_> = coverage.ranges.iter().collect();
            prop_assert!(ends.windows(2).all(|two| two[0].1 < two[1].0));
        }
    }
}
