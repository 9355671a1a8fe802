//! Quantiles of recent durations, in constant memory. No I/O.
//!
//! Durations are counted in buckets whose widths are an eighth of their lower bounds. The counts of
//! the last 1,024 durations replace those of the 1,024 before, so that old ones are forgotten.

use std::time::Duration;

/// Buckets in each doubling of the duration, as a power of two.
const STEP_BITS: u32 = 3;

/// Buckets in each doubling of the duration.
const STEPS: usize = 1 << STEP_BITS;

/// Longest duration that has a bucket of its own, in microseconds: 18 minutes.
const LONGEST: u128 = (1 << 30) - 1;

/// Number of buckets.
const BUCKETS: usize = STEPS * 28;

/// Durations of one period.
const PERIOD: u16 = 1024;

/// Recent durations, in buckets.
#[derive(Clone, Debug)]
pub(super) struct Quantiles {
    present: Period,
    past: Period,
}

#[derive(Clone, Debug)]
struct Period {
    counts: [u16; BUCKETS],
    total: u16,
}

impl Default for Period {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            total: 0,
        }
    }
}

impl Default for Quantiles {
    fn default() -> Self {
        let (present, past) = (Period::default(), Period::default());
        Self { present, past }
    }
}

impl Quantiles {
    /// Adds a duration.
    pub(super) fn add(&mut self, duration: Duration) {
        if self.present.total == PERIOD {
            self.past = std::mem::take(&mut self.present);
        }
        self.present.counts[bucket(duration)] += 1;
        self.present.total += 1;
    }

    /// Returns the number of recent durations.
    pub(super) fn count(&self) -> u32 {
        u32::from(self.present.total) + u32::from(self.past.total)
    }

    /// Returns a duration that this share of the recent ones, in thousandths, does not exceed. It is
    /// too long by at most an eighth. Returns nothing without durations.
    pub(super) fn at(&self, thousandths: u32) -> Option<Duration> {
        let rank = (self.count() * thousandths).div_ceil(1000).max(1);
        let mut below = 0;
        for index in 0..BUCKETS {
            below += u32::from(self.present.counts[index]) + u32::from(self.past.counts[index]);
            if below >= rank {
                return Some(upper_bound(index));
            }
        }
        None
    }
}

/// Returns the bucket of a duration.
fn bucket(duration: Duration) -> usize {
    let micros = duration.as_micros().min(LONGEST) as usize;
    if micros < STEPS {
        return micros;
    }
    let exponent = micros.ilog2();
    let step = (micros >> (exponent - STEP_BITS)) % STEPS;
    (exponent - STEP_BITS + 1) as usize * STEPS + step
}

/// Returns the shortest duration that is longer than those of a bucket.
fn upper_bound(bucket: usize) -> Duration {
    let (row, step) = (bucket / STEPS, bucket % STEPS);
    let micros = if row == 0 {
        step + 1
    } else {
        (STEPS + step + 1) << (row - 1)
    };
    Duration::from_micros(micros as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn each_duration_is_in_a_bucket_that_is_hardly_wider() {
        for exponent in 0..30 {
            for micros in [1_u64 << exponent, (1 << exponent) + 1, (2 << exponent) - 1] {
                let duration = Duration::from_micros(micros);
                let bound = upper_bound(bucket(duration));
                assert!(bound > duration, "{micros}");
                assert!(bound <= duration + duration / 8 + Duration::from_micros(1));
            }
        }
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_those_of_a_sorted_list_but_for_an_eighth() {
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut quantiles = Quantiles::default();
            let mut sorted: Vec<Duration> = (0..1000)
                .map(|_| micros(1 << random.u32(0..28)) + micros(random.u64(0..5000)))
                .collect();
            for duration in &sorted {
                quantiles.add(*duration);
            }
            sorted.sort();
            for thousandths in [1, 500, 900, 990, 999, 1000] {
                let exact = sorted[thousandths as usize - 1];
                let found = quantiles.at(thousandths).unwrap();
                assert!(found > exact && found <= exact + exact / 8 + micros(1));
            }
        }
    }

    #[test]
    fn what_is_long_ago_is_forgotten_and_the_memory_is_bounded() {
        let mut quantiles = Quantiles::default();
        assert_eq!(quantiles.at(990), None);
        for _ in 0..100_000 {
            quantiles.add(Duration::from_secs(1));
        }
        assert!(quantiles.count() <= 2 * u32::from(PERIOD));
        for _ in 0..2 * PERIOD {
            quantiles.add(micros(100));
        }
        assert!(quantiles.at(1000).unwrap() < micros(120));
        assert!(size_of::<Quantiles>() <= 1024);
    }
}
