//! How often to look, and how long to put up with what fails: decided without I/O.

use std::time::{Duration, Instant};

use crate::cluster::error::ClusterError;

/// The spool is looked at again so soon after it had something new.
const SPOOL_FIRST: Duration = Duration::from_millis(50);

/// For each submission that is listed for that: so a bucket is asked for ten lists a second at most.
const SPOOL_LIST: Duration = Duration::from_millis(100);

/// And so seldom if it has nothing.
const SPOOL_LAST: Duration = Duration::from_secs(2);

/// The scheduler, which all users share, is asked more seldom.
const SCHEDULER_FIRST: Duration = Duration::from_secs(1);
const SCHEDULER_LAST: Duration = Duration::from_secs(30);

/// What fails for so long, with nothing that succeeds, is not waited for any more.
pub(super) const PATIENCE: Duration = Duration::from_mins(30);

/// When to look next.
#[derive(Debug)]
pub(in crate::cluster) struct Pauses {
    spool: Pause,
    scheduler: Pause,
}

#[derive(Debug)]
struct Pause {
    at: Instant,
    next: Duration,
}

impl Pauses {
    pub(in crate::cluster) fn new(now: Instant) -> Self {
        let pause = |next| Pause { at: now, next };
        Self {
            spool: pause(SPOOL_FIRST),
            scheduler: pause(SCHEDULER_FIRST),
        }
    }

    /// By when something is to be looked at. Before there is a spool, only the caller has something to say.
    pub(in crate::cluster) fn next(&self, has_spool: bool) -> Instant {
        if has_spool {
            self.spool.at.min(self.scheduler.at)
        } else {
            self.spool.at + PATIENCE
        }
    }

    pub(in crate::cluster) fn is_spool_due(&self, now: Instant) -> bool {
        self.spool.at <= now
    }

    pub(in crate::cluster) fn is_scheduler_due(&self, now: Instant) -> bool {
        self.scheduler.at <= now
    }

    /// The spool was looked at: so many submissions.
    pub(in crate::cluster) fn looked_at_spool(
        &mut self,
        now: Instant,
        is_new: bool,
        submissions: usize,
    ) {
        let lists = u32::try_from(submissions.saturating_sub(1)).unwrap_or(u32::MAX);
        let first = SPOOL_FIRST.max(SPOOL_LIST.saturating_mul(lists));
        self.spool.looked(now, is_new, first, SPOOL_LAST.max(first));
    }

    /// The scheduler was asked.
    pub(in crate::cluster) fn asked_scheduler(&mut self, now: Instant) {
        // In a large call there is always something new.
        self.scheduler
            .looked(now, false, SCHEDULER_FIRST, SCHEDULER_LAST);
    }

    /// Something has begun or is to end: the scheduler will have news soon.
    pub(in crate::cluster) fn expect_news(&mut self, now: Instant) {
        for (pause, first) in [
            (&mut self.scheduler, SCHEDULER_FIRST),
            (&mut self.spool, SPOOL_FIRST),
        ] {
            pause.next = first;
            pause.at = now + first;
        }
    }

    /// A task is gone: what it wrote is looked for now.
    pub(in crate::cluster) fn look_at_spool_now(&mut self, now: Instant) {
        self.spool.at = now;
        self.spool.next = SPOOL_FIRST;
    }
}

impl Pause {
    fn looked(&mut self, now: Instant, is_new: bool, first: Duration, last: Duration) {
        self.next = if is_new {
            first
        } else {
            (self.next * 3 / 2).min(last)
        };
        self.at = now + self.next;
    }
}

/// How long to put up with what fails.
#[derive(Debug, Default)]
pub(super) struct Patience {
    since: Option<Instant>,
}

impl Patience {
    /// Something was done, or failed: what may pass is an error when nothing else has passed for long.
    pub(super) fn note(
        &mut self,
        now: Instant,
        result: Result<bool, ClusterError>,
    ) -> Result<(), ClusterError> {
        match result {
            Ok(true) => self.since = None,
            // It was not its turn.
            Ok(false) => {}
            Err(error) if !error.may_pass() => return Err(error),
            Err(error) => {
                let since = *self.since.get_or_insert(now);
                tracing::warn!(%error, "trying again");
                if now.saturating_duration_since(since) >= PATIENCE {
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_nothing_new_is_looked_at_more_and_more_seldom() {
        let mut now = Instant::now();
        let mut pauses = Pauses::new(now);
        let mut looks = 0;
        let end = now + Duration::from_mins(10);
        while now < end {
            pauses.asked_scheduler(now);
            looks += 1;
            now = pauses.scheduler.at;
        }
        assert!((20..40).contains(&looks), "{looks}");
        pauses.expect_news(now);
        assert!(pauses.is_scheduler_due(now + SCHEDULER_FIRST));
    }

    #[test]
    fn what_fails_is_put_up_with_as_long_as_something_passes_now_and_then() {
        let away = || {
            Err(ClusterError::Unreachable {
                scheduler: "Slurm",
                reason: "away".to_owned(),
            })
        };
        let (start, mut patience) = (Instant::now(), Patience::default());
        assert!(patience.note(start, away()).is_ok());
        assert!(patience.note(start + PATIENCE / 2, Ok(true)).is_ok());
        assert!(patience.note(start + PATIENCE, away()).is_ok());
        assert!(patience.note(start + PATIENCE * 2, Ok(false)).is_ok());
        assert!(patience.note(start + PATIENCE * 2, away()).is_err());
    }
}
