//! Bad moments of the server.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What goes wrong now.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    fails_until: Mutex<Option<Instant>>,
    is_silent_until: Mutex<Option<Instant>>,
    lost_answers: AtomicUsize,
}

impl Faults {
    /// Every answer is an internal error for so long.
    pub(crate) fn fail(&self, time: Duration) {
        *self.fails_until.lock().unwrap() = Some(Instant::now() + time);
    }

    /// There are no answers for so long, and then connections end.
    pub(crate) fn be_silent(&self, time: Duration) {
        *self.is_silent_until.lock().unwrap() = Some(Instant::now() + time);
    }

    /// The answers to so many requests to make a Job are lost.
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
