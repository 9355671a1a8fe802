//! What is seen of calls: their progress, records of them, the log, spans, and what jobs print.

pub(crate) mod log;
pub(crate) mod logs;
#[cfg(feature = "opentelemetry")]
pub(crate) mod otel;
pub(crate) mod output;
pub(crate) mod report;
pub(crate) mod watch;

pub use log::{Lines as LogLines, end as end_log, start as start_log};
pub use watch::{Seeing, address, announce, not_run, say, want_history, write_history};
