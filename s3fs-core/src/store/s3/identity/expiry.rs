//! Times at which keys with an expiry are read again.

use std::time::{Duration, SystemTime};

/// Time before the expiry at which keys are read again: large enough for a source that is away for a
/// while.
const LEAD: Duration = Duration::from_mins(5);

/// Minimum time between two reads: a source may return keys that have expired.
pub(super) const SHORTEST: Duration = Duration::from_secs(30);

/// Returns the time at which keys that were given before are read again.
pub(super) fn first_look(expires: SystemTime, now: SystemTime) -> SystemTime {
    if expires <= now {
        now
    } else {
        next_look(expires, now)
    }
}

/// Returns the time at which keys that were read just now are read again: five minutes before they
/// expire, or after half of their time, if that is later.
pub(super) fn next_look(expires: SystemTime, now: SystemTime) -> SystemTime {
    let left = expires.duration_since(now).unwrap_or_default();
    now + left.saturating_sub(LEAD.min(left / 2)).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_again_before_they_expire_and_not_all_the_time() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        let wait = |look: fn(SystemTime, SystemTime) -> SystemTime, seconds: i64| {
            let of = Duration::from_secs(seconds.unsigned_abs());
            let expires = if seconds < 0 { now - of } else { now + of };
            look(expires, now).duration_since(now).unwrap().as_secs()
        };
        for (seconds, expected) in [
            (12 * 3600, 12 * 3600 - 300),
            (3600, 3300),
            (900, 600),
            (600, 300),
            (120, 60),
            (10, 30),
        ] {
            assert_eq!(wait(next_look, seconds), expected, "{seconds}");
            assert_eq!(wait(first_look, seconds), expected, "{seconds}");
        }
        for expired in [0, -1, -3600] {
            assert_eq!(
                wait(next_look, expired),
                30,
                "a source that knows no others"
            );
            assert_eq!(wait(first_look, expired), 0, "they may be old");
        }
    }
}
