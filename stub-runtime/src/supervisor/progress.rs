//! How far the call has come, told to its caller now and then.

use std::time::{Duration, Instant};

use crate::protocol::{FromSupervisor, Progress};

use super::line::Line;

/// So often, if something has changed.
const EVERY: Duration = Duration::from_millis(500);

/// Tells it.
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

    /// When to tell it again.
    pub(super) fn due(&self) -> Instant {
        self.next
    }

    /// It has come so far. A caller that is busy hears of it later.
    pub(super) fn tell(&mut self, progress: Progress) {
        self.next = Instant::now() + EVERY;
        if progress != self.told && self.caller.is_listening() {
            self.tell_at_last(progress);
        }
    }

    /// The same, for the last time.
    pub(super) fn tell_at_last(&mut self, progress: Progress) {
        self.told = progress;
        self.caller.say(&FromSupervisor::Progress(progress));
    }
}
