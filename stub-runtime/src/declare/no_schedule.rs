//! Schedules of a program that can't follow them: those of jobs in `stub.toml`, which other programs run.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Schedule of a job, as it is written.
#[derive(Clone, Debug)]
pub struct Schedule(String);

/// Reason for which a value is no schedule.
pub type ScheduleError = Infallible;

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        Ok(Self(text.to_owned()))
    }
}

/// Formats the schedule as it is written.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
