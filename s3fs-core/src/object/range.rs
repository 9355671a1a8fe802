//! Ranges of bytes within an object.

use std::fmt;

/// Range of an object's bytes, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// Creates the range from `start` up to, not including, `end`; `None` if that is empty.
    pub fn new(start: u64, end: u64) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Creates the range of `length` bytes from `start` on, as far as offsets go; `None` if that is
    /// empty.
    pub fn at(start: u64, length: u64) -> Option<Self> {
        Self::new(start, start.saturating_add(length))
    }

    /// Returns the part of the range within the first `size` bytes; `None` if there is none.
    pub fn within(self, size: u64) -> Option<Self> {
        Self::new(self.start, self.end.min(size))
    }

    /// Returns whether the byte at `offset` lies in the range.
    pub fn contains(self, offset: u64) -> bool {
        (self.start..self.end).contains(&offset)
    }

    /// Returns the offset of the first byte.
    pub fn start(self) -> u64 {
        self.start
    }

    /// Returns the offset behind the last byte.
    pub fn end(self) -> u64 {
        self.end
    }

    /// Returns the length in bytes.
    pub fn length(self) -> u64 {
        self.end - self.start
    }
}

/// Formats the range as in the `Range` header, with both ends included.
impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes={}-{}", self.start, self.end - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_includes_both_ends() {
        let range = ByteRange::new(0, 10).unwrap();
        assert_eq!(range.to_string(), "bytes=0-9");
        assert_eq!(range.length(), 10);
        assert_eq!(ByteRange::new(5, 5), None);
    }

    #[test]
    fn a_read_ends_with_the_object_and_with_the_last_offset() {
        let read = ByteRange::at(8, 4).unwrap();
        assert_eq!(read.within(12), Some(read));
        assert_eq!(read.within(10), ByteRange::new(8, 10));
        assert_eq!(read.within(8), None);
        assert!(read.contains(11) && !read.contains(12));
        assert_eq!(ByteRange::at(8, 0), None);
        assert_eq!(ByteRange::at(8, u64::MAX).unwrap().end(), u64::MAX);
    }
}
