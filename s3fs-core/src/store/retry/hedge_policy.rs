//! Policy of hedged requests: second attempts beside late first ones, for requests that read. No I/O.
//!
//! An attempt is late when it has waited longer than 99 % of the past ones to its server, from all
//! mounts of this process. A budget limits the second attempts: a server that became slow as a
//! whole gets hardly more requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::quantiles::Quantiles;
use crate::store::Operation;

/// Share of past waits, in thousandths, that an attempt exceeds when it is late.
const LATE_QUANTILE: u32 = 990;

/// Minimum number of waits for which quantiles count.
const MIN_WAITS: u32 = 100;

/// Patience before the first wait of its kind, and minimum for pages of listings: a page takes as
/// long as it has keys.
const INITIAL_PATIENCE: Duration = Duration::from_secs(1);

/// Minimum patience after few waits.
const EARLY_PATIENCE: Duration = Duration::from_millis(250);

/// Factor by which an attempt exceeds the longest of few waits when it is late.
const EARLY_FACTOR: u32 = 4;

/// Minimum patience. Busy machines are late by as much.
const MIN_PATIENCE: Duration = Duration::from_millis(20);

/// Requests for each second attempt.
const REQUESTS_PER_HEDGE: u32 = 20;

/// Second attempts that may follow each other at once.
const HEDGE_BURST: u32 = 10;

/// Second attempts that may be sent before any request is counted.
const INITIAL_HEDGES: u32 = 1;

/// Factor of the patience at which waits are recorded at most. The requests of one pause all wait for
/// its end. Their waits must not end hedging for the next 2,000 requests.
const RECORDED_PATIENCE: u32 = 2;

/// Number of waits for which the limit on recorded waits stays the same: requests in flight at once.
const LIMITED_WAITS: u32 = 64;

/// Wait for a response, by kind. Each has quantiles of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Page of a listing.
    List,
    /// Headers without a body.
    Head,
    /// Headers of an object whose body follows.
    Get,
    /// Next piece of a body. The longest of each body counts.
    Piece,
}

impl Wait {
    const COUNT: usize = 4;

    /// Returns the wait for the response of an operation; `None` if a second attempt could change
    /// what is stored, or would have an effect of its own.
    pub(super) fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::List => Some(Self::List),
            Operation::Head | Operation::GetTags => Some(Self::Head),
            Operation::Get => Some(Self::Get),
            Operation::Put
            | Operation::Delete
            | Operation::Copy
            | Operation::Rename
            | Operation::CreateUpload
            | Operation::UploadPart
            | Operation::CopyPart
            | Operation::Complete
            | Operation::Abort
            | Operation::ListUploads => None,
        }
    }
}

/// Past waits for a server, and the budget of second attempts.
#[derive(Debug)]
pub(super) struct Hedging {
    facts: Mutex<Facts>,
    /// Nanoseconds of patience, by wait.
    patience: [AtomicU64; Wait::COUNT],
}

#[derive(Debug, Default)]
struct Facts {
    waits: Waits,
    budget: HedgeBudget,
}

impl Default for Hedging {
    fn default() -> Self {
        let patience = || AtomicU64::new(nanoseconds(INITIAL_PATIENCE));
        Self {
            facts: Mutex::default(),
            patience: std::array::from_fn(|_| patience()),
        }
    }
}

impl Hedging {
    /// Returns the time after which a wait is late.
    pub(super) fn patience(&self, wait: Wait) -> Duration {
        Duration::from_nanos(self.patience[wait as usize].load(Ordering::Relaxed))
    }

    /// Counts a request, which adds to the budget.
    pub(super) fn count_request(&self) {
        self.facts().budget.earn();
    }

    /// Records the duration of a wait that ended in a response.
    pub(super) fn record(&self, wait: Wait, duration: Duration) {
        let mut facts = self.facts();
        facts.waits.add(wait, duration);
        let update = |wait: Wait| {
            let patience = nanoseconds(facts.waits.patience(wait));
            self.patience[wait as usize].store(patience, Ordering::Relaxed);
        };
        update(wait);
        if wait == Wait::Get {
            update(Wait::Piece);
        }
    }

