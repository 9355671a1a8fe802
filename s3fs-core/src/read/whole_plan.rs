//! Decision when to fetch the whole of a file that is read at random offsets.
//!
//! Each scattered read waits a round trip, in which the connection could have brought megabytes.
//! After a few such reads of a file that is not too large, the rest of it is fetched beside them.
//! Parts are requested as fast as they arrive, with no more requests in flight than a sequential
//! reader has, and leave out the bytes that the kernel has already.

use std::ops::Range;

use crate::object::ByteRange;
use crate::read::coverage::Coverage;

/// Length of a part, in bytes.
const PART: u64 = 4 << 20;

/// Maximum number of held bytes in a part. To fetch these again costs less than a request more.
const HELD: u64 = PART / 16;

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
    /// End offset of the parts that were started in this pass.
    begun: u64,
    /// All parts that were started. The kernel may have dropped some pages again.
    started: Coverage,
    pass: Pass,
}

/// Pass over the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Leaves out what other requests are bringing.
    First,
    /// Fetches what these did not bring to the kernel.
    Second,
    /// Nothing is left.
    Ended,
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
            started: Coverage::default(),
            pass: Pass::First,
        })
    }

    /// Records a jump that waits for a request of its own, and counts as `credit` scattered bytes.
    pub fn elsewhere(&mut self, credit: u64) {
        if credit > 0 {
            self.reads += 1;
            self.bytes += credit;
        }
        if self.is_begun() {
            self.fan = (2 * self.fan).min(AT_ONCE);
        }
    }

    /// Returns the next part to fetch of the bytes that are not `held`, while `on_their_way` parts
    /// are in flight.
    pub fn peek(&self, on_their_way: usize, held: &Coverage) -> Option<ByteRange> {
        if !self.is_due(on_their_way) {
            return None;
        }
        let mut rest = ByteRange::new(self.begun, self.size)?;
        while let Some(first) = held.first_in(rest)
            && first.start() == rest.start()
        {
            rest = ByteRange::new(first.end(), self.size)?;
        }
        let start = rest.start();
        // Parts end on a grid, so that few of them are short.
        let grid = (start / PART + 1).saturating_mul(PART).min(self.size);
        let (mut end, mut again) = (grid, 0);
        while let Some(next) = ByteRange::new(rest.start(), grid).and_then(|r| held.first_in(r)) {
            again += next.length();
            if again > HELD || next.end() == grid {
                end = next.start();
                break;
            }
            rest = ByteRange::new(next.end(), grid)?;
        }
        ByteRange::new(start, end)
    }

    /// Records that the fetch of this part was started.
    pub fn begin(&mut self, part: ByteRange) {
        self.begun = part.end();
        self.started.add(part);
    }

    /// Returns the bytes of all parts that were started.
    pub fn started(&self) -> &Coverage {
        &self.started
    }

    /// Records that all parts of this pass have ended.
    pub fn end_pass(&mut self) {
        self.begun = 0;
        self.pass = match self.pass {
            Pass::First => Pass::Second,
            Pass::Second | Pass::Ended => Pass::Ended,
        };
    }

    /// Returns whether another part may be started while `on_their_way` parts are in flight.
    pub fn is_due(&self, on_their_way: usize) -> bool {
        self.is_begun() && on_their_way < self.fan && self.pass != Pass::Ended
    }

    /// Returns whether the reads so far are reason to fetch the file.
    pub fn is_begun(&self) -> bool {
        self.reads >= 2 && self.bytes >= (self.size / SHARE).clamp(BYTES.start, BYTES.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READ: u64 = 128 << 10;

    /// Starts all parts that may be started, with `on_their_way` parts in flight at first.
    fn begin_all(
        cover: &mut WholePlan,
        mut on_their_way: usize,
        held: &Coverage,
    ) -> Vec<ByteRange> {
        let mut parts = Vec::new();
        while let Some(part) = cover.peek(on_their_way, held) {
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
            begun.push(begin_all(&mut cover, 0, &Coverage::default()).len());
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
        assert_eq!(cover.peek(0, &Coverage::default()), None);
    }

    #[test]
    fn every_byte_is_fetched_once() {
        let mut cover = WholePlan::new(10 << 20, 1 << 30).unwrap();
        cover.elsewhere(READ);
        assert_eq!(cover.peek(0, &Coverage::default()), None);
        cover.elsewhere(READ);
        cover.elsewhere(READ);
        let parts = begin_all(&mut cover, 0, &Coverage::default());
        assert_eq!(
            parts.iter().map(|part| part.length()).sum::<u64>(),
            10 << 20
        );
        assert!(parts.windows(2).all(|two| two[0].end() == two[1].start()));
    }

    proptest! {
        #[test]
        fn what_is_not_held_is_fetched_once_and_little_of_the_rest(
            added in prop::collection::vec((0..60_u64 << 20, 1..4_u64 << 20), 0..40),
        ) {
            let size = 64 << 20;
            let mut held = Coverage::default();
            for (start, length) in added {
                held.add(ByteRange::at(start, length).unwrap());
            }
            let mut cover = WholePlan::new(size, size).unwrap();
            (0..40).for_each(|_| cover.elsewhere(READ));
            let mut fetched = Coverage::default();
            while let Some(part) = cover.peek(0, &held) {
                prop_assert_eq!(fetched.first_in(part), None);
                prop_assert!(part.length() <= PART);
                let again = part.length() - unheld(part, &held);
                prop_assert!(again <= HELD, "{} bytes again", again);
                fetched.add(part);
                cover.begin(part);
            }
            cover.end_pass();
            let mut rest = held.clone();
            rest.add_all(cover.started());
            prop_assert_eq!(cover.peek(0, &rest), None);
            let all = ByteRange::new(0, size).unwrap();
            let mut missing = fetched;
            let mut at = 0;
            while let Some(next) = ByteRange::new(at, size).and_then(|rest| held.first_in(rest)) {
                missing.add(next);
                at = next.end();
            }
            prop_assert_eq!(missing.first_in(all), Some(all));
        }
    }

    /// Returns the number of bytes of a part that are not held.
    fn unheld(part: ByteRange, held: &Coverage) -> u64 {
        let (mut at, mut count) = (part.start(), 0);
        while let Some(rest) = ByteRange::new(at, part.end()) {
            let gap = held.missing(rest).map_or(0, ByteRange::length);
            count += gap;
            at += gap;
            let next = ByteRange::new(at, part.end()).and_then(|rest| held.first_in(rest));
            at = next.map_or(part.end(), ByteRange::end);
        }
        count
    }

    #[test]
    fn a_file_larger_than_the_room_is_never_covered() {
        assert!(WholePlan::new(513, 512).is_none());
    }
}
