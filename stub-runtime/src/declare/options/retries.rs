//! Number and times of retries of a call that failed.

use std::iter;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Default delay before a retry; the only one of `retries = 3`.
const DELAY: Duration = Duration::from_secs(1);

/// Number of retries of a call that failed, and the delay before each.
///
/// ```
/// # use std::time::Duration;
/// # use stub_runtime::Retries;
/// let retries = Retries::new(4)
///     .initial_delay(Duration::from_secs(2))
///     .backoff_coefficient(3.0)
///     .max_delay(Duration::from_secs(30));
/// let delays: Vec<u64> = retries.delays().map(|delay| delay.as_secs()).collect();
/// assert_eq!(delays, [2, 6, 18, 30]);
/// ```
///
/// A number in its place, as in `retries = 3`, is that number of retries, one second apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retries {
    most: usize,
    coefficient: f32,
    initial: Duration,
    longest: Duration,
}

impl Retries {
    /// Creates up to `most` retries. Their delay begins with one second and doubles, up to a minute.
    pub fn new(most: u32) -> Self {
        Self {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            coefficient: 2.0,
            initial: DELAY,
            longest: Duration::from_mins(1),
        }
    }

    /// Sets the factor by which each delay is longer than the one before: 1 or more.
    #[must_use]
    pub fn backoff_coefficient(mut self, coefficient: f32) -> Self {
        self.coefficient = coefficient;
        self
    }

    /// Sets the delay before the second attempt.
    #[must_use]
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial = delay;
        self
    }

    /// Sets the maximum delay.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.longest = delay;
        self
    }

    /// Returns the delays, one before each retry.
    pub fn delays(&self) -> impl Iterator<Item = Duration> + use<> {
        let (longest, coefficient) = (self.longest, f64::from(self.coefficient));
        let next = move |delay: &Duration| {
            let longer = Duration::try_from_secs_f64(delay.as_secs_f64() * coefficient);
            Some(longer.map_or(longest, |longer| longer.min(longest)))
        };
        iter::successors(Some(self.initial.min(longest)), next).take(self.most)
    }

    /// Checks the values. The error is a sentence fragment.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.coefficient.is_finite() && self.coefficient >= 1.0 {
            return Ok(());
        }
        Err(format!(
            "the backoff coefficient of its retries is {}; it must be 1 or more",
            self.coefficient
        ))
    }
}

impl Default for Retries {
    /// Returns no retries.
    fn default() -> Self {
        Self::new(0)
    }
}

impl From<u32> for Retries {
    fn from(most: u32) -> Self {
        Self::new(most).backoff_coefficient(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(retries: Retries) -> Vec<f32> {
        retries.delays().map(|delay| delay.as_secs_f32()).collect()
    }

    #[test]
    fn a_number_is_so_many_tries_a_second_apart() {
        assert_eq!(seconds(3.into()), [1.0; 3]);
        assert_eq!(seconds(Retries::default()), [0.0; 0]);
    }

    #[test]
    fn delays_grow_up_to_the_longest() {
        let retries = Retries::new(3).max_delay(Duration::from_millis(1500));
        assert_eq!(seconds(retries), [1.0, 1.5, 1.5]);
        let at_once = Retries::new(2).initial_delay(Duration::ZERO);
        assert_eq!(seconds(at_once), [0.0; 2]);
        let short = Retries::new(2).max_delay(Duration::from_millis(10));
        assert_eq!(seconds(short), [0.01; 2]);
    }

    #[test]
    fn a_coefficient_that_makes_no_sense_is_told() {
        for wrong in [0.5, f32::NAN, f32::INFINITY] {
            assert!(Retries::new(1).backoff_coefficient(wrong).check().is_err());
        }
        assert_eq!(Retries::new(1).backoff_coefficient(1.0).check(), Ok(()));
    }
}
