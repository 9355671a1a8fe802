//! Option `schedule`.

use crate::declare::{Cron, Options, Period, Schedule, ScheduleError};

/// Type of `schedule`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a schedule",
    label = "expected a `Cron` or a `Period`",
    note = "write `Cron(\"0 3 * * *\")` or `Period(Duration::from_secs(3600))`"
)]
pub trait IntoSchedule {
    /// Converts to a schedule.
    ///
    /// # Errors
    /// The value is no schedule.
    fn into_schedule(self) -> Result<Schedule, ScheduleError>;
}

impl IntoSchedule for Cron<'_> {
    fn into_schedule(self) -> Result<Schedule, ScheduleError> {
        self.try_into()
    }
}

impl IntoSchedule for Period {
    fn into_schedule(self) -> Result<Schedule, ScheduleError> {
        self.try_into()
    }
}

impl Options {
    /// Option `schedule = …`.
    pub fn schedule(mut self, schedule: impl IntoSchedule) -> Self {
        self.schedule = Some(schedule.into_schedule());
        self
    }
}
