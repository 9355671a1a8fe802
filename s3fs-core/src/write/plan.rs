//! Sizes of parts, decided from their numbers alone.
//!
//! S3 takes at most 10,000 parts, each of 5 MiB to 5 GiB (the last may be smaller), and objects up
//! to 5 TiB. Parts of 8 MiB keep memory small but end at 78 GiB, so they grow on the way: nobody
//! knows in advance how large a file that is being written will be.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>

use crate::object::ByteRange;

/// The first parts' size, and the largest object stored in a single PUT.
pub const FIRST_PART: u64 = 8 << 20;

/// S3's largest number of a part.
pub const MAX_PARTS: u16 = 10_000;

/// S3's largest part, also of a copied one.
const MAX_PART: u64 = 5 << 30;

/// S3's largest object.
pub const MAX_OBJECT: u64 = 5 << 40;

/// How large parts are, all from the size of the first.
#[derive(Clone, Copy, Debug)]
pub struct PartSizes {
    first: u64,
}

impl Default for PartSizes {
    fn default() -> Self {
        Self { first: FIRST_PART }
    }
}

impl PartSizes {
    /// With first parts of so few bytes that S3 would not take them.
    #[cfg(test)]
    pub fn with_first(first: u64) -> Self {
        Self { first }
    }

    /// The first parts' size, and the largest object stored in a single PUT.
    pub fn first(self) -> u64 {
        self.first
    }

    /// The size of the part with this number, the first being 1.
    pub fn part(self, number: u16) -> u64 {
        match number {
            ..=2000 => self.first,
            2001..=4000 => 4 * self.first,
            4001..=6000 => 16 * self.first,
            _ => 160 * self.first,
        }
    }
}

/// How to copy the first `length` bytes of an object into parts of another: as few as may be,
/// each of at least 5 MiB.
///
/// `length` must be at least 5 MiB itself.
pub fn copy_ranges(length: u64) -> Vec<ByteRange> {
    let count = length.div_ceil(MAX_PART);
    let each = length.div_ceil(count.max(1));
    (0..count)
        .filter_map(|i| ByteRange::new(i * each, ((i + 1) * each).min(length)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_object_fits_into_the_parts() {
        let sizes = PartSizes::default();
        let all: u64 = (1..=MAX_PARTS).map(|n| sizes.part(n)).sum();
        assert!(all >= MAX_OBJECT, "{all}");
        assert!((1..=MAX_PARTS).all(|n| sizes.part(n) <= MAX_PART));
    }

    #[test]
    fn copies_cover_everything_in_legal_parts() {
        for length in [
            5 << 20,
            MAX_PART,
            MAX_PART + 1,
            10 << 30,
            (10 << 30) + 12_345,
        ] {
            let ranges = copy_ranges(length);
            let mut end = 0;
            for range in &ranges {
                assert_eq!(range.start(), end);
                assert!(
                    range.length() <= MAX_PART && range.length() >= 5 << 20,
                    "{length}"
                );
                end = range.end();
            }
            assert_eq!(end, length);
        }
    }
}
