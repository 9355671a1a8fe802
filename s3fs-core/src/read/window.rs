//! How much to fetch ahead, decided from nothing but the offsets of the reads.
//!
//! A run is a stretch of reads that go forward, with small steps back and small skips allowed (the
//! kernel reads ahead with several requests at once, which arrive in any order). A run's window
//! grows fourfold each time half of it has been read: from the first 512 KiB, which the open asks
//! for, it reaches its limit in four round trips. A read elsewhere is a stray: just its bytes are
//! fetched. A read that continues a stray begins a new run there.

/// What a first request asks for, before anything is known of the reader.
pub const FIRST: u64 = 512 << 10;

/// The largest window: six parts in flight keep a 10 Gbit/s path with 20 ms busy to a good part,
/// and eight such readers within the default budget.
pub const LARGEST: u64 = 48 << 20;

/// The largest part; more requests of this size are faster than fewer larger ones.
const LARGEST_PART: u64 = 8 << 20;

/// Steps back within a run that don't end it. Blocks are kept for so long after they were read.
pub const BACK: u64 = 1 << 20;

/// Skips forward within a run that don't end it: fetching what is skipped costs less than a round
/// trip.
const SKIP: u64 = 1 << 20;

/// After so many strays in a row, the run is over and what was fetched for it is dropped.
const STRAYS_END_RUN: u32 = 4;

/// What is known of a reader.
#[derive(Clone, Debug)]
pub struct Window {
    /// End of the run's furthest read.
    position: u64,
    /// How far beyond `position` to fetch.
    ahead: u64,
    /// The window grows when `position` passes this.
    grow_at: u64,
    /// End of the last read outside the run.
    stray: Option<u64>,
    /// Reads outside the run since the last one inside.
    strays: u32,
}

/// What a read is to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Part of it.
    Run,
    /// The first read of a new run; what was fetched for the old one is of no use.
    NewRun,
    /// Outside it; fetch just what is asked for.
    Stray,
    /// Outside it, and the run has ended: fetch just this, and drop what the run had fetched.
    Scattered,
}

impl Window {
    /// A file that has just been opened: it will be read from its beginning, most likely.
    pub fn new() -> Self {
        Self {
            position: 0,
            ahead: FIRST,
            grow_at: 1,
            stray: None,
            strays: 0,
        }
    }

    /// Takes note of a read.
    pub fn observe(&mut self, offset: u64, length: u64) -> Access {
        let end = offset + length;
        let inside = offset + BACK >= self.position && offset <= self.position + self.skip();
        if inside && self.ahead > 0 {
            self.strays = 0;
            self.position = self.position.max(end);
            self.grow();
            return Access::Run;
        }
        if self.stray == Some(offset) {
            self.stray = None;
            self.strays = 0;
            self.position = end;
            self.ahead = (4 * length).clamp(FIRST, LARGEST);
            self.grow_at = end + self.ahead / 2;
            return Access::NewRun;
        }
        self.stray = Some(end);
        self.strays += 1;
        if self.strays >= STRAYS_END_RUN {
            self.ahead = 0;
            return Access::Scattered;
        }
        Access::Stray
    }

    /// Up to where to fetch now.
    pub fn fetch_until(&self) -> u64 {
        self.position + self.ahead
    }

    /// Below this, nothing is needed any more.
    pub fn keep_from(&self) -> u64 {
        self.position.saturating_sub(BACK)
    }

    /// How long the next part should be. Parts end on a grid of their own length, so that the
    /// sizes of requests don't depend on where a run began.
    pub fn part_length(&self, start: u64) -> u64 {
        let length = (self.ahead / 4)
            .next_power_of_two()
            .clamp(FIRST, LARGEST_PART);
        length - start % length
    }

    fn skip(&self) -> u64 {
        SKIP.max(self.ahead / 2)
    }

    fn grow(&mut self) {
        if self.position >= self.grow_at {
            self.ahead = (self.ahead * 4).min(LARGEST);
            self.grow_at = self.position + self.ahead / 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: u64 = 128 << 10;

    #[test]
    fn a_sequential_reader_reaches_the_largest_window_in_four_steps() {
        let mut window = Window::new();
        let mut sizes = vec![window.ahead];
        let mut offset = 0;
        while window.ahead < LARGEST {
            assert_eq!(window.observe(offset, READ), Access::Run);
            offset += READ;
            if sizes.last() != Some(&window.ahead) {
                sizes.push(window.ahead);
            }
        }
        assert_eq!(sizes.len(), 5, "{sizes:?}");
    }

    #[test]
    fn reads_out_of_order_stay_in_the_run() {
        let mut window = Window::new();
        for offset in [0, 2 * READ, READ, 4 * READ, 3 * READ] {
            assert_eq!(window.observe(offset, READ), Access::Run);
        }
    }

    #[test]
    fn scattered_reads_fetch_just_what_is_asked_for() {
        let mut window = Window::new();
        assert_eq!(window.observe(100 << 20, READ), Access::Stray);
        assert_eq!(window.observe(500 << 20, READ), Access::Stray);
        assert_eq!(window.observe(300 << 20, READ), Access::Stray);
        assert_eq!(window.observe(700 << 20, READ), Access::Scattered);
        assert_eq!(window.observe(200 << 20, READ), Access::Scattered);
    }

    #[test]
    fn a_stray_that_goes_on_becomes_the_run() {
        let mut window = Window::new();
        assert_eq!(window.observe(100 << 20, READ), Access::Stray);
        assert_eq!(window.observe((100 << 20) + READ, READ), Access::NewRun);
        assert_eq!(window.observe((100 << 20) + 2 * READ, READ), Access::Run);
    }

    #[test]
    fn one_stray_does_not_end_a_run() {
        let mut window = Window::new();
        window.observe(0, READ);
        assert_eq!(window.observe(1 << 30, READ), Access::Stray);
        assert_eq!(window.observe(READ, READ), Access::Run);
    }

    #[test]
    fn parts_end_on_their_grid() {
        let window = Window::new();
        assert_eq!(window.part_length(0), FIRST);
        assert_eq!(window.part_length(FIRST + 1000), FIRST - 1000);
    }
}
