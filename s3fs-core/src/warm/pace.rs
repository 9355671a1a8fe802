//! Number of requests in flight: doubled while that makes the link faster. No I/O.

use std::time::Duration;

/// Number of requests in flight at the start.
pub(super) const FEWEST: usize = 32;

/// Maximum number of requests in flight. Each has a connection, of which a process has 1024 at most by
/// default.
pub(super) const MOST: usize = 256;

/// Gain in rate, in percent, that justifies twice as many requests.
const WORTH: u128 = 120;

/// Search for the number of requests that fills the link.
#[derive(Debug)]
pub(super) struct Pace {
    in_flight: usize,
    /// Work per second before the last doubling.
    before: Option<u128>,
    /// True once a doubling has not been worth it.
    is_settled: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            in_flight: FEWEST,
            before: None,
            is_settled: false,
        }
    }

    /// Number of completed requests after which the rate is looked at: each place has been used a few
    /// times.
    pub(super) fn window(&self) -> usize {
        4 * self.in_flight
    }

    /// Records the time of a window of requests. Returns the number of requests in flight from now on.
    pub(super) fn took(&mut self, requests: usize, time: Duration) -> usize {
        if self.is_settled {
            return self.in_flight;
        }
        let rate = requests as u128 * 1_000_000_000 / time.as_nanos().max(1);
        let is_worth = self
            .before
            .is_none_or(|before| rate * 100 >= before * WORTH);
        if is_worth && self.in_flight < MOST {
            self.before = Some(rate);
            self.in_flight = (self.in_flight * 2).min(MOST);
        } else {
            self.is_settled = true;
        }
        self.in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of requests in flight on a link that carries `most` requests a second, with
    /// this time from request to answer.
    fn settles(most: u64, latency: Duration) -> usize {
        let mut pace = Pace::new();
        for _ in 0..10 {
            let requests = pace.window();
            let by_latency = latency * u32::try_from(requests / pace.in_flight).unwrap();
            let by_rate = Duration::from_millis(requests as u64 * 1000 / most);
            pace.took(requests, by_latency.max(by_rate));
        }
        pace.in_flight
    }

    #[test]
    fn a_far_server_gets_many_requests_at_once_and_a_slow_one_few() {
        let far = Duration::from_millis(20);
        assert_eq!(settles(1_000_000, far), MOST);
        assert_eq!(
            settles(500, far),
            2 * FEWEST,
            "one doubling shows that it is no use"
        );
        assert_eq!(settles(3600, far), 128);
    }
}
