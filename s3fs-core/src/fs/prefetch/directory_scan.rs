//! Prefetch of the next files in a folder, decided only from which files were opened and when.
//!
//! A program that opens one file of a folder after another, in listing order, will probably open
//! the next ones as well. A walk is such a sequence. Small steps back and small skips are allowed:
//! several threads take turns, or every second file is skipped. The number of files to fetch ahead
//! doubles with each file, but stays within what will be opened soon: prefetched bytes expire.

use std::time::{Duration, Instant};

use crate::object::EntryName;

/// Maximum number of files to fetch ahead; enough to hide a latency of 20 ms at 0.3 ms per file.
const MOST: usize = 64;

/// Maximum distance, in files, between two opens of one walk.
pub(super) const STEP: usize = 16;

/// Time within which prefetched files should be opened: half of the time for which a file's version
/// is trusted without asking again.
const SOON: Duration = Duration::from_millis(500);

/// Slowest pace of a walk: at a slower one, files expire before they are opened.
const TOO_SLOW: Duration = Duration::from_millis(800);

/// Shortest gap that says nothing about the pace, because the program did something else.
const PAUSE: Duration = Duration::from_secs(2);

/// State of the opens in one folder.
#[derive(Clone, Debug)]
pub(super) struct DirectoryScan {
    /// Number of files to fetch ahead now.
    ahead: usize,
    /// Mean time between two opens, weighted towards the latest.
    pace: Option<Duration>,
    last: Instant,
}

/// Scan of a folder, and the furthest file that it reached.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    last: EntryName,
    scan: DirectoryScan,
}

impl Progress {
    /// Starts a scan at a file.
    pub(super) fn new(first: EntryName, now: Instant) -> Self {
        Self {
            last: first,
            scan: DirectoryScan::new(now),
        }
    }

    /// Returns the name of the furthest file.
    pub(super) fn last(&self) -> &EntryName {
        &self.last
    }

    /// Records that the scan reached a file; `near` says that the file lies within [`STEP`] of the
    /// furthest one. Returns the number of files behind it to prefetch: 0 if the file is the
    /// furthest one again, or near it and before it.
    pub(super) fn reached(&mut self, name: &EntryName, near: bool, now: Instant) -> usize {
        if near && *name <= self.last {
            return 0;
        }
        self.last = name.clone();
        self.scan.opened(near, now)
    }
}

impl DirectoryScan {
    /// Starts a walk at the first file opened in a folder.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ahead: 0,
            pace: None,
            last: now,
        }
    }

    /// Records another open; `near` says that the file lies within [`STEP`] of the last one.
    /// Returns the number of files behind it to fetch ahead.
    pub(super) fn opened(&mut self, near: bool, now: Instant) -> usize {
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

/// Returns the number of files opened soon at this pace: at least one, unless it is too slow.
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

    /// Opens `count` files, one every `pace`, and returns the number to fetch ahead after each.
    fn walk(count: u32, pace: Duration) -> Vec<usize> {
        let start = Instant::now();
        let mut walk = DirectoryScan::new(start);
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
        let mut walk = DirectoryScan::new(start);
        assert_eq!(walk.opened(true, start), 4);
        assert_eq!(walk.opened(false, start), 0);
        assert_eq!(walk.opened(true, start), 4);
    }

    #[test]
    fn a_long_pause_ends_it() {
        let start = Instant::now();
        let mut walk = DirectoryScan::new(start);
        walk.opened(true, start);
        assert_eq!(walk.opened(true, start + PAUSE * 2), 0);
    }
}
