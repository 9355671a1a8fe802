//! Read-ahead for files that are read backward, piece by piece.

use std::ops::Range;

use crate::read::limits::{BACK, Limits, PART};

/// Range of piece lengths, in bytes, that count as reading backward.
const PIECE: Range<u64> = (64 << 10)..(8 << 20);

/// Sequence of reads of equal pieces, each ending where the last one began.
#[derive(Clone, Debug)]
pub struct Backward {
    /// Start offset of the last piece.
    low: u64,
    /// Length of a piece, in bytes.
    piece: u64,
    /// Number of bytes below `low` to fetch.
    ahead: u64,
}

impl Backward {
    /// Returns the new sequence if a read at `offset` continues backward from `read`.
    pub fn follows(read: &Range<u64>, offset: u64) -> Option<Self> {
        let piece = read.end - read.start;
        let is_next = offset + piece == read.start && PIECE.contains(&piece);
        is_next.then_some(Self {
            low: offset,
            piece,
            ahead: 2 * piece,
        })
    }

    /// Returns whether a read at `offset` belongs to this sequence.
    pub fn includes(&self, offset: u64) -> bool {
        offset + self.piece.max(self.ahead) >= self.low && offset < self.low + self.piece + BACK
    }

    /// Records a read that belongs to this sequence, whose window grows within these limits.
    pub fn observe(&mut self, offset: u64, limits: Limits) {
        if offset < self.low {
            self.low = offset;
            let largest = (limits.window / 2).max(2 * self.piece);
            self.ahead = (2 * self.ahead).clamp(2 * self.piece, largest);
        }
    }

    /// Stops reading ahead: other sequences were read and this one was not.
    pub fn give_up(&mut self) {
        self.ahead = 0;
    }

    /// Returns the byte range to hold now; bytes outside it are no longer needed.
    pub fn wanted(&self) -> Range<u64> {
        self.low.saturating_sub(self.ahead)..self.low + self.piece
    }

    /// Returns the length, in bytes, of the part that ends at `end`.
    pub fn part_length(&self, end: u64) -> u64 {
        let length = (self.ahead / 4).max(self.piece).min(PART.max(self.piece));
        length.min(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    const LIMITS: Limits = Limits {
        window: 64 << 20,
        part: PART,
    };

    #[test]
    fn the_second_piece_tells_the_direction() {
        let read = 63 * MIB..64 * MIB;
        assert!(Backward::follows(&read, 62 * MIB).is_some());
        assert!(Backward::follows(&read, 40 * MIB).is_none());
        assert!(Backward::follows(&(100..101), 99).is_none());
    }

    #[test]
    fn the_window_lies_below_and_grows() {
        let mut back = Backward::follows(&(63 * MIB..64 * MIB), 62 * MIB).unwrap();
        assert_eq!(back.wanted(), 60 * MIB..63 * MIB);
        assert!(back.includes(62 * MIB + 4096) && back.includes(61 * MIB));
        back.observe(61 * MIB, LIMITS);
        assert_eq!(back.wanted(), 57 * MIB..62 * MIB);
        for piece in (0..61).rev() {
            back.observe(piece * MIB, LIMITS);
        }
        assert_eq!(back.wanted(), 0..MIB);
    }
}
