//! Limit on the time for which a body that keeps breaking off is resumed. No I/O.

use super::policy::Tries;

/// Bytes to receive after a break before the next break has a retry time of its own. A server that
/// cuts each response after a few KiB is retried until the deadline. A large object that breaks off
/// now and then is read to its end, however long that takes.
const PROGRESS: u64 = 1 << 20;

/// Breaks of one body.
#[derive(Debug, Default)]
pub(super) struct Breaks(Option<Series>);

/// Series of breaks with little progress between them.
#[derive(Debug)]
struct Series {
    tries: Tries,
    /// Bytes received since the first break.
    came: u64,
}

impl Breaks {
    /// Records received bytes.
    pub(super) fn came(&mut self, bytes: u64) {
        if let Some(series) = &mut self.0 {
            series.came = series.came.saturating_add(bytes);
        }
        self.0.take_if(|series| series.came >= PROGRESS);
    }

    /// Returns the attempts that a break belongs to: the attempts of the current series of breaks,
    /// or new ones from `begin`.
    pub(super) fn tries(&mut self, begin: impl FnOnce() -> Tries) -> &mut Tries {
        let series = self.0.get_or_insert_with(|| Series {
            tries: begin().again_after_break(),
            came: 0,
        });
        &mut series.tries
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::store::retry::RetryLimits;
    use crate::store::retry::policy::RetryStep;
    use crate::store::{StoreError, StoreErrorKind};

    const TIMEOUT: Duration = Duration::from_mins(5);
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;

    /// Reads a body of `size` bytes from a server that cuts each response after `cut`. Returns the
    /// number of requests and the time that passed, as an error if the body failed.
    fn read(timeout: Duration, size: u64, cut: u64) -> Result<(u32, Duration), (u32, Duration)> {
        let start = Instant::now();
        let (mut breaks, mut now, mut missing) = (Breaks::default(), start, size);
        for requests in 1.. {
            breaks.came(cut.min(missing));
            missing = missing.saturating_sub(cut);
            if missing == 0 {
                return Ok((requests, now - start));
            }
            let kind = StoreErrorKind::Truncated("cut".into());
            let error = StoreError::new("GetObject", "s3://bucket/key".into(), kind);
            let tries = breaks.tries(|| Tries::new(RetryLimits::new(timeout), now));
            match tries.next(&error, now, 0.5) {
                RetryStep::Retry(delay) => now += delay,
                RetryStep::GiveUp => return Err((requests, now - start)),
            }
        }
        unreachable!("a body ends");
    }

    #[test]
    fn a_body_that_hardly_advances_is_given_up_at_the_deadline() {
        let (requests, passed) = read(TIMEOUT, 100 * MIB, 4 * KIB).unwrap_err();
        assert_eq!(passed, TIMEOUT);
        assert!(requests < 160, "{requests}");
        let (requests, _) = read(TIMEOUT, 100 * MIB, 0).unwrap_err();
        assert!(requests < 160, "{requests}");
    }

    #[test]
    fn a_body_that_advances_is_read_to_its_end() {
        let (requests, passed) = read(TIMEOUT, 10_000 * MIB, MIB).unwrap();
        assert_eq!(requests, 10_000);
        assert!(passed > TIMEOUT);
        let (requests, _) = read(TIMEOUT, 100 * MIB, 100 * KIB).unwrap();
        assert_eq!(requests, 1024);
    }

    #[test]
    fn without_a_timeout_each_mib_may_break_once() {
        let (requests, _) = read(Duration::ZERO, 10 * MIB, MIB).unwrap();
        assert_eq!(requests, 10);
        let (requests, _) = read(Duration::ZERO, 10 * MIB, MIB / 2).unwrap_err();
        assert_eq!(requests, 2);
    }
}
