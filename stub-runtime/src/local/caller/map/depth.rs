//! Number of inputs that a worker is given at once.
//!
//! An input that waits in the worker's socket is there when the one before has ended. That saves
//! the time from the report to the next input. But it waits there even if another worker is idle,
//! so only short inputs are given ahead.

use std::time::Duration;

/// Total run time of the inputs given ahead.
const AHEAD: Duration = Duration::from_millis(2);

/// Maximum number of inputs given at once: all of them, with their reports, fit into the socket.
const MOST: u32 = 16;

/// Maximum size, in bytes, of an input that is given together with others.
pub(super) const SMALL: u64 = 4 << 10;

/// Moving average of the run time of inputs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    mean: Option<Duration>,
}

impl Pace {
    /// Records the run time of one input.
    pub(super) fn note(&mut self, took: Duration) {
        self.mean = Some(self.mean.map_or(took, |mean| (mean * 7 + took) / 8));
    }

    /// Returns the maximum number of inputs that a worker may hold.
    pub(super) fn depth(self) -> usize {
        let Some(mean) = self.mean else {
            return 1;
        };
        let fit = AHEAD.as_nanos() / mean.as_nanos().max(1);
        1 + fit.min(u128::from(MOST - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &[Duration]) -> usize {
        let mut pace = Pace::default();
        for time in times {
            pace.note(*time);
        }
        pace.depth()
    }

    #[test]
    fn only_short_inputs_are_given_ahead() {
        let (short, long) = (Duration::from_micros(20), Duration::from_millis(500));
        assert_eq!(after(&[]), 1);
        assert_eq!(after(&[short]), MOST as usize);
        assert_eq!(after(&[Duration::from_millis(1)]), 3);
        assert_eq!(after(&[long]), 1);
        assert_eq!(after(&[short, short, long]), 1);
        assert_eq!(after(&[Duration::ZERO]), MOST as usize);
    }
}
