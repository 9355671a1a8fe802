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

/// Number of parts that every server takes.
const FEW_PARTS: usize = 1000;

/// Where parts are few, so many have the first one's size.
const FIRST_PARTS: u16 = 100;

/// Where parts are few, they double in size after each of these numbers of them: 1,000 are 2.6 TiB, and a
/// part is about a seventieth of what was sent before it.
const DOUBLING: u16 = 50;

/// S3's largest object.
pub const MAX_OBJECT: u64 = 5 << 40;

/// Number of parts that an upload may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartLimit {
    /// S3's.
    TenThousand,
    /// That of servers which take fewer, or that are not known.
    Thousand,
}

/// How large parts are, all from the size of the first.
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
    /// With first parts of so few bytes that S3 would not take them.
    #[cfg(test)]
    pub fn with_first(first: u64) -> Self {
        Self {
            first,
            ..Self::default()
        }
    }

    /// The first parts' size, and the largest object stored in a single PUT.
    pub fn first(self) -> u64 {
        self.first
    }

    /// The same where an upload may have so many parts.
    pub fn with_limit(self, limit: PartLimit) -> Self {
        Self { limit, ..self }
    }

    /// The number of parts that a file is cut into at most, if it can be.
    pub fn most(self) -> usize {
        match self.limit {
            PartLimit::TenThousand => usize::from(MAX_PARTS),
            PartLimit::Thousand => FEW_PARTS,
        }
    }

    /// The size of the part with this number, the first being 1.
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
