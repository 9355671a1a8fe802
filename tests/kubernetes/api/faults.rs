//! Faults of the API server.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    fails_until: Mutex<Option<Instant>>,
    is_silent_until: Mutex<Option<Instant>>,
    lost_answers: AtomicUsize,
}

impl Faults {
    /// Answers every request with an internal error for this time.
    pub(crate) fn fail(&self, time: Duration) {
        *self.fails_until.lock().unwrap() = Some(Instant::now() + time);
    }

    /// Sends no answers for this time, and then closes the connections.
    pub(crate) fn be_silent(&self, time: Duration) {
        *self.is_silent_until.lock().unwrap() = Some(Instant::now() + time);
    }

    /// Loses the answers to this many requests that create a Job.
    pub(crate) fn lose_answers(&self, count: usize) {
        self.lost_answers.store(count, Ordering::Release);
    }

    pub(super) fn fails(&self) -> bool {
        is_before(*self.fails_until.lock().unwrap())
    }

    pub(super) fn is_silent(&self) -> bool {
        is_before(*self.is_silent_until.lock().unwrap())
    }

    pub(super) fn loses_answer(&self) -> bool {
        let less = |count: usize| count.checked_sub(1);
        let lost = &self.lost_answers;
        lost.fetch_update(Ordering::AcqRel, Ordering::Acquire, less)
            .is_ok()
    }
}

fn is_before(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() < until)
}
