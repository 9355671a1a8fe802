//! Prediction whether a file will be opened after its name is looked up.
//!
//! A program that opens files in no particular order waits for two round trips each: the lookup and
//! the first bytes. If it opened the names it looked up lately, the first bytes are requested
//! together with the next lookup. A program that only looks up names never causes such requests.

use std::collections::VecDeque;
use std::hash::Hash;

/// Number of consecutive looked-up names that must be opened before the next open is predicted.
const HABIT: u32 = 2;

/// Maximum score; bounds how many wrong predictions it takes to stop.
const MOST: u32 = 4;

/// Maximum number of names remembered as looked up and not opened.
const REMEMBERED: usize = 16;

/// Record of what followed recent lookups.
#[derive(Clone, Debug)]
pub(super) struct OpenHeuristic<N> {
    score: u32,
    /// Names looked up and not opened so far, the oldest first.
    pending: VecDeque<N>,
}

impl<N> Default for OpenHeuristic<N> {
    fn default() -> Self {
        Self {
            score: 0,
            pending: VecDeque::new(),
        }
    }
}

impl<N: Eq + Hash> OpenHeuristic<N> {
    /// Returns whether the next name will probably be opened.
    pub(super) fn opens(&self) -> bool {
        self.score >= HABIT
    }

    /// Records a lookup of a name that exists.
    pub(super) fn found(&mut self, name: N) {
        self.pending.push_back(name);
        if self.pending.len() > REMEMBERED {
            self.pending.pop_front();
            self.disappointed();
        }
    }

    /// Records a lookup of a name that does not exist.
    pub(super) fn missed(&mut self) {
        self.disappointed();
    }

    /// Records that a file was opened.
    pub(super) fn opened(&mut self, name: &N) {
        if let Some(at) = self.pending.iter().rposition(|pending| pending == name) {
            self.pending.remove(at);
            self.score = (self.score + 1).min(MOST);
        }
    }

    fn disappointed(&mut self) {
        self.score = self.score.saturating_sub(HABIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_opened_make_a_habit() {
        let mut habit = OpenHeuristic::default();
        for name in 0..3 {
            assert_eq!(habit.opens(), name >= 2);
            habit.found(name);
            habit.opened(&name);
        }
    }

    #[test]
    fn a_program_that_only_looks_has_none_and_loses_it_soon() {
        let mut habit = OpenHeuristic::default();
        for name in 0..10 {
            habit.found(name);
            habit.opened(&name);
        }
        let looks = (10..100).take_while(|name| {
            let opens = habit.opens();
            habit.found(*name);
            opens
        });
        assert!(looks.count() <= REMEMBERED + 2);
        for name in 100..200 {
            habit.found(name);
            assert!(!habit.opens());
        }
    }

    #[test]
    fn names_that_are_not_there_break_it() {
        let mut habit = OpenHeuristic::default();
        for name in 0..10 {
            habit.found(name);
            habit.opened(&name);
        }
        habit.missed();
        assert!(habit.opens());
        habit.missed();
        assert!(!habit.opens());
    }
}
