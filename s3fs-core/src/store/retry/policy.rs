//! Retry policy of failed requests. No I/O.

use std::time::Duration;

use tokio::time::Instant;

use super::throttle::Line;
use crate::store::{StoreError, StoreErrorKind};

/// Delay before the first retry; it doubles with each.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// Maximum delay between retries, so that a recovered server is noticed soon.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Maximum time that a request waits for a bucket that has never answered, so that a mistyped
/// endpoint soon fails.
const CONNECTING: Duration = Duration::from_secs(20);

/// Minimum time for the first request to a bucket, however short the retry timeout is.
const SHORTEST_FIRST: Duration = Duration::from_secs(3);

/// Maximum time that a request waits after the bucket has failed for the whole timeout.
const AFTER_TIMEOUT: Duration = Duration::from_secs(20);

/// Share of the retry timeout that the first attempt of a transfer may take: one in this many.
const TRANSFERS: u32 = 3;

/// Attempts of a request whose response is not S3's, because a proxy in between may have failed.
const NOT_S3_ATTEMPTS: u32 = 3;

/// Attempts of a request whose signature is refused: a file of keys may have been read while it was
/// written. They take longer than the keys read then are used.
const SIGNATURE_ATTEMPTS: u32 = 6;

/// Maximum time from the first attempt of a request to its last, by kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// Limit while the server responds that it is overloaded or failing.
    pub answering: Duration,
    /// Limit while there is no response.
    pub silent: Duration,
    /// Limit while the credentials cannot be loaded.
    pub credentials: Duration,
}

impl RetryLimits {
    /// Returns the limits of a bucket that has answered.
    pub fn new(timeout: Duration) -> Self {
        Self {
            answering: timeout,
            silent: timeout,
            credentials: timeout,
        }
    }

    /// Returns the limits of the first request to a bucket. Credentials that have never worked are
    /// missing, and waiting does not help.
    pub fn connecting(timeout: Duration) -> Self {
        Self {
            answering: timeout,
            silent: timeout.min(CONNECTING),
            credentials: Duration::ZERO,
        }
    }

    /// Returns the maximum time of the first request to a bucket, and the time after which it is
    /// sent a second time beside the first.
    pub(super) fn first(self) -> (Duration, Duration) {
        let whole = self.silent.max(SHORTEST_FIRST);
        (whole, whole / 3)
    }

    /// Returns the maximum time of an attempt in which the server moves data, after `silent`
    /// attempts without a response. A lost response leaves time for another attempt, and a slow
    /// server gets more time with each.
    pub(super) fn transfer(self, silent: u32, shortest: Duration) -> Duration {
        let first = (self.silent / TRANSFERS).max(shortest);
        first.saturating_mul(1 << silent.min(8))
    }

    /// Returns the limits while every request has failed for `failing`. Requests that start after
    /// the timeout do not wait for all of it again.
    pub(super) fn after(self, failing: Duration) -> Self {
        let cut = |limit: Duration| {
            if failing >= limit {
                limit.min(AFTER_TIMEOUT)
            } else {
                limit
            }
        };
        Self {
            answering: cut(self.answering),
            silent: cut(self.silent),
            credentials: cut(self.credentials),
        }
    }
}

/// Attempts of one request.
#[derive(Debug)]
pub(super) struct Tries {
    started: Instant,
    limits: RetryLimits,
    failed: u32,
    again: Again,
}

/// Failure that is followed by another attempt after the time limit, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Never,
    /// Long attempt without a response.
    WithoutAnswer,
    /// First break of a body, of which much may have arrived.
    AfterBreak,
}

/// Step after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryStep {
    /// Another attempt after this delay.
    Retry(Duration),
    /// No further attempt.
    GiveUp,
}

impl Tries {
    /// Creates the attempts of a request; the first one starts at `now`.
    pub(super) fn new(limits: RetryLimits, now: Instant) -> Self {
        Self {
            started: now,
            limits,
            failed: 0,
            again: Again::Never,
        }
    }

    /// Returns the same request, whose single attempts may take longer than the limits. After an
    /// attempt without a response, another one follows anyway, once.
    pub(super) fn again_without_answer(self) -> Self {
        let again = if self.limits.silent.is_zero() {
            Again::Never
        } else {
            Again::WithoutAnswer
        };
        Self { again, ..self }
    }

    /// Returns the same request, for the rest of a body that broke off. The rest is requested once,
    /// however little time is left.
    pub(super) fn again_after_break(self) -> Self {
        let again = Again::AfterBreak;
        Self { again, ..self }
    }

    /// Returns the limits of the request.
    pub(super) fn limits(&self) -> RetryLimits {
        self.limits
    }

