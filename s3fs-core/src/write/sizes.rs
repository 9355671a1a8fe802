//! How large parts may be and are.
//!
//! S3 takes at most 10,000 parts, each of 5 MiB to 5 GiB (the last may be smaller), and objects up
//! to 5 TiB. Parts of 8 MiB keep memory small but end at 78 GiB, so they grow on the way: nobody
//! knows in advance how large a file that is being written will be.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>

/// The first parts' size, and the largest object stored in a single PUT.
const FIRST_PART: u64 = 8 << 20;

/// S3's largest number of a part.
pub const MAX_PARTS: u16 = 10_000;

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

    /// S3's smallest part, 5 MiB; the last one may be smaller.
    pub fn min(self) -> u64 {
        self.first * 5 / 8
    }

    /// S3's largest part and the largest range copied in one request, 5 GiB.
    pub fn max(self) -> u64 {
        640 * self.first
    }

    /// The largest range copied as one part while there are few, 512 MiB: several are copied at once.
    pub fn copy(self) -> u64 {
        64 * self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MAX_COPY;

    #[test]
    fn the_largest_object_fits_into_the_parts() {
        let sizes = PartSizes::default();
        let all: u64 = (1..=MAX_PARTS).map(|n| sizes.part(n)).sum();
        assert!(all >= MAX_OBJECT, "{all}");
        assert!((1..=MAX_PARTS).all(|n| sizes.part(n) <= sizes.max()));
    }

    #[test]
    fn the_limits_are_those_of_s3() {
        let sizes = PartSizes::default();
        assert_eq!((sizes.min(), sizes.max()), (5 << 20, 5 << 30));
        assert_eq!(sizes.max(), MAX_COPY);
    }
}
