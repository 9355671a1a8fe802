//! Number of parts of an upload in flight: doubled while that makes it faster. No I/O, no clock.

use std::time::Duration;

/// Number of parts in flight at the start. On loopback, more than four of 8 MiB bring nothing. Where a
/// connection is limited to 90 MiB/s, four are slower than the machine.
const FEWEST: usize = 10;

/// Maximum number of parts in flight. Each has a connection.
const MOST: usize = 64;

/// Gain in rate, in percent, that justifies twice as many parts.
const WORTH: u128 = 120;

/// Search for the number of parts that fills the link. Times are since any fixed moment.
#[derive(Debug)]
pub(super) struct UploadPace {
    limit: usize,
    /// Limit by the memory.
    most: usize,
    /// Number of parts in flight before the last doubling, and parts a second, in billionths.
    before: Option<(usize, u128)>,
    /// Start of the present round, and the number of parts sent in it.
    round: Option<(Duration, usize)>,
    is_settled: bool,
}

impl UploadPace {
    /// Creates the search in a process with `memory` bytes for file contents, for parts of `part` bytes.
    pub(super) fn new(memory: u64, part: u64) -> Self {
        let most = memory / 8 * 5 / part.max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self {
            limit: FEWEST,
            most: most.clamp(FEWEST, MOST),
            before: None,
            round: None,
            is_settled: false,
        }
    }

    /// Returns the maximum number of parts in flight.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Records that a part has been sent, after which `in_flight` parts are in flight. Only time in
    /// which all places were taken tells something: else the program writes slowly.
    pub(super) fn on_sent(&mut self, now: Duration, in_flight: usize) {
        if self.is_settled || in_flight + 1 < self.limit {
            self.round = None;
            return;
        }
        let Some((start, sent)) = self.round else {
            self.round = Some((now, 0));
            return;
        };
        let sent = sent + 1;
        self.round = Some((start, sent));
        if sent >= 2 * self.limit {
            self.round = None;
            let time = now.saturating_sub(start).as_nanos().max(1);
            self.judge(sent as u128 * 1_000_000_000_000_000_000 / time);
        }
    }

    fn judge(&mut self, rate: u128) {
        match self.before {
            Some((limit, before)) if rate * 100 < before * WORTH => {
                self.limit = limit;
                self.is_settled = true;
            }
            _ if self.limit == self.most => self.is_settled = true,
            _ => {
                self.before = Some((self.limit, rate));
                self.limit = (2 * self.limit).min(self.most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: u64 = 8 << 20;

    /// Returns the number of parts in flight after an upload whose parts each take this time, on a link
    /// that carries `most` parts a second.
    fn settles(memory: u64, time: Duration, most: u32) -> usize {
        let mut pace = UploadPace::new(memory, PART);
        let mut now = Duration::ZERO;
        for _ in 0..1000 {
            let by_latency = time / u32::try_from(pace.limit()).unwrap();
            now += by_latency.max(Duration::from_secs(1) / most);
            pace.on_sent(now, pace.limit() - 1);
        }
        pace.limit()
    }

    #[test]
    fn a_far_server_gets_many_parts_at_once_and_a_near_one_few() {
        let far = Duration::from_millis(500);
        assert_eq!(settles(4 << 30, far, 10_000), MOST);
        assert_eq!(settles(4 << 30, Duration::from_millis(20), 100), FEWEST);
        // A link of 60 parts a second.
        assert_eq!(settles(4 << 30, far, 60), 40);
    }

    #[test]
    fn parts_in_flight_take_no_more_than_the_memory() {
        let far = Duration::from_millis(500);
        assert_eq!(settles(128 << 20, far, 10_000), 10);
        assert_eq!(settles(256 << 20, far, 10_000), 20);
        assert_eq!(settles(0, far, 10_000), FEWEST);
    }

    #[test]
    fn a_program_that_writes_slowly_gets_no_more() {
        let mut pace = UploadPace::new(4 << 30, PART);
        let mut now = Duration::ZERO;
        for n in 0..300 {
            // Faster and faster, but never waiting for a place.
            now += Duration::from_secs(1) / (1 << (n / 20));
            pace.on_sent(now, 3);
        }
        assert_eq!(pace.limit(), FEWEST);
    }
}