    /// Takes a second attempt out of the budget. Returns false if the budget is spent.
    pub(super) fn spend(&self) -> bool {
        self.facts().budget.spend()
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Past waits, by kind.
#[derive(Debug, Default)]
struct Waits([Recorded; Wait::COUNT]);

/// Past waits of a kind.
#[derive(Debug, Default)]
struct Recorded {
    quantiles: Quantiles,
    /// Maximum duration to record.
    limit: Duration,
    /// Number of waits until `limit` follows the patience.
    limited: u32,
}

impl Waits {
    fn add(&mut self, wait: Wait, duration: Duration) {
        let limit = self.patience(wait).saturating_mul(RECORDED_PATIENCE);
        let recorded = &mut self.0[wait as usize];
        if recorded.limited == 0 {
            (recorded.limit, recorded.limited) = (limit, LIMITED_WAITS);
        }
        recorded.limited -= 1;
        recorded.quantiles.add(duration.min(recorded.limit));
    }

    fn at(&self, wait: Wait, thousandths: u32) -> Option<Duration> {
        self.0[wait as usize].quantiles.at(thousandths)
    }

    /// Returns the time after which a wait is late.
    fn patience(&self, wait: Wait) -> Duration {
        let Some(usual) = self.at(wait, LATE_QUANTILE) else {
            return INITIAL_PATIENCE;
        };
        // A second body needs a round trip, so the first may as well be late by half of one.
        let least = match wait {
            Wait::List => INITIAL_PATIENCE,
            Wait::Head | Wait::Get => MIN_PATIENCE,
            Wait::Piece => MIN_PATIENCE.max(self.at(Wait::Get, 500).unwrap_or_default() / 2),
        };
        if self.0[wait as usize].quantiles.count() < MIN_WAITS {
            return (usual * EARLY_FACTOR).max(EARLY_PATIENCE).max(least);
        }
        usual.max(least)
    }
}

/// Budget of second attempts: a share of the requests.
#[derive(Debug)]
struct HedgeBudget {
    /// Requests that are not spent on a second attempt yet.
    left: u32,
}

impl Default for HedgeBudget {
    fn default() -> Self {
        let left = INITIAL_HEDGES * REQUESTS_PER_HEDGE;
        Self { left }
    }
}

impl HedgeBudget {
    fn earn(&mut self) {
        self.left = (self.left + 1).min(HEDGE_BURST * REQUESTS_PER_HEDGE);
    }

    fn spend(&mut self) -> bool {
        let left = self.left.checked_sub(REQUESTS_PER_HEDGE);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Sends this many requests whose headers take `duration(number)`. A late one is sent again, if
    /// the budget allows, and the second attempt takes `again`. Returns the number of second
    /// attempts and the total time.
    fn send(
        hedging: &Hedging,
        requests: u32,
        again: Duration,
        duration: impl Fn(u32) -> Duration,
    ) -> (u32, Duration) {
        let (mut hedges, mut total) = (0, Duration::ZERO);
        for number in 0..requests {
            hedging.count_request();
            let patience = hedging.patience(Wait::Get);
            let first = duration(number);
            let won = if first > patience && hedging.spend() {
                hedges += 1;
                if first <= patience + again {
                    hedging.record(Wait::Get, first);
                    first
                } else {
                    hedging.record(Wait::Get, again);
                    patience + again
                }
            } else {
                hedging.record(Wait::Get, first);
                first
            };
            total += won;
        }
        (hedges, total)
    }

    #[test]
    fn stalled_attempts_are_replaced_soon_however_many_there_are() {
        for one_in in [100, 50, 25] {
            let hedging = Hedging::default();
            let steady = |n: u32| millis(20 + u64::from(n % 5));
            send(&hedging, 100, millis(22), steady);
            let stalled = |n: u32| {
                if n.is_multiple_of(one_in) {
                    Duration::from_secs(10)
                } else {
                    steady(n)
                }
            };
            let (hedges, total) = send(&hedging, 10_000, millis(22), stalled);
            assert!(hedges >= 10_000 / one_in, "{hedges}");
            assert!(total < 10_000 * millis(25), "{total:?}");
            assert!(hedging.patience(Wait::Get) < millis(30));
        }
    }

    #[test]
    fn a_slow_but_steady_server_gets_hardly_more_requests() {
        let hedging = Hedging::default();
        let jittery = |n: u32| millis(500 + u64::from(n * 7919 % 1000));
        let (hedges, _) = send(&hedging, 10_000, millis(1000), jittery);
        assert!(hedges <= 200, "{hedges}");
    }

    #[test]
    fn a_server_that_becomes_slow_gets_few_second_attempts_and_then_none() {
        let hedging = Hedging::default();
        send(&hedging, 5000, millis(20), |_| millis(20));
        let slow = |n: u32| millis(200 + u64::from(n % 10));
        let (hedges, _) = send(&hedging, 2000, millis(200), slow);
        assert!(
            hedges <= HEDGE_BURST + 2000 / REQUESTS_PER_HEDGE,
            "{hedges}"
        );
        let (hedges, _) = send(&hedging, 2000, millis(200), slow);
        assert_eq!(hedges, 0);
        assert!(hedging.patience(Wait::Get) >= millis(200));
    }

    #[test]
    fn a_pause_of_all_requests_hardly_raises_the_patience() {
        let hedging = Hedging::default();
        for _ in 0..1000 {
            hedging.record(Wait::Get, millis(20));
            hedging.record(Wait::Piece, millis(20));
        }
        // The budget allows ten second attempts, and the others are waited for.
        for _ in 0..54 {
            hedging.record(Wait::Get, Duration::from_secs(5));
            hedging.record(Wait::Piece, Duration::from_secs(5));
        }
        for wait in [Wait::Get, Wait::Piece] {
            let patience = hedging.patience(wait);
            assert!(patience < millis(150), "{wait:?}: {patience:?}");
        }
        for _ in 0..3000 {
            hedging.record(Wait::Get, millis(20));
        }
        assert!(hedging.patience(Wait::Get) < millis(30));
    }

    #[test]
    fn a_mount_of_few_reads_sends_one_of_them_again() {
        let hedging = Hedging::default();
        let slow = |_| Duration::from_secs(2);
        let (hedges, _) = send(&hedging, 3, Duration::from_secs(2), slow);
        assert!(hedges <= 1, "{hedges}");
    }

    #[test]
    fn when_every_attempt_is_late_the_budget_bounds_the_second_ones() {
        let hedging = Hedging::default();
        for _ in 0..1000 {
            hedging.count_request();
        }
        let mut spent = 0;
        for _ in 0..1000 {
            hedging.count_request();
            spent += u32::from(hedging.spend());
        }
        let share = 1000 / REQUESTS_PER_HEDGE;
        assert!((share..=HEDGE_BURST + share).contains(&spent), "{spent}");
    }

    #[test]
    fn patience_is_long_until_the_server_is_known() {
        let hedging = Hedging::default();
        assert_eq!(hedging.patience(Wait::Get), INITIAL_PATIENCE);
        hedging.record(Wait::Get, millis(1));
        assert_eq!(hedging.patience(Wait::Get), EARLY_PATIENCE);
        for _ in 0..MIN_WAITS {
            hedging.record(Wait::Get, millis(1));
            hedging.record(Wait::Piece, Duration::ZERO);
        }
        assert_eq!(hedging.patience(Wait::Get), MIN_PATIENCE);
        assert_eq!(hedging.patience(Wait::Piece), MIN_PATIENCE);
        for _ in 0..2 * MIN_WAITS {
            assert_eq!(hedging.patience(Wait::List), INITIAL_PATIENCE);
            hedging.record(Wait::List, millis(1));
        }
        for _ in 0..3 * MIN_WAITS {
            hedging.record(Wait::Get, millis(100));
        }
        assert!(hedging.patience(Wait::Piece) >= millis(50));
    }

    #[test]
    fn requests_that_write_are_never_sent_beside_each_other() {
        use Operation as O;
        for operation in [
            O::Put,
            O::Delete,
            O::Copy,
            O::Rename,
            O::CreateUpload,
            O::UploadPart,
            O::CopyPart,
            O::Complete,
            O::Abort,
            O::ListUploads,
        ] {
            assert_eq!(Wait::of(operation), None, "{operation:?}");
        }
    }
}
