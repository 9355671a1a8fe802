//! One of the ways in which a file is being read, and to which of them a read belongs.

use std::ops::Range;

use crate::object::ByteRange;
use crate::read::backward::Backward;
use crate::read::window::Window;

/// A sequence of reads that belong together.
#[derive(Clone, Debug)]
pub enum Course {
    /// They go forward.
    Forward(Window),
    /// They go backward.
    Backward(Backward),
}

/// A part to fetch next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Behind those that are here.
    Behind(ByteRange),
    /// Before those that are here.
    Before(ByteRange),
}

impl Course {
    /// A read that belongs to none of the courses that there are begins one of its own.
    pub fn begin<'a>(others: impl Iterator<Item = &'a Self>, offset: u64, length: u64) -> Self {
        let mut others = others.filter_map(|course| match course {
            Self::Forward(window) => Some(window.extent()),
            Self::Backward(_) => None,
        });
        match others.find_map(|read| Backward::follows(&read, offset)) {
            Some(backward) => Self::Backward(backward),
            None => Self::Forward(Window::at(offset, length)),
        }
    }

    /// Whether a read belongs here.
    pub fn includes(&self, offset: u64, length: u64) -> bool {
        match self {
            Self::Forward(window) => window.includes(offset, length),
            Self::Backward(backward) => backward.includes(offset),
        }
    }

    /// Whether only one read is known to belong here.
    pub fn is_lonely(&self) -> bool {
        matches!(self, Self::Forward(window) if window.is_lonely())
    }

    /// Takes note of a read that belongs here.
    pub fn observe(&mut self, offset: u64, length: u64) {
        match self {
            Self::Forward(window) => window.observe(offset, length),
            Self::Backward(backward) => backward.observe(offset),
        }
    }

    /// Nothing was read here while others were: what was fetched ahead is of no use.
    pub fn give_up(&mut self) {
        match self {
            Self::Forward(window) => window.give_up(),
            Self::Backward(backward) => backward.give_up(),
        }
    }

    /// What should be here now; what lies outside is not needed any more.
    pub fn wanted(&self) -> Range<u64> {
        match self {
            Self::Forward(window) => window.wanted(),
            Self::Backward(backward) => backward.wanted(),
        }
    }

    /// What to fetch next of a file of this size, when the bytes of `here` are fetched.
    pub fn next(&self, here: &Range<u64>, size: u64) -> Option<Next> {
        let wanted = self.wanted();
        match self {
            Self::Forward(window) => {
                let end = here.end + window.part_length(here.end);
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

    /// The part that begins with a read of which nothing is here.
    pub fn first(&self, read: &Range<u64>, size: u64) -> Option<ByteRange> {
        let end = match self {
            Self::Forward(window) if window.wanted().end > read.end => {
                read.start + window.part_length(read.start)
            }
            Self::Forward(_) => read.end,
            Self::Backward(backward) => backward.wanted().end,
        };
        ByteRange::new(read.start, end.max(read.end).min(size))
    }
}
