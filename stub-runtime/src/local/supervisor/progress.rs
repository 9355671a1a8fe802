//! Progress reports to the caller, at intervals.

use std::time::{Duration, Instant};

use crate::protocol::{FromSupervisor, Progress};

use super::line::Line;

/// Interval of reports, if something has changed.
const EVERY: Duration = Duration::from_millis(500);

/// Reporter of progress to the caller.
#[derive(Debug)]
pub(super) struct Teller {
    caller: Line,
    told: Progress,
    next: Instant,
}

impl Teller {
    pub(super) fn new(caller: Line) -> Self {
        Self {
            caller,
            told: Progress::default(),
            next: Instant::now(),
        }
    }

    /// Returns the time of the next report.
    pub(super) fn due(&self) -> Instant {
        self.next
    }

    /// Reports the progress if it has changed. A busy caller gets it later.
    pub(super) fn tell(&mut self, progress: Progress) {
        self.next = Instant::now() + EVERY;
        if progress != self.told && self.caller.is_listening() {
            self.tell_at_last(progress);
        }
    }

    /// Reports the progress for the last time, even to a busy caller.
    pub(super) fn tell_at_last(&mut self, progress: Progress) {
        self.told = progress;
        self.caller.say(&FromSupervisor::Progress(progress));
    }
}
