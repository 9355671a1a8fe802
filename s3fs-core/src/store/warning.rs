//! Bound on how often the user is warned.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two warnings.
const INTERVAL: Duration = Duration::from_secs(20);

/// When the last warning was given: a thousand requests that wait for one server are one warning.
#[derive(Debug, Default)]
pub(super) struct Warning(Mutex<Option<Instant>>);

impl Warning {
    /// Returns whether another warning may be given now, and notes that it is.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}
