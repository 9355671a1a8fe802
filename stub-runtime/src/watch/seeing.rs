//! What a command line may ask to see.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{kept, metrics};
use crate::config;

/// Reads the address of [`Seeing::metrics`].
///
/// # Errors
/// It is none: with what to write.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an address and a port, such as 127.0.0.1:9091".to_owned())
}

/// What is to be seen of the calls of this program, besides bars where there is a terminal.
#[derive(Clone, Debug, Default)]
pub struct Seeing {
    /// A line at the end of each call: how long it took, what was asked of the buckets, and what that costs.
    pub summary: bool,
    /// A file for a page about all calls: inputs, retries, throughput and requests over time.
    pub report: Option<PathBuf>,
    /// An address at which Prometheus, and whoever speaks HTTP, can read metrics as long as the program runs.
    pub metrics: Option<SocketAddr>,
}

impl Seeing {
    /// Begins to show it.
    ///
    /// # Errors
    /// The file can't be written, or the address can't be had: with what it is.
    pub fn begin(self) -> Result<(), String> {
        config::want_progress();
        if self.summary {
            config::want_summary();
        }
        if let Some(path) = self.report {
            let shown = path.display().to_string();
            kept::want_page(path).map_err(|error| format!("can't write `{shown}`: {error}"))?;
        }
        self.metrics.map_or(Ok(()), metrics::serve)
    }
}
