//! Intervals of looks into spool and scheduler, and patience with failures: decided without I/O.

use std::time::{Duration, Instant};

use crate::cluster::error::ClusterError;

/// Shortest interval between looks into a bucket, after new pieces were found.
const SPOOL_FIRST: Duration = Duration::from_millis(50);

/// Additional interval for each further submission that is listed: a bucket gets at most ten lists a second.
const SPOOL_LIST: Duration = Duration::from_millis(100);

/// Shortest interval between looks into a folder.
const FOLDER_FIRST: Duration = Duration::from_millis(5);

/// Share of the time since the last news, as a divisor, after which a folder is looked into again:
/// a result is seen at most so much later than it could be.
const FOLDER_SHARE: u32 = 16;

/// Interval between looks into a folder, as a multiple of the duration of a look.
const FOLDER_REST: u32 = 20;

/// Longest interval between looks into the spool, while there is nothing new.
const SPOOL_LAST: Duration = Duration::from_secs(2);

/// Shortest interval between questions to the scheduler: longer, as all users share it.
const SCHEDULER_FIRST: Duration = Duration::from_secs(1);
const SCHEDULER_LAST: Duration = Duration::from_secs(30);

/// Time after which repeated failures, without a success, are no longer tolerated.
pub(super) const PATIENCE: Duration = Duration::from_mins(30);

/// Kind of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cluster) enum SpoolKind {
    /// A look costs nothing but its time.
    Folder,
    /// A look is a request for each submission.
    Bucket,
}

/// A look into the spool.
#[derive(Clone, Copy, Debug)]
pub(in crate::cluster) struct SpoolLook {
    pub(in crate::cluster) began: Instant,
    pub(in crate::cluster) ended: Instant,
    /// True if it has found new pieces.
    pub(in crate::cluster) is_new: bool,
    /// Number of submissions that were listed.
    pub(in crate::cluster) submissions: usize,
}

/// Times of the next looks into spool and scheduler.
#[derive(Debug)]
pub(in crate::cluster) struct Pauses {
    kind: SpoolKind,
    /// Time of the last news of the spool.
    news: Instant,
    spool: Pause,
    scheduler: Pause,
}

#[derive(Debug)]
struct Pause {
    at: Instant,
    next: Duration,
}

impl Pauses {
    pub(in crate::cluster) fn new(now: Instant, kind: SpoolKind) -> Self {
        let pause = |next| Pause { at: now, next };
        Self {
            kind,
            news: now,
            spool: pause(kind.first()),
            scheduler: pause(SCHEDULER_FIRST),
        }
    }

    /// Returns the time of the next look. Before there is a spool, only the caller has something to report.
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

    /// Records a look into the spool.
    pub(in crate::cluster) fn looked_at_spool(&mut self, look: SpoolLook) {
        let now = look.ended;
        if look.is_new {
            self.news = now;
        }
        match self.kind {
            SpoolKind::Folder => {
                let rest = now.saturating_duration_since(look.began) * FOLDER_REST;
                let share = now.saturating_duration_since(self.news) / FOLDER_SHARE;
                let pause = share.max(rest).clamp(FOLDER_FIRST, SPOOL_LAST);
                self.spool = Pause {
                    at: now + pause,
                    next: pause,
                };
            }
            SpoolKind::Bucket => {
                let lists = u32::try_from(look.submissions.saturating_sub(1)).unwrap_or(u32::MAX);
                let first = SPOOL_FIRST.max(SPOOL_LIST.saturating_mul(lists));
                self.spool
                    .looked(now, look.is_new, first, SPOOL_LAST.max(first));
            }
        }
    }

    /// Records a question to the scheduler.
    pub(in crate::cluster) fn asked_scheduler(&mut self, now: Instant) {
        // In a large call there is always something new.
        self.scheduler
            .looked(now, false, SCHEDULER_FIRST, SCHEDULER_LAST);
    }

    /// Resets both intervals, as something has begun or is to end: the scheduler will have news soon.
    pub(in crate::cluster) fn expect_news(&mut self, now: Instant) {
        self.news = now;
        for (pause, first) in [
            (&mut self.scheduler, SCHEDULER_FIRST),
            (&mut self.spool, self.kind.first()),
        ] {
            pause.next = first;
            pause.at = now + first;
        }
    }

    /// Schedules a look into the spool for now, as a task is gone.
    pub(in crate::cluster) fn look_at_spool_now(&mut self, now: Instant) {
        self.news = now;
        self.spool = Pause {
            at: now,
            next: self.kind.first(),
        };
    }
}

impl SpoolKind {
    fn first(self) -> Duration {
        match self {
            Self::Folder => FOLDER_FIRST,
            Self::Bucket => SPOOL_FIRST,
        }
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

/// Patience with failures that may pass.
#[derive(Debug, Default)]
pub(super) struct Patience {
    since: Option<Instant>,
}

impl Patience {
    /// Records a success or a failure. Fails at once if the failure can't pass, or if such failures
    /// have lasted for [`PATIENCE`] without a success.
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
                tracing::warn!(%error, "cluster or spool unavailable: retrying");
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
        let mut pauses = Pauses::new(now, SpoolKind::Bucket);
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

    /// Looks into a spool without news, each of which lasts so long. Returns their times.
    fn looks(kind: SpoolKind, within: Duration, lasts: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let (mut pauses, mut looks) = (Pauses::new(start, kind), Vec::new());
        pauses.expect_news(start);
        while pauses.spool.at < start + within {
            let began = pauses.spool.at;
            looks.push(began - start);
            pauses.looked_at_spool(SpoolLook {
                began,
                ended: began + lasts,
                is_new: false,
                submissions: 1,
            });
        }
        looks
    }

    #[test]
    fn a_result_in_a_folder_is_seen_soon_after_it_is_there() {
        let within = Duration::from_mins(1);
        let looks = looks(SpoolKind::Folder, within, Duration::from_micros(20));
        for (look, next) in looks.iter().zip(&looks[1..]) {
            let late = next.saturating_sub(*look);
            assert!(
                late <= (*look / 15).max(FOLDER_FIRST * 2),
                "{look:?} {late:?}"
            );
            assert!(late <= SPOOL_LAST + FOLDER_FIRST);
        }
        assert!(looks.len() < 150, "{}", looks.len());
    }

    #[test]
    fn looks_that_last_take_a_twentieth_of_the_time() {
        let lasts = Duration::from_millis(50);
        let looks = looks(SpoolKind::Folder, Duration::from_secs(20), lasts);
        assert!(looks.len() <= 20, "{}", looks.len());
    }

    #[test]
    fn a_bucket_is_looked_at_seldom() {
        let looks = looks(SpoolKind::Bucket, Duration::from_mins(1), Duration::ZERO);
        assert!(looks.len() < 50, "{}", looks.len());
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
