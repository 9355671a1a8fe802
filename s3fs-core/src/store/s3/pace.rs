//! Recent upload rate of a bucket's server, and its maximum silence after a body.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Minimum upload rate in bytes per second that is waited for: 250 kbit/s.
pub(super) const SLOWEST: u64 = 30_000;

/// Bytes that the kernel may still hold after the last one has left this process.
const SOCKET_BUFFER: u64 = 4 << 20;

/// Minimum size in bytes of a body that measures a rate rather than a latency.
const TELLING: u64 = 64 << 10;

/// Divisor of the usual rate that gives the minimum rate that counts as progress.
const MARGIN: u64 = 10;

/// Maximum wait at the minimum rate, unless a third of the usual rate takes longer.
const MOST: Duration = Duration::from_secs(150);

/// Usual rate in bytes per second; 0 while it is unknown.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Records that a body was sent and its request answered in this time.
    pub(super) fn answered(&self, length: u64, took: Duration) {
        if length < TELLING {
            return;
        }
        let rate = u128::from(length) * 1_000_000 / took.as_micros().max(1);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX).max(1);
        let before = self.usual();
        // Slower bodies count more, because several bodies share the network.
        let now = match before {
            0 => rate,
            before if before < rate => before.saturating_mul(2).min(rate),
            before => rate.saturating_mul(2).min(before),
        };
        self.0.store(now, Ordering::Relaxed);
    }

    /// Records that a body failed. If the connection has become slow, the next body gets more time.
    pub(super) fn lost(&self) {
        self.0.store(self.usual() / 8, Ordering::Relaxed);
    }

    /// Returns the time that `sent` bytes of a body may take beyond this process. A proxy may hold
    /// a whole body that has been sent.
    pub(super) fn allowance(&self, sent: u64, length: u64) -> Duration {
        let in_kernel = sent.min(SOCKET_BUFFER);
        let usual = self.usual();
        if usual == 0 {
            return Duration::from_secs(in_kernel / SLOWEST);
        }
        let held = if sent >= length { sent } else { in_kernel };
        let at = |rate: u64| Duration::from_secs(held / rate.max(1));
        let least = at(SLOWEST.max(usual / MARGIN));
        least.min(MOST.max(3 * at(usual)))
    }

    fn usual(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_usual_rate_follows_what_was_seen() {
        let pace = Pace::default();
        pace.answered(10, SECOND);
        assert_eq!(pace.usual(), 0, "too short to tell");
        pace.answered(8_000_000, SECOND);
        assert_eq!(pace.usual(), 8_000_000);
        pace.answered(1_000_000, SECOND);
        assert_eq!(pace.usual(), 2_000_000, "a slower one counts at once");
        pace.answered(8_000_000, SECOND);
        assert_eq!(pace.usual(), 4_000_000, "a faster one by and by");
        pace.lost();
        assert_eq!(pace.usual(), 500_000);
        for _ in 0..64 {
            pace.answered(u64::MAX, Duration::ZERO);
        }
        assert_eq!(pace.usual(), u64::MAX);
    }

    #[test]
    fn what_the_kernel_holds_has_time_while_the_rate_is_unknown() {
        let pace = Pace::default();
        assert_eq!(pace.allowance(0, 10), Duration::ZERO);
        assert_eq!(pace.allowance(300_000, 300_000), 10 * SECOND);
        assert!(pace.allowance(u64::MAX, u64::MAX) < MOST);
    }

    #[test]
    fn a_server_that_hangs_costs_little_where_it_is_usually_fast() {
        let pace = Pace::default();
        pace.answered(50_000_000, SECOND);
        assert!(pace.allowance(8 << 20, 8 << 20) <= 2 * SECOND);
    }

    #[test]
    fn a_proxy_that_holds_a_whole_part_has_the_time_to_pass_it_on() {
        let pace = Pace::default();
        // 64 MiB, passed on at 2 MB/s when they were taken at once.
        let (length, passing) = (64 << 20, 32 * SECOND);
        pace.answered(length, passing);
        for _ in 0..5 {
            assert!(pace.allowance(length, length) > 3 * passing);
            assert!(pace.allowance(length / 2, length) < passing);
            pace.answered(length, passing);
        }
        let slow = 200 * SECOND;
        pace.answered(length, slow);
        pace.answered(length, slow);
        assert!(pace.allowance(length, length) > slow);
    }
}
