//! How many files to fetch ahead in a folder, decided from nothing but which were opened and when.
//!
//! A program that opens one file of a folder after another, in the order in which the folder lists
//! them, will most likely open the next ones as well. A walk is such a sequence, with small steps
//! back and small skips allowed (several threads take turns, or every second file is of no
//! interest). What is fetched ahead of it doubles with each file, but stays within what will be
//! opened soon: bytes that lie here for long are out of date.

use std::time::{Duration, Instant};

/// The most files ahead: so many requests in flight hide 20 ms behind 0.3 ms a file.
pub const MOST: usize = 64;

/// Steps between two files that don't end a walk.
pub const STEP: usize = 16;

/// What is fetched ahead shall be opened within this time: half of what is believed of a file's
/// version without asking again.
const SOON: Duration = Duration::from_millis(500);

/// At a slower pace, what is fetched ahead is out of date before it is opened.
const TOO_SLOW: Duration = Duration::from_millis(800);

/// A gap that tells nothing about the pace: the program did something else.
const PAUSE: Duration = Duration::from_secs(2);

/// What is known of the files opened in one folder.
#[derive(Clone, Debug)]
pub struct Walk {
    /// How many files to fetch ahead now.
    ahead: usize,
    /// The mean time between two opens, the latest counting most.
    pace: Option<Duration>,
    last: Instant,
}

impl Walk {
    /// The first file of a folder was opened.
    pub fn new(now: Instant) -> Self {
        Self {
            ahead: 0,
            pace: None,
            last: now,
        }
    }

    /// Another file was opened; `near` says that it lies within [`STEP`] of the last one. Returns
    /// how many of the files behind it to fetch ahead.
    pub fn opened(&mut self, near: bool, now: Instant) -> usize {
        let gap = now.saturating_duration_since(self.last);
        self.last = now;
        if !near || gap > PAUSE {
            self.ahead = 0;
            self.pace = None;
            return 0;
        }
        let pace = self.pace.map_or(gap, |mean| (mean * 3 + gap) / 4);
        self.pace = Some(pace);
        self.ahead = (self.ahead * 2).clamp(4, MOST);
        self.ahead.min(soon(pace))
    }
}

/// How many files at this pace are opened soon: one at least, if it is not out of date by then.
fn soon(pace: Duration) -> usize {
    if pace > TOO_SLOW {
        return 0;
    }
    let files = SOON.as_nanos() / pace.as_nanos().max(1);
    usize::try_from(files).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk over `count` files, one every `pace`.
    fn walk(count: u32, pace: Duration) -> Vec<usize> {
        let start = Instant::now();
        let mut walk = Walk::new(start);
        let opened = |n| walk.opened(true, start + pace * n);
        (1..=count).map(opened).collect()
    }

    #[test]
    fn the_second_file_in_order_begins_a_walk_that_doubles() {
        let ahead = walk(7, Duration::from_millis(1));
        assert_eq!(ahead, [4, 8, 16, 32, 64, 64, 64]);
    }

    #[test]
    fn a_slow_program_gets_no_more_than_it_opens_soon() {
        assert_eq!(walk(6, Duration::from_millis(100)).last(), Some(&5));
        assert_eq!(walk(6, Duration::from_millis(700)).last(), Some(&1));
        assert_eq!(walk(6, Duration::from_millis(900)).last(), Some(&0));
    }

    #[test]
    fn a_file_elsewhere_ends_it() {
        let start = Instant::now();
        let mut walk = Walk::new(start);
        assert_eq!(walk.opened(true, start), 4);
        assert_eq!(walk.opened(false, start), 0);
        assert_eq!(walk.opened(true, start), 4);
    }

    #[test]
    fn a_long_pause_ends_it() {
        let start = Instant::now();
        let mut walk = Walk::new(start);
        walk.opened(true, start);
        assert_eq!(walk.opened(true, start + PAUSE * 2), 0);
    }
}
