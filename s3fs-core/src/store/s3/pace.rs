//! Rate at which a bucket's server has taken bodies lately.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes per second of the slowest connection that is waited for: 250 kbit/s.
pub(super) const SLOWEST: u64 = 30_000;

/// Length of the shortest body that tells a rate rather than a delay.
const TELLING: u64 = 64 << 10;

/// Fraction of the usual rate that still counts as progress.
const MARGIN: u64 = 10;

/// Usual rate in bytes per second; 0 while it is unknown.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Notes that a body was taken and answered in this time.
    pub(super) fn answered(&self, length: u64, took: Duration) {
        if length < TELLING {
            return;
        }
        let rate = u128::from(length) * 1_000_000 / took.as_micros().max(1);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX).max(1);
        let before = self.0.load(Ordering::Relaxed);
        // A slower one counts more: several bodies share a connection to the network.
        let now = match before {
            0 => rate,
            before if before < rate => before.saturating_mul(2).min(rate),
            before => rate.saturating_mul(2).min(before),
        };
        self.0.store(now, Ordering::Relaxed);
    }

    /// Notes that a body was given up. If the connection has become slow, the next one has more time.
    pub(super) fn lost(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Returns the slowest rate, in bytes per second, that is waited for.
    pub(super) fn slowest(&self) -> u64 {
        SLOWEST.max(self.0.load(Ordering::Relaxed) / MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_slowest_rate_follows_what_was_seen() {
        let pace = Pace::default();
        assert_eq!(pace.slowest(), SLOWEST);
        pace.answered(10, SECOND);
        assert_eq!(pace.slowest(), SLOWEST, "too short to tell");
        pace.answered(8_000_000, SECOND);
        assert_eq!(pace.slowest(), 800_000);
        pace.answered(1_000_000, SECOND);
        assert_eq!(pace.slowest(), 200_000, "a slower one counts at once");
        pace.answered(8_000_000, SECOND);
        assert_eq!(pace.slowest(), 400_000, "a faster one by and by");
        pace.lost();
        assert_eq!(pace.slowest(), SLOWEST);
    }

    #[test]
    fn a_slow_connection_is_never_asked_for_more_than_it_has() {
        let pace = Pace::default();
        pace.answered(1_000_000, 30 * SECOND);
        assert_eq!(pace.slowest(), SLOWEST);
        for _ in 0..64 {
            pace.answered(u64::MAX, Duration::ZERO);
        }
        assert_eq!(pace.slowest(), u64::MAX / MARGIN);
    }
}
