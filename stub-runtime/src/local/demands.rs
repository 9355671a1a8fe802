//! Demands to end, counted from signals.

use std::time::{Duration, Instant};

use signal_hook::consts::SIGHUP;

/// Time in which the same signal is the same demand: `timeout` signals its child, and then the
/// process group that the child is in. Shorter than the time between two presses of Ctrl-C.
const REPEATS: Duration = Duration::from_millis(200);

/// Counter of demands to end a run or a mount.
#[derive(Debug, Default)]
pub struct Demands {
    count: u32,
    /// Signals that counted within the last [`REPEATS`].
    recent: Vec<(i32, Instant)>,
}

impl Demands {
    /// Counts a signal that came at a time. Returns the number of demands, or `None` if it is no
    /// further one. SIGHUP counts only if it is the first: when a terminal closes, the shell and
    /// the kernel each send it, and service managers send it right after SIGTERM.
    pub fn on_signal(&mut self, signal: i32, at: Instant) -> Option<u32> {
        self.recent
            .retain(|(_, before)| at.saturating_duration_since(*before) < REPEATS);
        let is_late_hangup = signal == SIGHUP && self.count > 0;
        if is_late_hangup || self.recent.iter().any(|(before, _)| *before == signal) {
            return None;
        }
        self.recent.push((signal, at));
        self.count += 1;
        Some(self.count)
    }
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::{SIGINT, SIGTERM};

    use super::*;

    #[test]
    fn a_hangup_is_a_demand_only_as_the_first_signal() {
        let (mut demands, at) = (Demands::default(), Instant::now());
        assert_eq!(demands.on_signal(SIGHUP, at), Some(1));
        assert_eq!(demands.on_signal(SIGHUP, at + REPEATS), None);
        assert_eq!(demands.on_signal(SIGTERM, at + REPEATS), Some(2));
    }

    #[test]
    fn a_signal_that_is_repeated_at_once_is_one_demand() {
        let (mut demands, at) = (Demands::default(), Instant::now());
        let almost = REPEATS.checked_sub(Duration::from_millis(1)).unwrap();
        assert_eq!(demands.on_signal(SIGTERM, at), Some(1));
        assert_eq!(demands.on_signal(SIGTERM, at), None);
        assert_eq!(demands.on_signal(SIGTERM, at + almost), None);
        // Measured from the signal that counted: repetitions do not prolong the time.
        assert_eq!(demands.on_signal(SIGTERM, at + REPEATS), Some(2));
        assert_eq!(demands.on_signal(SIGTERM, at + REPEATS + almost), None);
        assert_eq!(demands.on_signal(SIGTERM, at + REPEATS * 2), Some(3));
    }

    #[test]
    fn another_signal_is_another_demand_at_once() {
        let (mut demands, at) = (Demands::default(), Instant::now());
        assert_eq!(demands.on_signal(SIGTERM, at), Some(1));
        assert_eq!(demands.on_signal(SIGINT, at), Some(2));
        assert_eq!(demands.on_signal(SIGTERM, at), None);
        assert_eq!(demands.on_signal(SIGINT, at), None);
    }
}
