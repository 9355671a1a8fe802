//! State that all requests of a mount to a bucket share: the lines in which they wait for their turn,
//! the start of failures, and the time of the last warning to the user.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::throttle::{Line, Throttle};
use crate::store::warning::Warning;
use crate::store::{StoreError, StoreErrorKind};

/// Time for which a failure counts as recent.
const RECENT: Duration = Duration::from_mins(1);

/// Time after a refusal, or a failure of the server itself, in which no request is hedged.
const UNWELL: Duration = Duration::from_secs(5);

/// Health of a bucket, as seen by its requests.
#[derive(Debug)]
pub(super) struct Health {
    throttle: Arc<Throttle>,
    /// Requests that wait for their turn, by [`Line`].
    lines: [tokio::sync::Mutex<()>; Line::COUNT],
    failures: Mutex<RecentFailures>,
    pub(super) warning: Warning,
}

/// Failures of requests.
#[derive(Debug, Default)]
struct RecentFailures {
    /// Failures since the last response.
    failing: Option<Failing>,
    /// Time of the last response that the server was overloaded, or wanted fewer requests.
    unwell: Option<Instant>,
}

/// Times of the first and the last failure since the last response.
#[derive(Clone, Copy, Debug)]
struct Failing {
    first: Instant,
    last: Instant,
}

impl Failing {
    /// Returns whether the last failure is recent.
    fn is_recent(&self, now: Instant) -> bool {
        now.duration_since(self.last) < RECENT
    }
}

impl Health {
    /// Creates the health of a bucket that has not failed, whose server has this request rate.
    pub(super) fn new(throttle: Arc<Throttle>) -> Self {
        Self {
            throttle,
            lines: Default::default(),
            failures: Mutex::default(),
            warning: Warning::default(),
        }
    }

    /// Returns the request rate of the server.
    pub(super) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Waits until the rate allows another request.
    pub(super) async fn turn(&self, line: Line) {
        self.throttle.admit(&self.lines[line as usize]).await;
    }

    /// Returns whether the server takes every request, as far as known.
    pub(super) fn is_well(&self, now: Instant) -> bool {
        let is_past = |unwell: Instant| now.duration_since(unwell) >= UNWELL;
        !self.throttle.is_limited()
            && self.failing(now).is_none()
            && self.recorded().unwell.is_none_or(is_past)
    }

    /// Records a response; a refusal is one, too.
    pub(super) fn answered(&self, now: Instant) {
        self.throttle.answered(now);
        self.recorded().failing = None;
    }

    /// Records a failed request.
    pub(super) fn failed(&self, error: &StoreError, now: Instant) {
        if !error.kind.is_transient() {
            return self.answered(now);
        }
        if matches!(error.kind, StoreErrorKind::Throttled(_)) {
            self.throttle.refused(now);
        }
        let mut failures = self.recorded();
        if matches!(
            error.kind,
            StoreErrorKind::Throttled(_) | StoreErrorKind::Overloaded(_)
        ) {
            failures.unwell = Some(now);
        }
        // An old failure belongs to another outage.
        let present = failures.failing.filter(|failing| failing.is_recent(now));
        failures.failing = Some(Failing {
            first: present.map_or(now, |failing| failing.first),
            last: now,
        });
    }

    /// Returns the duration for which every request has failed; `None` if the last one succeeded.
    pub(super) fn failing(&self, now: Instant) -> Option<Duration> {
        let failing = self.recorded().failing;
        let failing = failing.filter(|failing| failing.is_recent(now))?;
        Some(failing.last.duration_since(failing.first))
    }

    fn recorded(&self) -> MutexGuard<'_, RecentFailures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_begins_with_its_own_first_failure() {
        let (health, start) = (Health::new(Arc::default()), Instant::now());
        let fail = |after: u64| {
            let kind = StoreErrorKind::Unreachable("refused".into());
            let error = StoreError::new("HeadObject", "s3://bucket/key".into(), kind);
            health.failed(&error, start + Duration::from_secs(after));
        };
        let failing = |after: u64| {
            let failing = health.failing(start + Duration::from_secs(after));
            failing.unwrap_or_default().as_secs()
        };
        fail(0);
        fail(40);
        assert_eq!(failing(41), 40);
        assert_eq!(failing(100), 0, "it is long ago");
        fail(400);
        assert_eq!(failing(401), 0, "another outage");
        fail(430);
        assert_eq!(failing(430), 30);
        health.answered(start + Duration::from_secs(431));
        assert_eq!(failing(431), 0);
    }

    #[test]
    fn a_server_that_has_just_refused_is_not_well_though_another_request_succeeds() {
        let kinds: [fn() -> StoreErrorKind; 2] = [
            || StoreErrorKind::Throttled("SlowDown".into()),
            || StoreErrorKind::Overloaded("InternalError".into()),
        ];
        for kind in kinds {
            let (health, start) = (Health::new(Arc::default()), Instant::now());
            assert!(health.is_well(start));
            let error = StoreError::new("HeadObject", "s3://bucket/key".into(), kind());
            health.failed(&error, start);
            let soon = start + Duration::from_secs(1);
            health.answered(soon);
            assert!(!health.is_well(soon));
            assert!(health.is_well(start + UNWELL));
        }
    }
}
