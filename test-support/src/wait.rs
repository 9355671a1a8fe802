//! Waiting for a condition.

use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::processes::{command_line, descendants};

/// Interval between two checks of a condition.
const INTERVAL: Duration = Duration::from_millis(5);

/// Answer of a check: `true` or a value if the condition holds.
pub trait Found {
    /// Value that the caller gets.
    type Value;

    /// Returns the value if the condition holds.
    fn found(self) -> Option<Self::Value>;
}

impl Found for bool {
    type Value = ();

    fn found(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Found for Option<T> {
    type Value = T;

    fn found(self) -> Option<T> {
        self
    }
}

/// Waits until `look` returns a value or `true`; panics after 30 s.
#[track_caller]
pub fn eventually<F: Found>(what: &str, look: impl FnMut() -> F) -> F::Value {
    Patience::new(Duration::from_secs(30)).eventually(what, look)
}

/// Limit of a wait, and a description of the state for its panic.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    limit: Duration,
    state: fn() -> String,
}

impl Patience {
    /// Creates a limit. The panic lists this process's descendants.
    pub const fn new(limit: Duration) -> Self {
        Self {
            limit,
            state: processes,
        }
    }

    /// Returns the same limit with another description of the state.
    #[must_use]
    pub const fn showing(self, state: fn() -> String) -> Self {
        Self { state, ..self }
    }

    /// Waits until `look` returns a value or `true`; panics after the limit.
    #[track_caller]
    pub fn eventually<F: Found>(&self, what: &str, mut look: impl FnMut() -> F) -> F::Value {
        let deadline = Instant::now() + self.limit;
        loop {
            if let Some(value) = look().found() {
                return value;
            }
            assert!(
                Instant::now() < deadline,
                "never so: {what}; {}",
                (self.state)()
            );
            thread::sleep(INTERVAL);
        }
    }
}

fn processes() -> String {
    let processes = descendants(Pid::this()).into_iter();
    let lines: Vec<String> = processes
        .map(|pid| format!("{pid}: {}", command_line(pid)))
        .collect();
    format!("processes: {lines:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_comes_later_is_returned() {
        let mut left = 3;
        let value = eventually("zero", || {
            left -= 1;
            (left == 0).then_some("there")
        });
        assert_eq!(value, "there");
        eventually("true", || true);
    }

    #[test]
    #[should_panic(expected = "never so: a miracle; the state")]
    fn a_condition_that_never_holds_panics_with_the_state() {
        let patience = Patience::new(Duration::ZERO).showing(|| "the state".to_owned());
        patience.eventually("a miracle", || false);
    }
}