    /// Returns the time since the first attempt began.
    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        now.duration_since(self.started)
    }

    /// Returns the number of failed attempts.
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }

    /// Returns the maximum time that the next attempt waits for its turn while the request rate is
    /// limited. Requests that write wait no longer than between retries: a mount that ends gives up
    /// after a few seconds without progress.
    pub(super) fn longest_turn(&self, line: Line, now: Instant) -> Duration {
        let left = self.limits.answering.saturating_sub(self.elapsed(now));
        match line {
            Line::Reads => left.max(MAX_DELAY),
            Line::Writes => MAX_DELAY,
        }
    }

    /// Decides what follows a failure. `jitter`, between 0 and 1, spreads retries of requests that
    /// failed together.
    pub(super) fn next(&mut self, error: &StoreError, now: Instant, jitter: f64) -> RetryStep {
        self.failed += 1;
        let Some(limit) = self.limit(&error.kind) else {
            return RetryStep::GiveUp;
        };
        let left = limit.saturating_sub(self.elapsed(now));
        let is_again = self.takes_again(&error.kind);
        if left.is_zero() && !is_again {
            return RetryStep::GiveUp;
        }
        let doubled = FIRST_DELAY.saturating_mul(1 << (self.failed - 1).min(16));
        let delay = doubled.min(MAX_DELAY).mul_f64(f64::midpoint(1.0, jitter));
        // The last attempt is made when the time is over.
        RetryStep::Retry(if left.is_zero() {
            delay
        } else {
            delay.min(left)
        })
    }

    /// Returns whether another attempt follows this failure after the time limit.
    fn takes_again(&mut self, kind: &StoreErrorKind) -> bool {
        let is_meant = match self.again {
            Again::Never => false,
            Again::WithoutAnswer => matches!(kind, StoreErrorKind::TimedOut),
            Again::AfterBreak => true,
        };
        if is_meant {
            self.again = Again::Never;
        }
        is_meant
    }

    fn limit(&self, kind: &StoreErrorKind) -> Option<Duration> {
        match kind {
            kind if kind.is_signature_mismatch() => {
                (self.failed < SIGNATURE_ATTEMPTS).then_some(self.limits.credentials)
            }
            StoreErrorKind::NoCredentials(_) | StoreErrorKind::StaleCredentials(_) => {
                Some(self.limits.credentials)
            }
            StoreErrorKind::Throttled(_) | StoreErrorKind::Overloaded(_) => {
                Some(self.limits.answering)
            }
            StoreErrorKind::Unreachable(_)
            | StoreErrorKind::TimedOut
            | StoreErrorKind::Truncated(_) => Some(self.limits.silent),
            StoreErrorKind::NotS3(_) => {
                (self.failed < NOT_S3_ATTEMPTS).then_some(self.limits.answering)
            }
            // The SDK has learnt from the answer how wrong the clock is.
            kind if kind.is_clock_skew() => (self.failed == 1).then_some(self.limits.answering),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_mins(5);

    fn error(kind: StoreErrorKind) -> StoreError {
        StoreError::new("PutObject", "s3://bucket/key".into(), kind)
    }

    fn slow_down() -> StoreError {
        error(StoreErrorKind::Throttled("SlowDown".into()))
    }

    /// Fails attempts at once until no other follows. Returns their number and the time that
    /// passed.
    fn exhaust(limits: RetryLimits, error: &StoreError, jitter: f64) -> (u32, Duration) {
        let start = Instant::now();
        let mut tries = Tries::new(limits, start);
        let mut now = start;
        while let RetryStep::Retry(delay) = tries.next(error, now, jitter) {
            assert!(delay <= MAX_DELAY);
            now += delay;
        }
        (tries.failed(), now - start)
    }

    #[test]
    fn a_request_is_repeated_until_the_deadline_and_not_beyond() {
        for jitter in [0.0, 0.5, 0.999] {
            let (attempts, passed) = exhaust(RetryLimits::new(TIMEOUT), &slow_down(), jitter);
            assert_eq!(passed, TIMEOUT);
            assert!((60..160).contains(&attempts), "{attempts}");
        }
    }

    #[test]
    fn a_refusal_is_not_repeated() {
        let refused = error(StoreErrorKind::AccessDenied("no".into()));
        let (attempts, passed) = exhaust(RetryLimits::new(TIMEOUT), &refused, 0.5);
        assert_eq!((attempts, passed), (1, Duration::ZERO));
    }

    #[test]
    fn answers_of_something_else_are_repeated_a_few_times_and_a_wrong_clock_once() {
        let limits = RetryLimits::new(TIMEOUT);
        let not_s3 = error(StoreErrorKind::NotS3("HTTP 200".into()));
        assert_eq!(exhaust(limits, &not_s3, 0.5).0, 3);
        let clock = "RequestTimeTooSkewed: the difference is too large";
        let clock = error(StoreErrorKind::BadCredentials(clock.into()));
        assert_eq!(exhaust(limits, &clock, 0.5).0, 2);
    }

    #[test]
    fn a_bucket_that_never_answered_is_given_up_sooner_than_one_that_is_overloaded() {
        let limits = RetryLimits::connecting(TIMEOUT);
        let dead = error(StoreErrorKind::Unreachable("refused".into()));
        assert_eq!(exhaust(limits, &dead, 0.5).1, CONNECTING);
        assert_eq!(exhaust(limits, &slow_down(), 0.5).1, TIMEOUT);
    }

    #[test]
    fn stale_credentials_are_waited_for_and_a_wrong_signature_only_for_a_moment() {
        let limits = RetryLimits::new(TIMEOUT);
        let stale = error(StoreErrorKind::StaleCredentials("ExpiredToken: old".into()));
        assert_eq!(exhaust(limits, &stale, 0.5).1, TIMEOUT);
        let signature = "SignatureDoesNotMatch: check the key";
        let signature = error(StoreErrorKind::StaleCredentials(signature.into()));
        let (attempts, passed) = exhaust(limits, &signature, 0.0);
        assert_eq!(attempts, SIGNATURE_ATTEMPTS);
        assert!(passed > Duration::from_secs(1), "{passed:?}");
        let connecting = RetryLimits::connecting(TIMEOUT);
        assert_eq!(exhaust(connecting, &stale, 0.5).0, 1);
    }

    #[test]
    fn missing_credentials_are_a_refusal_until_they_have_worked() {
        let missing = error(StoreErrorKind::NoCredentials("no answer".into()));
        let (attempts, _) = exhaust(RetryLimits::connecting(TIMEOUT), &missing, 0.5);
        assert_eq!(attempts, 1);
        assert_eq!(exhaust(RetryLimits::new(TIMEOUT), &missing, 0.5).1, TIMEOUT);
    }

    #[test]
    fn without_a_timeout_there_is_one_attempt() {
        let once = RetryLimits::new(Duration::ZERO);
        assert_eq!(exhaust(once, &slow_down(), 0.5).0, 1);
    }

    #[test]
    fn after_a_whole_timeout_of_failures_later_requests_wait_less() {
        let limits = RetryLimits::new(TIMEOUT);
        assert_eq!(limits.after(TIMEOUT / 2), limits);
        let later = limits.after(TIMEOUT);
        assert_eq!(later, RetryLimits::new(AFTER_TIMEOUT));
        let short = RetryLimits::new(Duration::from_secs(3));
        assert_eq!(short.after(TIMEOUT), short);
    }

    #[test]
    fn a_turn_is_waited_for_within_the_limit_of_the_request() {
        let start = Instant::now();
        let tries = Tries::new(RetryLimits::new(TIMEOUT), start);
        assert_eq!(tries.longest_turn(Line::Reads, start), TIMEOUT);
        let late = start + TIMEOUT;
        for now in [start, late] {
            let turn = tries.longest_turn(Line::Writes, now);
            assert!(turn < Duration::from_secs(8), "an end waits no longer");
        }
        assert_eq!(tries.longest_turn(Line::Reads, late), MAX_DELAY);
    }

    #[test]
    fn a_long_attempt_without_an_answer_is_followed_by_another_once() {
        let (start, silent) = (Instant::now(), error(StoreErrorKind::TimedOut));
        let mut tries = Tries::new(RetryLimits::new(TIMEOUT), start).again_without_answer();
        let next = tries.next(&silent, start + TIMEOUT, 0.999);
        assert!(matches!(next, RetryStep::Retry(delay) if delay <= FIRST_DELAY));
        assert_eq!(tries.next(&silent, start + TIMEOUT, 0.5), RetryStep::GiveUp);
        let mut tries = Tries::new(RetryLimits::new(Duration::ZERO), start).again_without_answer();
        assert_eq!(tries.next(&silent, start, 0.5), RetryStep::GiveUp);
    }

    #[test]
    fn transfers_leave_time_for_another_attempt_and_have_more_with_each() {
        let limits = |timeout, silent| {
            let limits = RetryLimits::new(timeout);
            limits.transfer(silent, Duration::from_mins(1)).as_secs()
        };
        let long = Duration::from_mins(6);
        assert_eq!((limits(long, 0), limits(long, 1)), (120, 240));
        let short = Duration::from_secs(3);
        assert_eq!((limits(short, 0), limits(short, 1)), (60, 120));
    }
}
