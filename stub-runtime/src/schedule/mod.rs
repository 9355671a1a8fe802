//! Schedules of commands, and their execution at these times.

mod serve;
mod when;

pub use serve::{Entry, serve};
pub use when::{Cron, Period, Schedule, ScheduleError};
