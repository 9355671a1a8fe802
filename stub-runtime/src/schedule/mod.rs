//! When things are run by themselves, and running them then.

mod serve;
mod when;

pub use serve::{Entry, serve};
pub use when::{Cron, Period, Schedule, ScheduleError};
