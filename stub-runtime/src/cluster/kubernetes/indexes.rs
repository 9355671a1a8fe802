//! Lists of numbers as a Job's status has them: `1,3-5,7`.

use std::collections::BTreeSet;

/// Parses a list of numbers and ranges. Returns those less than `end`; ignores malformed parts.
pub(super) fn parse(list: &str, end: u32) -> BTreeSet<u32> {
    let ranges = list.split(',').filter_map(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        Some(from..=to.min(end.checked_sub(1)?))
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(list: &str) -> Vec<u32> {
        parse(list, 10).into_iter().collect()
    }

    #[test]
    fn ranges_and_numbers_are_read() {
        assert_eq!(numbers("1,3-5,7"), [1, 3, 4, 5, 7]);
        assert_eq!(numbers("0"), [0]);
        assert!(numbers("").is_empty());
    }

    #[test]
    fn what_a_job_can_t_have_is_not_believed() {
        assert_eq!(numbers("8-4294967295"), [8, 9]);
        assert_eq!(numbers("5-3,x,2-,7"), [7]);
        assert!(parse("0-4", 0).is_empty());
    }
}
