//! Times as text: seconds since 1970 with or without a fraction, as s3fs-fuse and rclone write
//! them, or a date by RFC 3339.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

const DIGITS: usize = 9;

/// Parses a time; `None` if it is not one that this machine can represent.
pub(super) fn read(text: &str) -> Option<SystemTime> {
    read_seconds(text).or_else(|| {
        let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(date.into())
    })
}

fn read_seconds(text: &str) -> Option<SystemTime> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let nanos = format!("{fraction:0<DIGITS$}")[..DIGITS].parse().ok()?;
    let since = Duration::new(seconds.parse().ok()?, nanos);
    if is_negative {
        UNIX_EPOCH.checked_sub(since)
    } else {
        UNIX_EPOCH.checked_add(since)
    }
}

/// Formats a time, with all nine digits of the fraction or none: s3fs-fuse reads the fraction as a
/// number of nanoseconds.
pub(super) fn write(time: SystemTime) -> String {
    let (sign, since) = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => ("", since),
        Err(before) => ("-", before.duration()),
    };
    match (since.as_secs(), since.subsec_nanos()) {
        (seconds, 0) => format!("{sign}{seconds}"),
        (seconds, nanos) => format!("{sign}{seconds}.{nanos:0DIGITS$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64, nanos: u32) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
    }

    fn before(seconds: u64, nanos: u32) -> Option<SystemTime> {
        UNIX_EPOCH.checked_sub(Duration::new(seconds, nanos))
    }

    #[test]
    fn times_are_read_in_every_form() {
        for (text, time) in [
            ("1700000000", after(1_700_000_000, 0)),
            ("1700000000.000000005", after(1_700_000_000, 5)),
            ("1700000000.123456789", after(1_700_000_000, 123_456_789)),
            ("1700000000.5", after(1_700_000_000, 500_000_000)),
            ("1700000000.1234567891", after(1_700_000_000, 123_456_789)),
            ("0", after(0, 0)),
            ("-1", before(1, 0)),
            ("-1.5", before(1, 500_000_000)),
            ("2023-11-14T22:13:20Z", after(1_700_000_000, 0)),
            (
                "2023-11-15T00:13:20.123456789+02:00",
                after(1_700_000_000, 123_456_789),
            ),
            ("1969-12-31T23:59:59Z", before(1, 0)),
        ] {
            assert!(time.is_some());
            assert_eq!(read(text), time, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "-",
            ".",
            ".5",
            "5.",
            "1e9",
            "+1",
            "--1",
            "1.-5",
            "ü",
            "1.ü",
            "UTIME_OMIT",
            "18446744073709551615",
            "-18446744073709551615",
            "99999999999999999999",
            "2023-11-14",
            "yesterday",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn fractions_are_written_in_full_or_not_at_all() {
        assert_eq!(write(after(1_700_000_000, 0).unwrap()), "1700000000");
        assert_eq!(write(after(1, 5).unwrap()), "1.000000005");
        assert_eq!(write(before(1, 500_000_000).unwrap()), "-1.500000000");
    }
}
