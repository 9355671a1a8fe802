//! State that all requests to a bucket share: the request rate, the start of failures, and the time
//! of the last warning to the user.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::rate::Rate;
use crate::store::warning::Warning;
use crate::store::{StoreError, StoreErrorKind};

/// Time for which a failure counts as recent.
const RECENT: Duration = Duration::from_mins(1);

/// Health of a bucket, as seen by its requests.
#[derive(Debug)]
pub(super) struct Health {
    facts: Mutex<Facts>,
    pub(super) warning: Warning,
    /// Earliest time of the next request. Requests wait for their turn in order.
    turn: tokio::sync::Mutex<Instant>,
}

#[derive(Debug)]
struct Facts {
    rate: Rate,
    failing: Option<Failing>,
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

impl Default for Health {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            facts: Mutex::new(Facts {
                rate: Rate::new(now),
                failing: None,
            }),
            warning: Warning::default(),
            turn: tokio::sync::Mutex::new(now),
        }
    }
}

impl Health {
    /// Waits until the rate allows another request.
    pub(super) async fn admit(&self) {
        if self.facts().rate.interval().is_none() {
            return;
        }
        let mut turn = self.turn.lock().await;
        sleep_until(*turn).await;
        // The interval may have changed meanwhile.
        if let Some(interval) = self.facts().rate.interval() {
            *turn = Instant::now() + interval;
        }
    }

    /// Records a response; a refusal is one, too.
    pub(super) fn answered(&self, now: Instant) {
        let mut facts = self.facts();
        facts.rate.answered(now);
        facts.failing = None;
    }

    /// Records a failed request.
    pub(super) fn failed(&self, error: &StoreError, now: Instant) {
        if !error.kind.is_transient() {
            return self.answered(now);
        }
        let mut facts = self.facts();
        // An old failure belongs to another outage.
        let present = facts.failing.filter(|failing| failing.is_recent(now));
        facts.failing = Some(Failing {
            first: present.map_or(now, |failing| failing.first),
            last: now,
        });
        if matches!(error.kind, StoreErrorKind::Throttled(_)) {
            facts.rate.refused(now);
        }
    }

    /// Returns the duration for which every request has failed.
    pub(super) fn failing(&self, now: Instant) -> Duration {
        let failing = self.facts().failing;
        let failing = failing.filter(|failing| failing.is_recent(now));
        failing.map_or(Duration::ZERO, |failing| {
            failing.last.duration_since(failing.first)
        })
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_begins_with_its_own_first_failure() {
        let (health, start) = (Health::default(), Instant::now());
        let fail = |after: u64| {
            let kind = StoreErrorKind::Unreachable("refused".into());
            let error = StoreError::new("HeadObject", "s3://bucket/key".into(), kind);
            health.failed(&error, start + Duration::from_secs(after));
        };
        let failing = |after: u64| health.failing(start + Duration::from_secs(after)).as_secs();
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
}
