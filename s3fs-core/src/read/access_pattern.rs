//! Access patterns of a file, and the assignment of reads to them.

use std::ops::Range;

use crate::object::ByteRange;
use crate::read::backward::Backward;
use crate::read::limits::Limits;
use crate::read::window::Window;

/// Sequence of reads that follow one access pattern.
#[derive(Clone, Debug)]
pub enum AccessPattern {
    /// Reads that go forward.
    Forward(Window),
    /// Reads that go backward.
    Backward(Backward),
}

/// Part to fetch next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Part after those already fetched.
    Behind(ByteRange),
    /// Part before those already fetched.
    Before(ByteRange),
}

impl AccessPattern {
    /// Starts a pattern for a read that belongs to none of the `others`, and begins a piece of
    /// `predicted` bytes.
    pub fn begin<'a>(
        others: impl Iterator<Item = &'a Self>,
        read: ByteRange,
        predicted: u64,
    ) -> Self {
        let mut others = others.filter_map(|pattern| match pattern {
            Self::Forward(window) => Some(window.extent()),
            Self::Backward(_) => None,
        });
        match others.find_map(|before| Backward::follows(&before, read.start())) {
            Some(backward) => Self::Backward(backward),
            None => Self::Forward(Window::at(read, predicted)),
        }
    }

    /// Returns whether a read belongs to this pattern.
    pub fn includes(&self, read: ByteRange) -> bool {
        match self {
            Self::Forward(window) => window.includes(read),
            Self::Backward(backward) => backward.includes(read.start()),
        }
    }

    /// Returns whether all reads so far lie in the piece that was predicted at the first one.
    pub fn is_piece(&self) -> bool {
        matches!(self, Self::Forward(window) if window.is_piece())
    }

    /// Returns whether much of a file of `size` bytes will probably be read ahead.
    pub fn reads_ahead(&self, size: u64) -> bool {
        match self {
            Self::Forward(window) => window.reads_ahead(size),
            Self::Backward(_) => true,
        }
    }

    /// Returns the range that was read forward.
    pub fn run(&self) -> Option<Range<u64>> {
        match self {
            Self::Forward(window) => Some(window.run()),
            Self::Backward(_) => None,
        }
    }

    /// Records a read that belongs to this pattern, whose window grows within these limits.
    pub fn observe(&mut self, read: ByteRange, limits: Limits) {
        match self {
            Self::Forward(window) => window.observe(read, limits),
            Self::Backward(backward) => backward.observe(read.start(), limits),
        }
    }

    /// Stops reading ahead: other patterns were read and this one was not.
    pub fn give_up(&mut self) {
        match self {
            Self::Forward(window) => window.give_up(),
            Self::Backward(backward) => backward.give_up(),
        }
    }

    /// Returns the byte range to hold now; bytes outside it are no longer needed.
    pub fn wanted(&self) -> Range<u64> {
        match self {
            Self::Forward(window) => window.wanted(),
            Self::Backward(backward) => backward.wanted(),
        }
    }

    /// Returns the next part to fetch of a file of `size` bytes, given that `here` is already
    /// fetched.
    pub fn next(&self, here: &Range<u64>, size: u64, limits: Limits) -> Option<Next> {
        let wanted = self.wanted();
        match self {
            Self::Forward(window) => {
                let end = here.end + window.part_length(here.end, limits);
                let part = ByteRange::new(here.end, end.min(size))?;
                (here.end < wanted.end).then_some(Next::Behind(part))
            }
            Self::Backward(backward) => {
                if here.end < wanted.end.min(size) {
                    return ByteRange::new(here.end, wanted.end.min(size)).map(Next::Behind);
                }
                let start = here.start - backward.part_length(here.start);
                let part = ByteRange::new(start, here.start)?;
                (here.start > wanted.start).then_some(Next::Before(part))
            }
        }
    }

    /// Returns the first part to fetch for `read` when none of its bytes are held.
    pub fn first(&self, read: ByteRange, size: u64, limits: Limits) -> Option<ByteRange> {
        let end = match self {
            Self::Forward(window) if window.wanted().end > read.end() => {
                read.start() + window.part_length(read.start(), limits)
            }
            Self::Forward(_) => read.end(),
            Self::Backward(backward) => backward.wanted().end,
        };
        ByteRange::new(read.start(), end.max(read.end()).min(size))
    }
}
