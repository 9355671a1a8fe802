//! Prediction of a run: the bytes that a program reads in order before it jumps elsewhere.
//!
//! A read of a program that is larger than the kernel's readahead, or crosses its windows, arrives
//! as several requests, one after the other. Programs that jump mostly read blocks of one size, so
//! the lengths of past runs tell how much a jump wants.

/// Number of past runs that a prediction considers.
const RUNS: usize = 7;

/// Largest predicted run, in bytes. Longer ones are read ahead in a growing window from there on.
const LONGEST: u64 = 8 << 20;

/// Largest run, in bytes, that a single one predicts.
const LONGEST_OF_ONE: u64 = 2 << 20;

/// Longest run, in bytes, after which a jump in any direction is a scattered read. Programs that
/// pick long pieces in order (columns of a table) mostly leave out the rest.
const SHORT: u64 = 512 << 10;

/// Number of bytes that a backward jump after a long run counts as.
const LONG_CREDIT: u64 = 256 << 10;

/// Predicts the length of the next run from those of the last ones, most recent first; zero if they
/// predict nothing. That is the longest of those that are not much longer than the median: kernel
/// readahead behind a block varies, and too short a prediction costs a round trip.
pub fn predict(lengths: impl Iterator<Item = u64>) -> u64 {
    let mut lengths: Vec<u64> = lengths.filter(|&length| length > 0).take(RUNS).collect();
    match lengths[..] {
        [] => return 0,
        [length] => return length.min(LONGEST_OF_ONE),
        _ => lengths.sort_unstable(),
    }
    let median = lengths[(lengths.len() - 1) / 2];
    let alike = lengths
        .into_iter()
        .rev()
        .find(|&length| length <= median + median / 2);
    alike.unwrap_or(median).min(LONGEST)
}

/// Direction of a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// Returns the number of scattered bytes that a jump counts as, which waits for `length` bytes and
/// leaves a run of `left` bytes.
pub fn credit(left: u64, direction: Direction, length: u64) -> u64 {
    match direction {
        // The file was only opened.
        _ if left == 0 => 0,
        _ if left <= SHORT => length,
        Direction::Backward => LONG_CREDIT.max(length),
        Direction::Forward => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KIB: u64 = 1 << 10;

    #[test]
    fn one_run_predicts_little_and_two_the_shorter() {
        assert_eq!(predict([0, 0].into_iter()), 0);
        assert_eq!(predict([640 * KIB].into_iter()), 640 * KIB);
        assert_eq!(predict([64 << 20].into_iter()), LONGEST_OF_ONE);
        assert_eq!(predict([2048 * KIB, 2176 * KIB].into_iter()), 2176 * KIB);
        assert_eq!(predict([2048 * KIB, 4 * KIB].into_iter()), 4 * KIB);
    }

    #[test]
    fn an_odd_run_changes_nothing() {
        let runs = [384, 384, 8192, 372, 384, 12, 384].map(|length| length * KIB);
        assert_eq!(predict(runs.into_iter()), 384 * KIB);
    }

    #[test]
    fn unfinished_runs_of_three_others_change_nothing() {
        let runs = [128, 1024, 512, 2048, 2048, 2176, 2048].map(|length| length * KIB);
        assert_eq!(predict(runs.into_iter()), 2176 * KIB);
    }

    #[test]
    fn pieces_in_order_are_not_scattered_and_blocks_in_any_order_are() {
        let (long, short) = (2176 * KIB, 384 * KIB);
        assert_eq!(credit(long, Direction::Forward, 128 * KIB), 0);
        assert_eq!(credit(long, Direction::Backward, 128 * KIB), 256 * KIB);
        assert_eq!(credit(short, Direction::Forward, 128 * KIB), 128 * KIB);
        assert_eq!(credit(0, Direction::Forward, 128 * KIB), 0);
    }

    proptest! {
        #[test]
        fn at_most_half_more_than_the_median_is_predicted(
            lengths in prop::collection::vec(1..LONGEST, 2..=RUNS),
        ) {
            let predicted = predict(lengths.iter().copied());
            let not_longer = lengths.iter().filter(|&&length| predicted <= length + length / 2);
            prop_assert!(lengths.contains(&predicted));
            prop_assert!(2 * not_longer.count() >= lengths.len());
        }
    }
}
