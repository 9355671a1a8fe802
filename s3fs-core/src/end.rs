//! End signal of a mount, shared by all that waits for the bucket.
//!
//! The end has two steps. First, waiting operations of programs are answered with an error, while
//! written data is still being stored. Then requests end: none starts, and those in flight are
//! dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Maximum time without progress of a store that is tolerated once an end was requested.
const SILENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 8 });

/// Interval between observations of a store's progress.
pub(crate) const GLANCE: Duration = Duration::from_millis(250);

/// Time since a store's last progress.
#[derive(Debug)]
pub(crate) struct Silence {
    progress: u64,
    at: Instant,
    lasted: Duration,
}

impl Silence {
    /// Starts with the progress that a store has made by `now`.
    pub(crate) fn new(progress: u64, now: Instant) -> Self {
        Self {
            progress,
            at: now,
            lasted: Duration::ZERO,
        }
    }

    /// Observes a store's progress. Returns whether it has been silent for too long. A pause of this
    /// process, in which it saw no answer either, counts as two glances at most.
    pub(crate) fn is_too_long(&mut self, progress: u64, now: Instant) -> bool {
        let since = now.duration_since(self.at).min(2 * GLANCE);
        self.at = now;
        if progress == self.progress {
            self.lasted += since;
        } else {
            (self.progress, self.lasted) = (progress, Duration::ZERO);
        }
        self.lasted >= SILENCE
    }
}

/// End signal of one mount. Clones are the same signal.
#[derive(Clone, Debug, Default)]
pub(crate) struct End(Arc<Signals>);

#[derive(Debug, Default)]
struct Signals {
    waits: CancellationToken,
    requests: CancellationToken,
    progress: AtomicU64,
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

    /// Counts a sign of life: a request that the store has carried out, or bytes of a body that it
    /// has taken or sent.
    pub(crate) fn note_progress(&self) {
        self.0.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of signs of life.
    pub(crate) fn progress(&self) -> u64 {
        self.0.progress.load(Ordering::Relaxed)
    }

    /// Starts to count the progress of a body.
    pub(crate) fn sending(&self) -> Sending {
        Sending {
            end: self.clone(),
            furthest: Arc::default(),
        }
    }
}

/// Progress of one request's body, over all attempts to send it. Clones are the same progress.
#[derive(Clone, Debug)]
pub struct Sending {
    end: End,
    /// Largest number of bytes that an attempt has sent.
    furthest: Arc<AtomicU64>,
}

impl Sending {
    /// Records that an attempt has sent this many bytes. Bytes that an earlier attempt has sent are
    /// no progress: a server that takes the beginning of each attempt stores nothing.
    pub(crate) fn reached(&self, bytes: u64) {
        if self.furthest.fetch_max(bytes, Ordering::Relaxed) < bytes {
            self.end.note_progress();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of glances after which a silent store is given up, if it makes progress
    /// with every glance that `progresses` selects among the first hundred.
    fn glances(progresses: impl Fn(u32) -> bool) -> u32 {
        let (mut now, mut progress) = (Instant::now(), 0);
        let mut silence = Silence::new(progress, now);
        for glance in 1.. {
            now += GLANCE;
            progress += u64::from(glance <= 100 && progresses(glance));
            if silence.is_too_long(progress, now) {
                return glance;
            }
        }
        unreachable!("the store is silent after a hundred glances")
    }

    #[test]
    fn a_store_is_given_up_after_its_last_sign_of_life_however_rare_they_are() {
        let limit = u32::try_from(SILENCE.as_millis() / GLANCE.as_millis()).unwrap();
        assert_eq!(glances(|_| false), limit);
        assert_eq!(glances(|glance| glance == 1), 1 + limit);
        assert_eq!(glances(|glance| glance.is_multiple_of(limit - 1)), {
            100 - 100 % (limit - 1) + limit
        });
    }

    #[test]
    fn a_pause_of_this_process_is_no_silence_of_the_store() {
        let now = Instant::now();
        let mut silence = Silence::new(0, now);
        assert!(!silence.is_too_long(0, now + Duration::from_hours(1)));
    }

    #[test]
    fn bytes_that_are_sent_again_are_no_progress() {
        let end = End::default();
        let (one, other) = (end.sending(), end.sending());
        for bytes in [1, 2, 2, 1, 2] {
            one.reached(bytes);
        }
        assert_eq!(end.progress(), 2);
        other.reached(1);
        one.clone().reached(3);
        assert_eq!(end.progress(), 4);
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
