//! Delays of background flushes, without I/O.
//!
//! Programs often write a file under a temporary name, set its mode and times, and rename it. They
//! do so within a few milliseconds. A file that is changed again soon after it was stored is likely
//! to be changed once more, so each further flush of it waits longer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::object::Key;

/// Delay of a request about a key.
pub(super) const DELAY: Duration = Duration::from_millis(100);

/// Maximum number of times that the delay doubles. Other clients see a change later by that.
const DOUBLINGS: u32 = 3;

/// Maximum time from the end of a flush to a change that counts as soon.
const SOON: Duration = Duration::from_secs(2);

/// Number of files above which those that were not stored recently are forgotten.
const MOST: usize = 256;

/// Recent flushes of files.
#[derive(Debug, Default)]
pub(super) struct FlushPace(HashMap<Key, Recent>);

#[derive(Clone, Copy, Debug)]
struct Recent {
    stored: Instant,
    /// Number of flushes in a row after which the file was changed soon.
    in_a_row: u32,
}

impl FlushPace {
    /// Returns the delay for a file that has changed.
    pub(super) fn delay(&self, key: &Key, now: Instant) -> Duration {
        DELAY * (1 << self.in_a_row(key, now).min(DOUBLINGS))
    }

    /// Records that a file was stored.
    pub(super) fn stored(&mut self, key: &Key, now: Instant) {
        let in_a_row = self.in_a_row(key, now);
        if self.0.len() >= MOST {
            self.0.retain(|_, recent| is_soon(recent, now));
        }
        if self.0.len() < MOST || self.0.contains_key(key) {
            let stored = now;
            self.0.insert(key.clone(), Recent { stored, in_a_row });
        }
    }

    /// Returns the number of flushes in a row, with the one to come.
    fn in_a_row(&self, key: &Key, now: Instant) -> u32 {
        let recent = self.0.get(key).filter(|recent| is_soon(recent, now));
        recent.map_or(0, |recent| recent.in_a_row.saturating_add(1))
    }
}

fn is_soon(recent: &Recent, now: Instant) -> bool {
    now.saturating_duration_since(recent.stored) < SOON
}

/// Returns how much longer a flush waits for a file that was opened for writing again: `None` if it
/// has been put off this number of times, and is due.
pub(super) fn put_off(times: u32) -> Option<Duration> {
    (times <= DOUBLINGS).then(|| DELAY * (1 << times))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of flushes of a file that is changed every `pause` for this time.
    fn flushes(pause: Duration, time: Duration) -> u32 {
        let (mut pace, key) = (FlushPace::default(), Key::new("f"));
        let (mut now, mut flushes) = (Instant::now(), 0);
        let end = now + time;
        while now < end {
            now += pause.max(pace.delay(&key, now + pause) + pause);
            pace.stored(&key, now);
            flushes += 1;
        }
        flushes
    }

    #[test]
    fn a_file_that_changes_all_the_time_is_stored_less_and_less_often() {
        let pause = Duration::from_millis(50);
        assert!(flushes(pause, Duration::from_millis(500)) <= 3);
        assert!(flushes(pause, Duration::from_mins(1)) <= 75);
        assert!(flushes(pause, Duration::from_mins(1)) >= 60, "each second");
    }

    #[test]
    fn a_file_that_has_rested_is_stored_without_a_further_delay() {
        let (mut pace, key) = (FlushPace::default(), Key::new("f"));
        let now = Instant::now();
        assert_eq!(pace.delay(&key, now), DELAY);
        pace.stored(&key, now);
        assert_eq!(pace.delay(&key, now), DELAY * 2);
        pace.stored(&key, now);
        assert_eq!(pace.delay(&key, now), DELAY * 4);
        assert_eq!(pace.delay(&Key::new("other"), now), DELAY);
        assert_eq!(pace.delay(&key, now + SOON), DELAY);
    }

    #[test]
    fn many_files_are_not_remembered() {
        let mut pace = FlushPace::default();
        let now = Instant::now();
        for n in 0..2 * MOST {
            pace.stored(&Key::new(format!("{n}")), now);
        }
        assert_eq!(pace.0.len(), MOST);
        pace.stored(&Key::new("later"), now + SOON);
        assert_eq!(pace.0.len(), 1);
    }

    #[test]
    fn a_file_that_stays_open_is_stored_in_the_end() {
        let waits: Vec<_> = (0..).map_while(put_off).collect();
        assert_eq!(waits.len(), 4);
        assert!(waits.iter().sum::<Duration>() < SOON);
    }
}
