//! Read-ahead window for files that are read forward.
//!
//! Small steps back and small skips are allowed: the kernel reads ahead with several requests at
//! once, which arrive in any order. The window grows fourfold each time half of it has been read.
//! From the first 512 KiB, which the open requests, it reaches its limit in four round trips. For
//! reads that start elsewhere it is no longer than what was read there, because such reads often
//! cover one piece and not the whole rest. Where past jumps predict the length of that piece, it is
//! fetched at once and nothing beyond it, until the reads go on there.

use std::ops::Range;

use crate::object::ByteRange;
use crate::read::limits::{BACK, FIRST, Limits, PART};

/// Smallest limit on skips forward, in bytes: fetching skipped bytes costs less than a round trip.
const SKIP: u64 = 1 << 20;

/// Sequence of reads that go forward.
#[derive(Clone, Debug)]
pub struct Window {
    /// Lowest offset read.
    first: u64,
    /// Lowest offset at which a read still belongs here.
    start: u64,
    /// End offset of the furthest read.
    position: u64,
    /// End offset of the piece that is predicted from past jumps; of the first read if none is.
    predicted: u64,
    /// Number of bytes beyond `position` to fetch; zero while the reads stay in the piece.
    ahead: u64,
    /// Value of `position` at which the window grows.
    grow_at: u64,
    growth: Growth,
}

/// Growth of a window each time half of it has been read.
#[derive(Clone, Copy, Debug)]
enum Growth {
    /// Fourfold: the whole file will probably be read.
    Fourfold,
    /// Up to the length of what was read: the reads cover a piece of unknown length.
    WithRun,
}

impl Window {
    /// Creates the window of a file that has just been opened and will probably be read from its
    /// start.
    pub fn from_the_beginning() -> Self {
        Self {
            first: 0,
            start: 0,
            position: 0,
            predicted: 0,
            ahead: FIRST,
            grow_at: 1,
            growth: Growth::Fourfold,
        }
    }

    /// Creates the window of a first read elsewhere, of a piece of `predicted` bytes; zero if
    /// nothing is known of it.
    pub fn at(read: ByteRange, predicted: u64) -> Self {
        Self {
            first: read.start(),
            start: read.start(),
            position: read.end(),
            predicted: read.start().saturating_add(predicted).max(read.end()),
            ahead: 0,
            grow_at: 0,
            growth: Growth::WithRun,
        }
    }

    /// Returns whether a read belongs to this window.
    pub fn includes(&self, read: ByteRange) -> bool {
        let (offset, length) = (read.start(), read.length());
        if self.ahead == 0 {
            // The kernel may have parted one read into two and sent them in either order.
            let is_near = offset + BACK >= self.position || offset >= self.start;
            return is_near && offset + length >= self.start && offset <= self.position + length;
        }
        offset + BACK >= self.position && offset <= self.position + self.skip()
    }

    /// Returns whether all reads so far lie in the predicted piece.
    pub fn is_piece(&self) -> bool {
        self.ahead == 0
    }

    /// Returns whether much of a file of `size` bytes is still to be read ahead. The beginning of a
    /// file alone takes little memory.
    pub fn reads_ahead(&self, size: u64) -> bool {
        self.ahead > FIRST && size.saturating_sub(self.position) > FIRST
    }

    /// Returns the range from the lowest offset ever read to the highest.
    pub fn run(&self) -> Range<u64> {
        self.first..self.position
    }

    /// Records a read that belongs to this window, which grows within these limits.
    pub fn observe(&mut self, read: ByteRange, limits: Limits) {
        let end = read.end();
        let is_in_piece = read.start() >= self.start && end <= self.predicted;
        self.first = self.first.min(read.start());
        self.start = self.start.min(read.start());
        if self.ahead == 0 {
            // Also a read before the others: its requests have changed their order.
            let is_behind = end <= self.position;
            self.position = self.position.max(end);
            if is_behind || is_in_piece {
                return;
            }
            let run = self.position - self.first;
            self.ahead = (4 * read.length()).max(run / 4).clamp(FIRST, limits.window);
            self.grow_at = self.position + self.ahead / 2;
            return;
        }
        self.position = self.position.max(end);
        if self.position >= self.grow_at {
            let grown = match self.growth {
                Growth::Fourfold => 4 * self.ahead,
                Growth::WithRun => (self.position - self.first).min(2 * self.ahead),
            };
            self.ahead = grown.max(self.ahead).min(limits.window);
            self.grow_at = self.position + self.ahead / 2;
        }
        // More streams share the memory by now, or the link is slower than it was. It grows again from
        // what it is now.
        self.ahead = self.ahead.min(limits.window);
        self.grow_at = self.grow_at.min(self.position + self.ahead / 2);
    }

    /// Stops reading ahead: other windows were read and this one was not.
    pub fn give_up(&mut self) {
        self.ahead = 0;
        self.start = self.position;
        self.predicted = self.position;
    }

    /// Returns the byte range to hold now; bytes outside it are no longer needed.
    pub fn wanted(&self) -> Range<u64> {
        let end = (self.position + self.ahead).max(self.predicted);
        self.position.saturating_sub(BACK)..end
    }

    /// Returns the range from the lowest offset read to the highest.
    pub fn extent(&self) -> Range<u64> {
        self.start..self.position
    }

    /// Returns the length, in bytes, of the part that begins at `start`. Parts end on a grid of
    /// their own length, so that request sizes don't depend on where reading began; a predicted
    /// piece is one part if it is not too long.
    pub fn part_length(&self, start: u64, limits: Limits) -> u64 {
        if self.ahead == 0 && start < self.predicted {
            return (self.predicted - start).min(PART);
        }
        // A window that grows no more has few long parts: each part is a request.
        let is_small = self.ahead >= limits.window && self.ahead < 4 * PART;
        let (parts, longest) = if is_small {
            (2, PART)
        } else {
            (4, limits.part)
        };
        let length = (self.ahead / parts).next_power_of_two();
        let length = length.clamp(FIRST, longest);
        length - start % length
    }

