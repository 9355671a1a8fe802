//! Histogram of the ends of attempts over time, in bins that widen so that there are never many.

use serde::{Deserialize, Serialize};

use super::tally::{Ending, Tally};

/// Maximum number of bins: more than fit side by side on a page, so that widening them is not seen.
const MOST: usize = 600;

/// Initial width of a bin in seconds, so that a call of a few milliseconds has a shape, too.
const NARROWEST: f64 = 1.0 / 1024.0;

/// Counts over time: bin `i` has the attempts that ended in `width * i .. width * (i + 1)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bins {
    width: f64,
    counts: Vec<Tally>,
}

impl Default for Bins {
    fn default() -> Self {
        Self {
            width: NARROWEST,
            counts: Vec::new(),
        }
    }
}

impl Bins {
    /// Counts an attempt that ended at this time, in seconds after the beginning.
    pub(crate) fn count(&mut self, at: f64, ending: Ending) {
        let index = loop {
            let index = self.index(at);
            if index < MOST {
                break index;
            }
            self.widen();
        };
        if index >= self.counts.len() {
            self.counts.resize(index + 1, Tally::default());
        }
        self.counts[index].count(ending);
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and a bin's number is whole"
    )]
    fn index(&self, at: f64) -> usize {
        (at / self.width) as usize
    }

    fn widen(&mut self) {
        let pairs = self.counts.chunks(2);
        let merged = pairs.map(|pair| pair.iter().copied().fold(Tally::default(), Tally::plus));
        self.counts = merged.collect();
        self.width *= 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(bins: &Bins) -> u64 {
        bins.counts.iter().map(|bin| bin.done).sum()
    }

    #[test]
    fn what_ends_in_the_same_bin_is_counted_there() {
        let mut bins = Bins::default();
        for ending in [Ending::Done, Ending::Done, Ending::Failed] {
            bins.count(NARROWEST * 2.5, ending);
        }
        bins.count(0.0, Ending::Retried);
        let expected = [
            Tally {
                retried: 1,
                ..Tally::default()
            },
            Tally::default(),
            Tally {
                done: 2,
                failed: 1,
                ..Tally::default()
            },
        ];
        assert_eq!(bins.counts, expected);
    }

    #[test]
    fn bins_widen_and_lose_nothing() {
        let mut bins = Bins::default();
        for number in 0..MOST {
            let at = NARROWEST * f64::from(u32::try_from(number).unwrap());
            bins.count(at, Ending::Done);
        }
        assert_eq!(
            (bins.counts.len(), bins.width.to_bits()),
            (MOST, NARROWEST.to_bits())
        );
        let just_behind = 600.0 * NARROWEST;
        bins.count(just_behind, Ending::Done);
        assert_eq!(bins.width.to_bits(), (NARROWEST * 2.0).to_bits());
        assert_eq!(bins.counts.len(), MOST / 2 + 1);
        assert!(bins.counts[..300].iter().all(|bin| bin.done == 2));
        assert_eq!(bins.counts[300].done, 1);
    }

    #[test]
    fn a_year_has_as_many_bins_as_a_second() {
        let mut bins = Bins::default();
        for day in 0..366 {
            bins.count(f64::from(day) * 86400.0, Ending::Done);
            assert!(bins.counts.len() <= MOST);
        }
        assert_eq!(counted(&bins), 366);
        assert!(bins.counts.len() > MOST / 2);
    }
}
