//! What was asked of the buckets up to points in time, of which every other one goes when there are many.

use s3fs_core::{Pending, Usage};
use serde::{Deserialize, Serialize};

/// More than a page has room for side by side.
const MOST: usize = 1200;

/// The state at one point in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Seconds since the beginning.
    pub(crate) at: f64,
    /// All that was asked until then.
    pub(crate) usage: Usage,
    /// What was pending then.
    pub(crate) pending: Pending,
}

/// Samples at even distances, and the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Samples {
    kept: Vec<Sample>,
    /// Not among `kept`, if it isn't its turn.
    last: Option<Sample>,
    /// One in so many is kept.
    stride: u64,
    seen: u64,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            last: None,
            stride: 1,
            seen: 0,
        }
    }
}

impl Samples {
    /// One more, later than all others.
    pub(crate) fn add(&mut self, sample: Sample) {
        self.last = Some(sample);
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(sample);
        }
        self.seen += 1;
        if self.kept.len() > MOST {
            self.thin();
        }
    }

    /// What was asked in all, if it was ever measured.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.last.map(|sample| sample.usage)
    }

    fn thin(&mut self) {
        let mut is_kept = false;
        self.kept.retain(|_| {
            is_kept = !is_kept;
            is_kept
        });
        self.stride *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(number: u32) -> Sample {
        let gets = number.into();
        Sample {
            at: number.into(),
            usage: Usage {
                gets,
                ..Usage::default()
            },
            pending: Pending::default(),
        }
    }

    #[test]
    fn all_of_a_few_are_kept() {
        let mut samples = Samples::default();
        assert_eq!(samples.usage(), None);
        for number in 0..1200 {
            samples.add(sample(number));
        }
        assert_eq!(samples.kept.len(), MOST);
        assert_eq!(samples.kept[7], sample(7));
    }

    #[test]
    fn many_are_thinned_evenly_and_the_last_is_kept() {
        let mut samples = Samples::default();
        for number in 0..1_000_000 {
            samples.add(sample(number));
            assert!(samples.kept.len() <= MOST);
        }
        let distances = samples.kept.windows(2).map(|pair| pair[1].at - pair[0].at);
        let mut distances: Vec<_> = distances.map(f64::to_bits).collect();
        distances.dedup();
        assert_eq!(distances, [1024_f64.to_bits()]);
        assert_eq!(samples.usage().unwrap().gets, 999_999);
        assert!(samples.kept.len() > MOST / 2);
    }
}
