//! Samples of the requests and bytes of the buckets over time, thinned when there are many.

use s3fs_core::{Pending, Usage};
use serde::{Deserialize, Serialize};

/// Maximum number of samples: more than fit side by side on a page.
const MOST: usize = 1200;

/// State at one point in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Seconds since the beginning.
    pub(crate) at: f64,
    /// Requests and bytes until then.
    pub(crate) usage: Usage,
    /// Files and bytes that were not stored then.
    pub(crate) pending: Pending,
}

/// Minimum distance of samples in seconds: closer samples of several sandboxes would show
/// arbitrarily high rates.
const NEAREST: f64 = 0.4;

/// Samples with a minimum distance, and the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Samples {
    kept: Vec<Sample>,
    /// Last sample, which is not among `kept` if it is too near.
    last: Option<Sample>,
    /// Minimum distance of the samples kept, in seconds.
    distance: f64,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            last: None,
            distance: NEAREST,
        }
    }
}

impl Samples {
    /// Adds a sample, later than all others.
    pub(crate) fn add(&mut self, sample: Sample) {
        self.last = Some(sample);
        let before = self.kept.last().map(|before| before.at);
        if before.is_none_or(|before| sample.at - before >= self.distance) {
            self.kept.push(sample);
        }
        while self.kept.len() > MOST {
            self.thin();
        }
    }

    /// Returns the total of requests and bytes, if it was ever measured.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.last.map(|sample| sample.usage)
    }

    fn thin(&mut self) {
        self.distance *= 2.0;
        let mut before = f64::NEG_INFINITY;
        self.kept.retain(|sample| {
            let is_far = sample.at - before >= self.distance;
            if is_far {
                before = sample.at;
            }
            is_far
        });
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
    fn those_of_sandboxes_beside_each_other_are_one() {
        let mut samples = Samples::default();
        for number in 0..10 {
            let at = f64::from(number);
            samples.add(sample(number));
            samples.add(Sample {
                at: at + 0.01,
                ..sample(100 + number)
            });
        }
        assert_eq!(samples.kept.len(), 10);
        assert_eq!(samples.usage().unwrap().gets, 109);
    }

    #[test]
    fn many_are_thinned_evenly_and_the_last_is_kept() {
        let mut samples = Samples::default();
        for number in 0..1_000_000 {
            samples.add(sample(number));
            assert!(samples.kept.len() <= MOST);
        }
        let distances = samples.kept.windows(2).map(|pair| pair[1].at - pair[0].at);
        let distances: Vec<_> = distances.collect();
        let longest = distances.iter().copied().fold(0.0, f64::max);
        assert!(
            distances.iter().all(|one| one * 2.0 >= longest),
            "{distances:?}"
        );
        assert_eq!(samples.usage().unwrap().gets, 999_999);
        assert!(samples.kept.len() > MOST / 3);
    }
}
