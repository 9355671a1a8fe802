//! The log of our processes that have credentials, and of command lines: standard error, filtered
//! as the environment asks. With the feature `opentelemetry`, their spans are exported as well.

use std::io::{self, Write};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::host::config;
use crate::observe::watch;

/// Starts logging. A filter that can't be understood is replaced by the default one.
pub fn start() {
    let parsed = |text: &str| text.parse::<Targets>();
    let filter = parsed(&config::log_filter()).or_else(|_| parsed(config::DEFAULT_LOG));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Lines)
        .with_ansi(watch::have_colours())
        .with_filter(filter.unwrap_or_default());
    let log = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "opentelemetry")]
    let log = log.with(crate::observe::otel::exporter().unwrap_or_else(|reason| {
        watch::say(&reason);
        None
    }));
    // Fails only where a subscriber is set already, which then logs.
    let _ = log.try_init();
}

/// Standard error, where there may be bars: a line for each event, whatever names of objects are in
/// it. What a terminal acts on is escaped before.
#[derive(Debug)]
pub struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    /// Writes each line at once.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let line = one_line(&String::from_utf8_lossy(bytes));
        if watch::above(line.as_bytes()) {
            return Ok(());
        }
        io::stderr().lock().write_all(line.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn one_line(event: &str) -> String {
    let line = event.strip_suffix('\n').unwrap_or(event);
    format!("{}\n", line.replace('\n', "\\n").replace('\r', "\\r"))
}

/// Ends the log: exports the remaining spans.
pub fn end() {
    #[cfg(feature = "opentelemetry")]
    crate::observe::otel::flush();
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn an_event_is_one_line() {
        let event = "WARN a copy stays key=a\nERROR forged\r\n";
        assert_eq!(
            one_line(event),
            "WARN a copy stays key=a\\nERROR forged\\r\n"
        );
        assert_eq!(one_line("whole"), "whole\n");
    }
}
