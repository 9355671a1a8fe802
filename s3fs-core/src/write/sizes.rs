//! Sizes of the parts of an upload.
//!
//! S3 takes at most 10,000 parts, each of 5 MiB to 5 GiB (the last may be smaller), and objects up
//! to 5 TiB. Parts of 8 MiB need little memory but end at 78 GiB, so later parts are larger: the
//! final size of a file is unknown while it is being written.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>

/// Size of the first parts, in bytes, and of the largest object stored in a single PUT.
const FIRST_PART: u64 = 8 << 20;

/// Largest part number that S3 takes.
pub const MAX_PARTS: u16 = 10_000;

/// Number of parts that every server takes.
const FEW_PARTS: usize = 1000;

/// Number of parts with the first one's size, where the server takes few parts.
const FIRST_PARTS: u16 = 100;

/// Number of parts after which the size doubles, where the server takes few parts. 1,000 parts are
/// 2.6 TiB, and a part is about a seventieth of what was sent before it.
const DOUBLING: u16 = 50;

/// Size of S3's largest object, in bytes.
pub const MAX_OBJECT: u64 = 5 << 40;

/// Limit on the number of parts of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartLimit {
    /// Limit of S3: 10,000 parts.
    TenThousand,
    /// Limit of servers that take fewer, or whose limit is unknown: 1,000 parts.
    Thousand,
}

/// Sizes of parts, all derived from the size of the first.
#[derive(Clone, Copy, Debug)]
pub struct PartSizes {
    first: u64,
    limit: PartLimit,
}

impl Default for PartSizes {
    fn default() -> Self {
        Self {
            first: FIRST_PART,
            limit: PartLimit::TenThousand,
        }
    }
}

impl PartSizes {
    /// Creates sizes whose first parts are too small for S3.
    #[cfg(test)]
    pub fn with_first(first: u64) -> Self {
        Self {
            first,
            ..Self::default()
        }
    }

    /// Returns the size of the first parts, in bytes: also the largest object stored in a single
    /// PUT.
    pub fn first(self) -> u64 {
        self.first
    }

    /// Returns the same sizes with another limit on the number of parts.
    pub fn with_limit(self, limit: PartLimit) -> Self {
        Self { limit, ..self }
    }

    /// Returns whether all parts of a new file but the last must have one size, as on servers that
    /// are not Amazon's some have to.
    pub fn wants_even_parts(self) -> bool {
        self.limit == PartLimit::Thousand
    }

    /// Returns the target for the number of parts of a file; a plan may exceed it if need be.
    pub fn most(self) -> usize {
        match self.limit {
            PartLimit::TenThousand => usize::from(MAX_PARTS),
            PartLimit::Thousand => FEW_PARTS,
        }
    }

    /// Returns the size, in bytes, of the part with this number; the first is 1.
    pub fn part(self, number: u16) -> u64 {
        if self.limit == PartLimit::Thousand {
            let doubled = u32::from(number.saturating_sub(FIRST_PARTS).div_ceil(DOUBLING));
            return (self.first << doubled.min(12)).min(self.max());
        }
        match number {
            ..=2000 => self.first,
            2001..=4000 => 4 * self.first,
            4001..=6000 => 16 * self.first,
            _ => 160 * self.first,
        }
    }

    /// Returns the size of S3's smallest part, 5 MiB; the last one may be smaller.
    pub fn min(self) -> u64 {
        self.first * 5 / 8
    }

    /// Returns the size of S3's largest part and of the largest range copied in one request, 5 GiB.
    pub fn max(self) -> u64 {
        640 * self.first
    }

    /// Returns the largest range copied as one part while there are few, 512 MiB, so that several
    /// copies run at once.
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
    fn a_thousand_parts_are_terabytes() {
        let sizes = PartSizes::default().with_limit(PartLimit::Thousand);
        let of = |numbers: std::ops::RangeInclusive<u16>| -> u64 {
            numbers.map(|n| sizes.part(n)).sum()
        };
        assert!(of(1..=1000) >= 5 << 39, "{}", of(1..=1000));
        assert!(of(1..=MAX_PARTS) >= MAX_OBJECT);
        assert!((1..=MAX_PARTS).all(|n| sizes.part(n) <= sizes.max()));
        assert_eq!(sizes.part(100), sizes.first());
        assert!((101..=1000).all(|n| sizes.part(n) <= of(1..=n - 1) / 50));
    }

    #[test]
    fn the_limits_are_those_of_s3() {
        let sizes = PartSizes::default();
        assert_eq!((sizes.min(), sizes.max()), (5 << 20, 5 << 30));
        assert_eq!(sizes.max(), MAX_COPY);
    }
}