    fn skip(&self) -> u64 {
        SKIP.max(self.ahead / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: u64 = 128 << 10;

    const LIMITS: Limits = Limits {
        window: 64 << 20,
        part: PART,
    };

    fn read(offset: u64) -> ByteRange {
        ByteRange::at(offset, READ).unwrap()
    }

    #[test]
    fn a_sequential_reader_reaches_the_largest_window_in_four_steps() {
        let mut window = Window::from_the_beginning();
        let mut sizes = vec![window.ahead];
        let mut offset = 0;
        while window.ahead < LIMITS.window {
            assert!(window.includes(read(offset)));
            window.observe(read(offset), LIMITS);
            offset += READ;
            if sizes.last() != Some(&window.ahead) {
                sizes.push(window.ahead);
            }
        }
        assert_eq!(sizes.len(), 5, "{sizes:?}");
    }

    #[test]
    fn reads_out_of_order_belong_together() {
        let mut window = Window::from_the_beginning();
        for offset in [0, 2 * READ, READ, 4 * READ, 3 * READ] {
            assert!(window.includes(read(offset)));
            window.observe(read(offset), LIMITS);
        }
    }

    #[test]
    fn a_single_read_fetches_nothing_ahead_and_its_continuation_does() {
        let mut window = Window::at(read(100 << 20), 0);
        assert_eq!(window.wanted().end, (100 << 20) + READ);
        assert!(!window.includes(read(200 << 20)));
        window.observe(read((100 << 20) + READ), LIMITS);
        assert_eq!(window.wanted().end, (100 << 20) + 2 * READ + FIRST);
    }

    #[test]
    fn the_same_read_again_is_no_continuation() {
        let mut window = Window::at(read(100 << 20), 0);
        window.observe(read(100 << 20), LIMITS);
        assert_eq!(window.wanted().end, (100 << 20) + READ);
    }

    #[test]
    fn a_window_elsewhere_is_no_longer_than_what_was_read() {
        let start = 100 << 20;
        let mut window = Window::at(read(start), 0);
        for n in 1..2048 {
            window.observe(read(start + n * READ), LIMITS);
            let run = window.run();
            assert!(window.ahead <= (run.end - run.start).max(FIRST));
        }
        assert_eq!(window.ahead, LIMITS.window);
    }

    #[test]
    fn a_predicted_piece_is_one_part_and_its_continuation_grows() {
        let start = (100 << 20) + 4096;
        let piece = 17 * READ;
        let mut window = Window::at(read(start), piece);
        assert_eq!(window.part_length(start, LIMITS), piece);
        for n in 1..17 {
            assert!(window.includes(read(start + n * READ)));
            window.observe(read(start + n * READ), LIMITS);
            assert!(window.is_piece());
            assert_eq!(window.wanted().end, start + piece);
        }
        window.observe(read(start + piece), LIMITS);
        let run = piece + READ;
        assert_eq!(window.wanted().end, start + run + run / 4);
        assert_eq!(window.run(), start..start + run);
        window.give_up();
        assert_eq!(window.run(), start..start + run);
    }

    #[test]
    fn a_piece_stays_one_if_its_requests_change_their_order() {
        let (start, piece) = (100 << 20, 16 * READ);
        let mut window = Window::at(read(start + READ), piece);
        for n in [0, 3, 2, 5, 4] {
            assert!(window.includes(read(start + n * READ)), "{n}");
            window.observe(read(start + n * READ), LIMITS);
            assert!(window.is_piece(), "{n}");
            assert_eq!(window.wanted().end, start + READ + piece);
        }
    }

    #[test]
    fn steps_back_are_no_piece_for_long() {
        let start = 100 << 20;
        let mut window = Window::at(read(start), 0);
        let steps = (1..100).map(|n| read(start - n * READ));
        let included = steps.take_while(|&step| {
            let is_included = window.includes(step);
            window.observe(step, LIMITS);
            is_included
        });
        assert!(included.count() as u64 * READ <= BACK);
    }

    #[test]
    fn a_window_that_shrank_grows_again_from_its_length() {
        let mut window = Window::from_the_beginning();
        let few = Limits {
            window: 8 << 20,
            ..LIMITS
        };
        let mut offset = 0;
        while window.ahead < LIMITS.window {
            window.observe(read(offset), LIMITS);
            offset += READ;
        }
        window.observe(read(offset), few);
        assert_eq!(window.ahead, few.window);
        let until = offset + few.window / 2;
        while offset <= until {
            offset += READ;
            window.observe(read(offset), LIMITS);
        }
        assert!(window.ahead >= 32 << 20, "{window:?}");
    }

    #[test]
    fn parts_of_a_small_window_are_half_of_it() {
        for (memory, part) in [(2 << 20, 1 << 20), (7 << 20, PART), (12 << 20, PART)] {
            let limits = Limits {
                window: memory,
                part: PART,
            };
            let mut window = Window::from_the_beginning();
            (0..64).for_each(|n| window.observe(read(n * READ), limits));
            assert_eq!(window.part_length(0, limits), part, "{memory}");
        }
    }

    #[test]
    fn parts_end_on_their_grid() {
        let window = Window::from_the_beginning();
        assert_eq!(window.part_length(0, LIMITS), FIRST);
        assert_eq!(window.part_length(FIRST + 1000, LIMITS), FIRST - 1000);
    }
}
