//! Telemetry of calls: progress, records, the log, spans, and the output of jobs.

pub(crate) mod log;
pub(crate) mod logs;
#[cfg(feature = "opentelemetry")]
pub(crate) mod otel;
pub(crate) mod output;
pub(crate) mod report;
pub(crate) mod watch;

pub use log::{Lines as LogLines, end as end_log, start as start_log};
pub use watch::{WarmingBar, announce, not_run, say, want_history, write_history};
