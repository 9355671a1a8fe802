//! Decision when to fetch the whole of a file that is read at random offsets.
//!
//! Each scattered read waits a round trip, in which the connection could have brought megabytes.
//! After a few such reads of a file that is not too large, the rest of it is fetched beside them.
//! Parts are requested as fast as they arrive, with no more requests in flight than a sequential
//! reader has.

use std::ops::Range;

use crate::object::ByteRange;

/// Length of a part, in bytes.
const PART: u64 = 4 << 20;

/// Maximum number of parts in flight.
const AT_ONCE: usize = 16;

/// Divisor of the file's size: once scattered reads have brought this share, the file is fetched…
const SHARE: u64 = 128;

/// …with the threshold clamped to this range of bytes, for very small and very large files.
const BYTES: Range<u64> = (128 << 10)..(3 << 19);

/// Progress of fetching a whole file.
#[derive(Clone, Debug)]
pub struct WholePlan {
    size: u64,
    /// Number of scattered reads so far.
    reads: u64,
    /// Number of bytes that scattered reads have brought.
    bytes: u64,
    /// Maximum number of parts in flight at present; doubles with each read.
    fan: usize,
    /// End offset of the parts that were started.
    begun: u64,
}

impl WholePlan {
    /// Creates the plan for a file of `size` bytes; `None` if it is larger than `room`.
    pub fn new(size: u64, room: u64) -> Option<Self> {
        (size <= room).then_some(Self {
            size,
            reads: 0,
            bytes: 0,
            fan: 1,
            begun: 0,
        })
    }

    /// Records a scattered read of `length` bytes that waits for a request of its own.
    pub fn elsewhere(&mut self, length: u64) {
        self.reads += 1;
        self.bytes += length;
        if self.is_begun() {
            self.fan = (2 * self.fan).min(AT_ONCE);
        }
    }

    /// Returns the next part to fetch while `on_their_way` parts are in flight.
    pub fn peek(&self, on_their_way: usize) -> Option<ByteRange> {
        if !self.is_begun() || on_their_way >= self.fan {
            return None;
        }
        ByteRange::new(self.begun, (self.begun + PART).min(self.size))
    }

    /// Records that the fetch of this part was started.
    pub fn begin(&mut self, part: ByteRange) {
        self.begun = part.end();
    }

    fn is_begun(&self) -> bool {
        self.reads >= 2 && self.bytes >= (self.size / SHARE).clamp(BYTES.start, BYTES.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: u64 = 128 << 10;

    /// Starts all parts that may be started, with `on_their_way` parts in flight at first.
    fn begin_all(cover: &mut WholePlan, mut on_their_way: usize) -> Vec<ByteRange> {
        let mut parts = Vec::new();
        while let Some(part) = cover.peek(on_their_way) {
            cover.begin(part);
            on_their_way += 1;
            parts.push(part);
        }
        parts
    }

    #[test]
    fn a_few_reads_elsewhere_begin_it_and_it_speeds_up() {
        let mut cover = WholePlan::new(512 << 20, 512 << 20).unwrap();
        let mut begun = Vec::new();
        for _ in 0..20 {
            cover.elsewhere(READ);
            begun.push(begin_all(&mut cover, 0).len());
        }
        assert_eq!(begun[..11], [0; 11]);
        assert_eq!(begun[11..16], [2, 4, 8, 16, 16]);
    }

    #[test]
    fn small_reads_here_and_there_leave_it_alone() {
        let mut cover = WholePlan::new(64 << 20, 512 << 20).unwrap();
        for _ in 0..40 {
            cover.elsewhere(8 << 10);
        }
        assert_eq!(cover.peek(0), None);
    }

    #[test]
    fn every_byte_is_fetched_once() {
        let mut cover = WholePlan::new(10 << 20, 1 << 30).unwrap();
        cover.elsewhere(READ);
        assert_eq!(cover.peek(0), None);
        cover.elsewhere(READ);
        cover.elsewhere(READ);
        let parts = begin_all(&mut cover, 0);
        assert_eq!(
            parts.iter().map(|part| part.length()).sum::<u64>(),
            10 << 20
        );
        assert!(parts.windows(2).all(|two| two[0].end() == two[1].start()));
    }

    #[test]
    fn a_file_larger_than_the_room_is_never_covered() {
        assert!(WholePlan::new(513, 512).is_none());
    }
}
