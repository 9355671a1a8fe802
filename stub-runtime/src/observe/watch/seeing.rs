//! Telemetry options of a command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{kept, metrics};
use crate::host::config;

/// Parses the address of [`Seeing::metrics`].
///
/// # Errors
/// The text is no address; the error says what to write.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an address and a port, such as 127.0.0.1:9091".to_owned())
}

/// Telemetry to show for the calls of this program, besides bars on a terminal.
#[derive(Clone, Debug, Default)]
pub struct Seeing {
    /// Line at the end of each call: duration, requests to the buckets, and their cost.
    pub summary: bool,
    /// File for a page about all calls: inputs, retries, throughput and requests over time.
    pub report: Option<PathBuf>,
    /// Address at which Prometheus and other HTTP clients can read metrics as long as the program runs.
    pub metrics: Option<SocketAddr>,
}

impl Seeing {
    /// Starts the telemetry.
    ///
    /// # Errors
    /// The file can't be written, or the address can't be used; the error names it.
    pub fn begin(self) -> Result<(), String> {
        config::want_progress();
        if self.summary {
            config::want_summary();
        }
        if let Some(path) = self.report {
            let shown = path.display().to_string();
            kept::want_page(path).map_err(|error| format!("failed to write `{shown}`: {error}"))?;
        }
        self.metrics.map_or(Ok(()), metrics::serve)
    }
}
