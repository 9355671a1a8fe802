//! The log of our processes that have credentials: standard error, filtered as the environment asks.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config;

/// Starts logging. A filter that can't be understood is replaced by the default one.
pub(crate) fn start() {
    let filter = EnvFilter::try_new(config::log_filter())
        .unwrap_or_else(|_| EnvFilter::new(config::DEFAULT_LOG));
    // Fails only where a subscriber is set already, which then logs.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}
