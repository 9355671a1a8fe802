//! Bytes that a program wrote to a mapped file, and that were refused when the kernel wrote them
//! back.
//!
//! The kernel writes them back once and drops them, and no program learns that they were refused. A
//! file that lacks some of them has content that nobody wrote. It is not stored until they are
//! written again or cut off.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::write::error::WriteError;

/// Ranges that a file lacks, and the error of the latest.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// End offsets by start offset; ranges neither overlap nor touch.
    ranges: BTreeMap<u64, u64>,
    cause: Option<Box<WriteError>>,
}

impl Missed {
    /// Returns the ranges, in order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.ranges.iter().map(|(start, end)| *start..*end)
    }

    /// Adds a range that was refused.
    pub(super) fn add(&mut self, range: Range<u64>, cause: WriteError) {
        if range.is_empty() {
            return;
        }
        self.cause = Some(Box::new(cause));
        let mut range = range;
        let touching = self.ranges.range(..=range.end);
        let touching: Vec<_> = touching
            .filter(|(_, end)| **end >= range.start)
            .map(|(start, end)| *start..*end)
            .collect();
        for other in touching {
            self.ranges.remove(&other.start);
            range = range.start.min(other.start)..range.end.max(other.end);
        }
        self.ranges.insert(range.start, range.end);
    }

    /// Removes a range that was written since.
    pub(super) fn written(&mut self, range: &Range<u64>) {
        if self.ranges.is_empty() || range.is_empty() {
            return;
        }
        let overlapping = self.ranges.range(..range.end);
        let overlapping: Vec<_> = overlapping
            .filter(|(_, end)| **end > range.start)
            .map(|(start, end)| *start..*end)
            .collect();
        for other in overlapping {
            self.ranges.remove(&other.start);
            if other.start < range.start {
                self.ranges.insert(other.start, range.start);
            }
            if other.end > range.end {
                self.ranges.insert(range.end, other.end);
            }
        }
    }

    /// Checks that no bytes of a range are missing.
    ///
    /// # Errors
    /// Fails with [`WriteError::Missed`] if some are.
    pub(super) fn check(&self, range: &Range<u64>) -> Result<(), WriteError> {
        let mut missing = self.ranges.range(..range.end);
        match (missing.next_back(), &self.cause) {
            (Some((start, end)), Some(cause)) if *end > range.start => Err(WriteError::Missed {
                range: *start..*end,
                cause: cause.clone(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_needs_missing_bytes_is_told_why_they_are_missing() {
        let mut missed = Missed::default();
        missed.add(10..20, WriteError::NoSpace);
        missed.check(&(0..10)).unwrap();
        missed.check(&(20..30)).unwrap();
        let error = missed.check(&(19..30)).unwrap_err();
        assert!(error.to_string().contains("bytes 10 to 20"), "{error}");
        assert!(error.to_string().contains("no space is left"), "{error}");
    }

    proptest! {
        #[test]
        fn the_ranges_are_the_bytes_that_were_refused_and_not_written_since(
            steps in proptest::collection::vec((any::<bool>(), 0..40u64, 0..12u64), 0..30),
        ) {
            let mut missed = Missed::default();
            let mut model = [false; 64];
            for (is_refused, start, length) in steps {
                let range = start..start + length;
                model[range.start as usize..range.end as usize].fill(is_refused);
                if is_refused {
                    missed.add(range, WriteError::NoSpace);
                } else {
                    missed.written(&range);
                }
                let mut found = [false; 64];
                let mut before = None;
                for range in missed.ranges() {
                    prop_assert!(before < Some(range.start), "{:?}", missed);
                    before = Some(range.end);
                    found[range.start as usize..range.end as usize].fill(true);
                }
                prop_assert_eq!(found, model);
                for at in 0..63 {
                    let is_missing = missed.check(&(at..at + 1)).is_err();
                    prop_assert_eq!(is_missing, model[at as usize]);
                }
            }
        }
    }
}
