//! Missing ranges to fetch of a range that is partly present, without I/O.

use std::ops::Range;

use super::format::BLOCK;
use crate::object::ByteRange;

/// Minimum number of consecutive present blocks that ends a request. Fetching fewer again is
/// quicker than another request behind them.
const BRIDGED: usize = 4;

/// Returns the number of blocks to fetch with one request, the first of which is absent.
pub(super) fn run_to_fetch(presence: &[bool]) -> usize {
    let mut run = 0;
    while run < presence.len() {
        let rest = &presence[run..];
        let absent = rest.iter().take_while(|here| !**here).count();
        let here = rest[absent..].iter().take_while(|here| **here).count();
        run += absent;
        let is_last = absent + here == rest.len();
        if here >= BRIDGED || is_last {
            return run;
        }
        run += here;
    }
    run
}

/// Widens a range to block boundaries; its end may lie behind the object's.
pub(super) fn widen(range: ByteRange) -> ByteRange {
    let end = range.end().div_ceil(BLOCK).saturating_mul(BLOCK);
    ByteRange::new(range.start() / BLOCK * BLOCK, end).unwrap_or(range)
}

/// Returns the blocks that a range touches.
pub(super) fn touched(range: ByteRange) -> Range<u64> {
    range.start() / BLOCK..range.end().div_ceil(BLOCK)
}

/// Returns the intersection of two ranges.
pub(super) fn common(a: ByteRange, b: ByteRange) -> Option<ByteRange> {
    ByteRange::new(a.start().max(b.start()), a.end().min(b.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(presence: &str) -> usize {
        let presence: Vec<bool> = presence.chars().map(|c| c == '#').collect();
        run_to_fetch(&presence)
    }

    #[test]
    fn a_request_ends_where_enough_is_here_and_never_with_what_is_here() {
        assert_eq!(run("..."), 3);
        assert_eq!(run(".####"), 1);
        assert_eq!(run("..####.."), 2);
        assert_eq!(run("..###.."), 7);
        assert_eq!(run(".#.##.###"), 6);
        assert_eq!(run(".###.####."), 5);
        assert_eq!(run(""), 0);
    }

    #[test]
    fn ranges_move_outwards_to_the_grid() {
        let range = |start, end| ByteRange::new(start, end).unwrap();
        assert_eq!(widen(range(0, 2 * BLOCK)), range(0, 2 * BLOCK));
        assert_eq!(widen(range(BLOCK - 1, BLOCK + 1)), range(0, 2 * BLOCK));
        assert_eq!(touched(range(BLOCK - 1, BLOCK + 1)), 0..2);
        assert_eq!(touched(range(BLOCK, 2 * BLOCK)), 1..2);
        assert_eq!(common(range(0, 5), range(5, 9)), None);
        assert_eq!(common(range(0, 7), range(5, 9)), Some(range(5, 7)));
    }
}
