//! Number of inputs per task: decided here, without I/O.
//!
//! A task should last seconds: to start one costs the scheduler milliseconds and the user about a
//! second. But all places of the cluster should have something to do, and the last tasks should end
//! at about the same time.

use std::time::Duration;

/// Maximum number of inputs of a task: its reports must fit into memory in one piece.
const MOST_INPUTS: usize = 5000;

/// Maximum size, in bytes, of the arguments of a task, unless one input is larger.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// Number of tasks per place as long as the run time of inputs is unknown, so that a slow task
/// holds up only a part.
const TASKS_PER_PLACE: usize = 4;

/// Minimum run time of a task that is made smaller so that there are tasks for all places.
const LEAST: Duration = Duration::from_secs(1);

/// Moving average of the run time of inputs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    mean: Option<f64>,
}

impl Pace {
    /// Records the run time of an input.
    pub(super) fn note(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.mean = Some(self.mean.map_or(took, |mean| mean + (took - mean) / 64.0));
    }

    /// Returns the number of inputs that fit into this time.
    fn in_time(self, time: Duration) -> Option<usize> {
        let mean = self.mean?.max(1e-6);
        // Saturates where the quotient is too large.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "neither of them is negative, and nothing is lost that matters"
        )]
        let count = (time.as_secs_f64() / mean) as usize;
        Some(count.max(1))
    }
}

/// Returns the number of inputs for each task, when `waiting` inputs wait.
pub(super) fn per_task(waiting: usize, places: usize, pace: Pace, target: Duration) -> usize {
    let places = places.max(1);
    let fit = match (pace.in_time(target), pace.in_time(LEAST.min(target))) {
        (Some(most), Some(least)) => most.min(waiting.div_ceil(places)).max(least),
        _ => waiting.div_ceil(places * TASKS_PER_PLACE),
    };
    fit.clamp(1, MOST_INPUTS)
}

/// Splits inputs, each with its bytes, into batches of at most `per_task` inputs and [`MOST_BYTES`].
pub(super) fn split(inputs: &[(u64, u64)], per_task: usize) -> Vec<Vec<u64>> {
    let (mut batches, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0_u64);
    for &(index, length) in inputs {
        let is_full = batch.len() >= per_task || bytes.saturating_add(length) > MOST_BYTES;
        if is_full && !batch.is_empty() {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        batch.push(index);
        bytes = bytes.saturating_add(length);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_secs(30);

    fn pace(took: Duration) -> Pace {
        let mut pace = Pace::default();
        pace.note(took);
        pace
    }

    #[test]
    fn as_long_as_nothing_is_known_all_places_get_some_tasks() {
        assert_eq!(per_task(10_000, 16, Pace::default(), TARGET), 157);
        assert_eq!(per_task(10, 16, Pace::default(), TARGET), 1);
        assert_eq!(
            per_task(1_000_000, 16, Pace::default(), TARGET),
            MOST_INPUTS
        );
    }

    #[test]
    fn then_a_task_lasts_as_long_as_it_should() {
        let milliseconds = |ms| pace(Duration::from_millis(ms));
        // Many of a tenth of a second: 30 seconds each.
        assert_eq!(per_task(1_000_000, 16, milliseconds(100), TARGET), 300);
        // The last ones are spread, but no task is shorter than a second.
        assert_eq!(per_task(1600, 16, milliseconds(100), TARGET), 100);
        assert_eq!(per_task(16, 16, milliseconds(100), TARGET), 10);
        // Long ones by themselves.
        assert_eq!(per_task(1000, 16, milliseconds(60_000), TARGET), 1);
        assert_eq!(per_task(1000, 16, milliseconds(0), TARGET), MOST_INPUTS);
    }

    #[test]
    fn batches_keep_the_order_and_have_no_more_bytes_than_they_may() {
        let inputs: Vec<(u64, u64)> = (0..5).map(|index| (index, 1)).collect();
        assert_eq!(split(&inputs, 2), [vec![0, 1], vec![2, 3], vec![4]]);
        let large = [(0, 1), (1, MOST_BYTES), (2, MOST_BYTES + 1), (3, 1)];
        assert_eq!(split(&large, 10), [vec![0], vec![1], vec![2], vec![3]]);
        assert!(split(&[], 10).is_empty());
    }
}
