//! Whether a name that is looked up will be opened, decided from what became of earlier ones.
//!
//! A program that opens files here and there waits for two round trips each: one for the name, one
//! for the bytes. If the names it looked up lately were opened, the bytes are asked for together with
//! the next name. A program that only looks at names is never charged for bytes.

use std::collections::VecDeque;
use std::hash::Hash;

/// So many names in a row that were opened make a habit.
const HABIT: u32 = 2;

/// It takes no more than this to break it again.
const MOST: u32 = 4;

/// Names that were looked up and not opened are remembered until there are so many.
const REMEMBERED: usize = 16;

/// What became of names that were looked up lately.
#[derive(Clone, Debug)]
pub struct Habit<N> {
    score: u32,
    /// Looked up and not opened so far, the oldest first.
    pending: VecDeque<N>,
}

impl<N> Default for Habit<N> {
    fn default() -> Self {
        Self {
            score: 0,
            pending: VecDeque::new(),
        }
    }
}

impl<N: Eq + Hash> Habit<N> {
    /// Whether the next name will be opened, most likely.
    pub fn opens(&self) -> bool {
        self.score >= HABIT
    }

    /// A name was looked up, and is there.
    pub fn found(&mut self, name: N) {
        self.pending.push_back(name);
        if self.pending.len() > REMEMBERED {
            self.pending.pop_front();
            self.disappointed();
        }
    }

    /// A name was looked up, and is not there.
    pub fn missed(&mut self) {
        self.disappointed();
    }

    /// A file was opened.
    pub fn opened(&mut self, name: &N) {
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
        let mut habit = Habit::default();
        for name in 0..3 {
            assert_eq!(habit.opens(), name >= 2);
            habit.found(name);
            habit.opened(&name);
        }
    }

    #[test]
    fn a_program_that_only_looks_has_none_and_loses_it_soon() {
        let mut habit = Habit::default();
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
        let mut habit = Habit::default();
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
