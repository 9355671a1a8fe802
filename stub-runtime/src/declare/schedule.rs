//! Recurring points in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Zoned;

/// Schedule in the form of cron: minute, hour, day of the month, month, day of the week, in the
/// machine's time zone. `Cron("0 3 * * *")` is three o'clock each night.
///
/// A field is a number, a range, a list, a step, or `*`. Days and months have names as well, and
/// `@daily` and its kin stand for the usual schedules
/// ([`crontab(5)`](https://man7.org/linux/man-pages/man5/crontab.5.html)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cron<'a>(pub &'a str);

/// Schedule with a fixed time from each start to the next. `Period(Duration::from_secs(3600))` is each hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(pub Duration);

/// Schedule of a function or a job.
#[derive(Clone, Debug)]
pub struct Schedule(When);

#[derive(Clone, Debug)]
enum When {
    Cron(Box<croner::Cron>),
    Period(Duration),
}

/// Reason for which a value is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The text isn't in the form of cron.
    #[error(
        "the schedule `{given}` is not understood: {reason}; write minute, hour, day, month and weekday, \
         such as `0 3 * * *`"
    )]
    NotCron {
        /// Given text.
        given: String,
        /// Cause.
        reason: String,
    },
    /// The period is zero.
    #[error("the period is 0; it must be a second or more")]
    NoPeriod,
}

impl Schedule {
    /// Returns the first time after this one; nothing if there is none.
    pub fn next_after(&self, time: &Zoned) -> Option<Zoned> {
        match &self.0 {
            When::Cron(cron) => cron.find_next_occurrence(time, false).ok(),
            When::Period(period) => time.checked_add(*period).ok(),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let cron = croner::Cron::from_str(text);
        cron.map(|cron| Self(When::Cron(Box::new(cron))))
            .map_err(|error| ScheduleError::NotCron {
                given: text.to_owned(),
                reason: error.to_string(),
            })
    }
}

impl TryFrom<Cron<'_>> for Schedule {
    type Error = ScheduleError;

    fn try_from(Cron(text): Cron<'_>) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl TryFrom<Period> for Schedule {
    type Error = ScheduleError;

    fn try_from(Period(period): Period) -> Result<Self, ScheduleError> {
        if period < Duration::from_secs(1) {
            return Err(ScheduleError::NoPeriod);
        }
        Ok(Self(When::Period(period)))
    }
}

/// Formats the schedule as it is written.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            When::Cron(cron) => f.write_str(&cron.pattern.to_string()),
            When::Period(period) => write!(f, "every {period:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn time(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    fn next(schedule: &Schedule, from: &str) -> String {
        schedule
            .next_after(&time(from))
            .unwrap()
            .strftime("%F %T")
            .to_string()
    }

    #[test]
    fn cron_is_what_it_always_was() {
        let nightly: Schedule = "0 3 * * *".parse().unwrap();
        assert_eq!(
            next(&nightly, "2026-11-25T02:59:59[UTC]"),
            "2026-11-25 03:00:00"
        );
        assert_eq!(
            next(&nightly, "2026-11-25T03:00:00[UTC]"),
            "2026-11-26 03:00:00"
        );
        let workdays: Schedule = "*/15 9-17 * * MON-FRI".parse().unwrap();
        assert_eq!(
            next(&workdays, "2026-11-27T17:50:00[UTC]"),
            "2026-11-30 09:00:00"
        );
        let daily: Schedule = "@daily".parse().unwrap();
        assert_eq!(
            next(&daily, "2026-02-28T12:00:00[UTC]"),
            "2026-03-01 00:00:00"
        );
    }

    #[test]
    fn a_night_with_a_change_of_the_clocks_has_its_run() {
        let nightly: Schedule = "30 2 * * *".parse().unwrap();
        // In Berlin, there is no half past two that night.
        let spring = nightly
            .next_after(&time("2026-03-28T12:00:00[Europe/Berlin]"))
            .unwrap();
        assert!(
            spring < time("2026-03-29T12:00:00[Europe/Berlin]"),
            "{spring}"
        );
    }

    #[test]
    fn a_period_is_counted_from_the_beginning() {
        let hourly = Schedule::try_from(Period(Duration::from_hours(1))).unwrap();
        assert_eq!(
            next(&hourly, "2026-11-25T02:10:00[UTC]"),
            "2026-11-25 03:10:00"
        );
        assert_eq!(
            Schedule::try_from(Period(Duration::ZERO)).err(),
            Some(ScheduleError::NoPeriod)
        );
    }

    #[test]
    fn what_is_no_schedule_says_what_to_write() {
        for wrong in ["", "every night", "61 * * * *", "* * *"] {
            let error = wrong.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains("such as `0 3 * * *`"), "{error}");
        }
    }
}
