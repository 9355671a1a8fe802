//! Ranges of bytes within an object.

use std::fmt;

/// A range of an object's bytes, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// The bytes from `start` up to, not including, `end`; nothing if that is empty.
    pub fn new(start: u64, end: u64) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Offset of the first byte.
    pub fn start(self) -> u64 {
        self.start
    }

    /// Offset behind the last byte.
    pub fn end(self) -> u64 {
        self.end
    }

    /// How many bytes.
    pub fn length(self) -> u64 {
        self.end - self.start
    }
}

/// As the `Range` header spells it, with both ends included.
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
}
