//! Read-ahead window for files that are read forward.
//!
//! Small steps back and small skips are allowed: the kernel reads ahead with several requests at
//! once, which arrive in any order. The window grows fourfold each time half of it has been read.
//! From the first 512 KiB, which the open requests, it reaches its limit in four round trips. For
//! reads that start elsewhere it only doubles, because such reads often cover one piece and not the
//! whole rest.

use std::ops::Range;

use crate::object::ByteRange;

/// Length of the first request, in bytes, before the access pattern is known.
pub const FIRST: u64 = 512 << 10;

/// Largest window, in bytes: sixteen parts in flight, since one connection to S3 brings at most 90
/// MB/s. Half of the default budget.
pub const LARGEST: u64 = 64 << 20;

/// Largest part, in bytes. Larger ones would leave fewer connections to share the window; smaller
/// ones cost more requests.
pub const LARGEST_PART: u64 = 4 << 20;

/// Largest step back, in bytes, within one window. Blocks are held this far behind the reads.
pub const BACK: u64 = 1 << 20;

/// Smallest limit on skips forward, in bytes: fetching skipped bytes costs less than a round trip.
const SKIP: u64 = 1 << 20;

/// Sequence of reads that go forward.
#[derive(Clone, Debug)]
pub struct Window {
    /// Lowest offset read.
    start: u64,
    /// End offset of the furthest read.
    position: u64,
    /// Number of bytes beyond `position` to fetch; zero while only one read is known.
    ahead: u64,
    /// Value of `position` at which the window grows.
    grow_at: u64,
    /// Factor by which the window grows.
    growth: u64,
}

impl Window {
    /// Creates the window of a file that has just been opened and will probably be read from its
    /// start.
    pub fn from_the_beginning() -> Self {
        Self {
            start: 0,
            position: 0,
            ahead: FIRST,
            grow_at: 1,
            growth: 4,
        }
    }

    /// Creates the window of a first read elsewhere, which predicts nothing about the next ones.
    pub fn at(read: ByteRange) -> Self {
        Self {
            start: read.start(),
            position: read.end(),
            ahead: 0,
            grow_at: 0,
            growth: 2,
        }
    }

    /// Returns whether a read belongs to this window.
    pub fn includes(&self, read: ByteRange) -> bool {
        let (offset, length) = (read.start(), read.length());
        if self.ahead == 0 {
            // The kernel may have parted one read into two and sent them in either order.
            return offset + length >= self.start && offset <= self.position + length;
        }
        offset + BACK >= self.position && offset <= self.position + self.skip()
    }

    /// Returns whether this window has had only one read so far.
    pub fn is_lonely(&self) -> bool {
        self.ahead == 0
    }

    /// Records a read that belongs to this window.
    pub fn observe(&mut self, read: ByteRange) {
        let end = read.end();
        self.start = self.start.min(read.start());
        if self.ahead == 0 {
            if end == self.position {
                return;
            }
            self.position = self.position.max(end);
            self.ahead = (4 * read.length()).clamp(FIRST, LARGEST);
            self.grow_at = self.position + self.ahead / 2;
            return;
        }
        self.position = self.position.max(end);
        if self.position >= self.grow_at {
            self.ahead = (self.ahead * self.growth).min(LARGEST);
            self.grow_at = self.position + self.ahead / 2;
        }
    }

    /// Stops reading ahead: other windows were read and this one was not.
    pub fn give_up(&mut self) {
        self.ahead = 0;
        self.start = self.position;
    }

    /// Returns the byte range to hold now; bytes outside it are no longer needed.
    pub fn wanted(&self) -> Range<u64> {
        self.position.saturating_sub(BACK)..self.position + self.ahead
    }

    /// Returns the range from the lowest offset read to the highest.
    pub fn extent(&self) -> Range<u64> {
        self.start..self.position
    }

    /// Returns the length, in bytes, of the part that begins at `start`. Parts end on a grid of
    /// their own length, so that request sizes don't depend on where reading began.
    pub fn part_length(&self, start: u64) -> u64 {
        let length = (self.ahead / 4)
            .next_power_of_two()
            .clamp(FIRST, LARGEST_PART);
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

    fn read(offset: u64) -> ByteRange {
        ByteRange::at(offset, READ).unwrap()
    }

    #[test]
    fn a_sequential_reader_reaches_the_largest_window_in_four_steps() {
        let mut window = Window::from_the_beginning();
        let mut sizes = vec![window.ahead];
        let mut offset = 0;
        while window.ahead < LARGEST {
            assert!(window.includes(read(offset)));
            window.observe(read(offset));
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
            window.observe(read(offset));
        }
    }

    #[test]
    fn a_single_read_fetches_nothing_ahead_and_its_continuation_does() {
        let mut window = Window::at(read(100 << 20));
        assert_eq!(window.wanted().end, (100 << 20) + READ);
        assert!(!window.includes(read(200 << 20)));
        window.observe(read((100 << 20) + READ));
        assert_eq!(window.wanted().end, (100 << 20) + 2 * READ + FIRST);
    }

    #[test]
    fn the_same_read_again_is_no_continuation() {
        let mut window = Window::at(read(100 << 20));
        window.observe(read(100 << 20));
        assert_eq!(window.wanted().end, (100 << 20) + READ);
    }

    #[test]
    fn parts_end_on_their_grid() {
        let window = Window::from_the_beginning();
        assert_eq!(window.part_length(0), FIRST);
        assert_eq!(window.part_length(FIRST + 1000), FIRST - 1000);
    }
}
