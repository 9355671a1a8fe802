//! Reported inputs whose files may not be stored yet, and the time of the next request to store.
//!
//! A caller gets the result of an input when all that its body wrote is stored. Inputs that were
//! given together share one request, made when the worker has reported all of them: nothing runs
//! then, so no half-written file is stored. Inputs that write are given one by one, so that an
//! object that can't be stored is the error of its own input.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Maximum time that a result waits for the reports of the inputs given with it.
const LONGEST: Duration = Duration::from_millis(10);

/// Reported inputs of one sandbox, in the order of their reports.
#[derive(Debug)]
pub(super) struct Unconfirmed<T> {
    reports: VecDeque<(Instant, T)>,
    /// Number of reports that the request in flight covers.
    asked: Option<usize>,
    /// Number of inputs, in a row, that have written nothing.
    clean: usize,
}

/// Time of the next request to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextRequest {
    Now,
    At(Instant),
    /// With the next report or answer, if at all.
    Later,
}

/// Changes of objects since the answer before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    None,
    Some,
}

impl<T> Default for Unconfirmed<T> {
    fn default() -> Self {
        Self {
            reports: VecDeque::new(),
            asked: None,
            clean: 0,
        }
    }
}

impl<T> Unconfirmed<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Returns the number of inputs that may be given now: at most as many as have written nothing in
    /// a row. `most`: maximum number in flight for their run time. `running`: number of inputs given
    /// and not reported.
    pub(super) fn room(&self, most: usize, running: usize) -> usize {
        if self.asked.is_some() {
            return 0;
        }
        let most = most.min(self.clean.max(1));
        most.saturating_sub(running + self.reports.len())
    }

    /// Adds a reported input.
    pub(super) fn reported(&mut self, now: Instant, input: T) {
        self.reports.push_back((now, input));
    }

    /// Returns the time of the next request. `running`: number of inputs given and not reported.
    pub(super) fn next_request(&self, now: Instant, running: usize) -> NextRequest {
        let Some((oldest, _)) = self.reports.front().filter(|_| self.asked.is_none()) else {
            return NextRequest::Later;
        };
        match *oldest + LONGEST {
            _ if running == 0 => NextRequest::Now,
            due if due <= now => NextRequest::Now,
            due => NextRequest::At(due),
        }
    }

    /// Records a request. It covers the inputs reported until now.
    pub(super) fn asked(&mut self) {
        self.asked = Some(self.reports.len());
    }

    /// Records the answer. Returns the inputs that the request covered.
    pub(super) fn answered(&mut self, writes: Writes) -> Vec<T> {
        let covered = self.asked.take().unwrap_or(0);
        self.clean = match writes {
            Writes::None => self.clean.saturating_add(covered),
            Writes::Some => 0,
        };
        let covered = self.reports.drain(..covered.min(self.reports.len()));
        covered.map(|(_, input)| input).collect()
    }

    /// Removes and returns all inputs, as there will be no more answers.
    pub(super) fn drain(&mut self) -> Vec<T> {
        self.asked = None;
        self.reports.drain(..).map(|(_, input)| input).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs batches of as many inputs as there is room for, all of which are short. Returns their
    /// sizes.
    fn batches(unconfirmed: &mut Unconfirmed<u32>, count: usize) -> Vec<usize> {
        let now = Instant::now();
        let batch = |_| {
            let room = unconfirmed.room(16, 0);
            for left in (0..room).rev() {
                unconfirmed.reported(now, 0);
                let is_due = unconfirmed.next_request(now, left) == NextRequest::Now;
                assert_eq!(is_due, left == 0, "asked once, when nothing runs");
            }
            unconfirmed.asked();
            assert_eq!(unconfirmed.answered(Writes::None).len(), room);
            room
        };
        (0..count).map(batch).collect()
    }

    #[test]
    fn inputs_that_write_nothing_share_a_request() {
        let mut unconfirmed = Unconfirmed::default();
        assert_eq!(batches(&mut unconfirmed, 7), [1, 1, 2, 4, 8, 16, 16]);
    }

    #[test]
    fn inputs_that_write_are_given_one_by_one() {
        let (mut unconfirmed, now) = (Unconfirmed::default(), Instant::now());
        batches(&mut unconfirmed, 7);
        for _ in 0..3 {
            unconfirmed.reported(now, 0);
            unconfirmed.asked();
            unconfirmed.answered(Writes::Some);
            assert_eq!(unconfirmed.room(16, 0), 1);
        }
        assert_eq!(batches(&mut unconfirmed, 3), [1, 1, 2]);
    }

    #[test]
    fn nothing_is_given_before_the_answer_and_the_run_time_limits_it() {
        let (mut unconfirmed, now) = (Unconfirmed::default(), Instant::now());
        batches(&mut unconfirmed, 7);
        assert_eq!(unconfirmed.room(1, 0), 1);
        assert_eq!(unconfirmed.room(16, 3), 13);
        unconfirmed.reported(now, 0);
        assert_eq!(unconfirmed.room(16, 3), 12);
        assert_eq!(unconfirmed.room(1, 0), 0);
        unconfirmed.asked();
        assert_eq!(unconfirmed.room(16, 3), 0);
        assert_eq!(unconfirmed.next_request(now, 0), NextRequest::Later);
    }

    #[test]
    fn a_result_waits_but_a_moment_for_an_input_that_takes_long() {
        let (mut unconfirmed, start) = (Unconfirmed::default(), Instant::now());
        assert_eq!(unconfirmed.next_request(start, 1), NextRequest::Later);
        unconfirmed.reported(start, 1);
        unconfirmed.reported(start + LONGEST / 2, 2);
        let due = start + LONGEST;
        assert_eq!(unconfirmed.next_request(start, 1), NextRequest::At(due));
        assert_eq!(unconfirmed.next_request(due, 1), NextRequest::Now);
    }

    #[test]
    fn an_answer_is_about_what_was_reported_before_its_request() {
        let (mut unconfirmed, now) = (Unconfirmed::default(), Instant::now());
        unconfirmed.reported(now, 1);
        unconfirmed.asked();
        unconfirmed.reported(now, 2);
        assert_eq!(unconfirmed.answered(Writes::None), [1]);
        assert_eq!(unconfirmed.next_request(now, 0), NextRequest::Now);
        assert!(unconfirmed.answered(Writes::None).is_empty());
        assert_eq!(unconfirmed.drain(), [2]);
        assert!(unconfirmed.is_empty());
    }
}
