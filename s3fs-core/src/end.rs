//! End signal of a mount, shared by all that waits for the bucket.
//!
//! The end has two steps. First, waiting operations of programs are answered with an error, while
//! written data is still being stored. Then requests end: none starts, and those in flight are
//! dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Maximum silence of a store that is tolerated once an end was requested, for requests without
/// bytes.
const SILENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 8 });

/// Minimum transfer rate that still counts as progress, in bytes per second.
const SLOWEST: u64 = 1 << 20;

/// Maximum number of bytes that are assumed to be in flight at once.
const ON_THEIR_WAY: u64 = 32 << 20;

/// Returns the maximum silence of a store that is tolerated with this many bytes left to send. A
/// body is one request, which shows no progress until its response.
pub(crate) fn patience(left: u64) -> Duration {
    SILENCE + Duration::from_secs(left.min(ON_THEIR_WAY) / SLOWEST)
}

/// End signal of one mount. Clones are the same signal.
#[derive(Clone, Debug, Default)]
pub(crate) struct End(Arc<Signals>);

#[derive(Debug, Default)]
struct Signals {
    waits: CancellationToken,
    requests: CancellationToken,
    answered: AtomicU64,
}

impl End {
    /// Answers all operations that wait, now and from now on.
    pub(crate) fn end_waits(&self) {
        self.0.waits.cancel();
    }

    /// Drops all requests, and refuses those that would begin.
    pub(crate) fn end_requests(&self) {
        self.0.waits.cancel();
        self.0.requests.cancel();
    }

    /// Returns whether operations must not wait any more.
    pub(crate) fn waits_ended(&self) -> bool {
        self.0.waits.is_cancelled()
    }

    /// Returns whether no request may begin.
    pub(crate) fn requests_ended(&self) -> bool {
        self.0.requests.is_cancelled()
    }

    /// Waits for the end of waiting.
    pub(crate) async fn no_more_waits(&self) {
        self.0.waits.cancelled().await;
    }

    /// Waits for the end of requests.
    pub(crate) async fn no_more_requests(&self) {
        self.0.requests.cancelled().await;
    }

    /// Counts a request that the store has carried out.
    pub(crate) fn note_answer(&self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of requests that the store has carried out.
    pub(crate) fn answered(&self) -> u64 {
        self.0.answered.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_what_is_on_its_way_and_is_bounded() {
        assert_eq!(patience(0), SILENCE);
        assert_eq!(patience(8 << 20), SILENCE + Duration::from_secs(8));
        assert_eq!(patience(1 << 40), SILENCE + Duration::from_secs(32));
    }

    #[test]
    fn the_end_of_requests_is_the_end_of_waiting_too() {
        let end = End::default();
        let other = end.clone();
        end.end_waits();
        assert!(other.waits_ended() && !other.requests_ended());
        end.end_requests();
        assert!(other.requests_ended());
    }
}
