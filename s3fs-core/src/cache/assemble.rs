//! Assembly of whole blocks from pieces as they arrive, without I/O.

use super::format::{BLOCK, block_length};

/// Splits a range of an object into blocks. A block whose start is missing is skipped; a block
/// whose end is missing is never complete.
#[derive(Debug)]
pub(super) struct Assembler {
    size: u64,
    position: u64,
    /// Bytes received of the block at `position`.
    bytes: Vec<u8>,
}

impl Assembler {
    /// Creates an assembler for a range that starts at `position` of an object of `size` bytes.
    pub(super) fn new(size: u64, position: u64) -> Self {
        Self {
            size,
            position,
            bytes: Vec::new(),
        }
    }

    /// Takes the next piece and passes each block that it completes to `whole`.
    pub(super) fn take(&mut self, mut piece: &[u8], mut whole: impl FnMut(u64, Vec<u8>)) {
        while !piece.is_empty() && self.position < self.size {
            let block = self.position / BLOCK;
            let length = block_length(self.size, block);
            let within = self.position % BLOCK;
            let taken = (length - within).min(piece.len() as u64);
            let (now, later) = piece.split_at(taken as usize);
            self.bytes.reserve_exact((length - within) as usize);
            self.bytes.extend_from_slice(now);
            self.position += taken;
            piece = later;
            if within + taken == length {
                let bytes = std::mem::take(&mut self.bytes);
                // Fewer if it did not come from its beginning.
                if bytes.len() as u64 == length {
                    whole(block, bytes);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the blocks assembled from a range that arrives in pieces.
    fn assembled(size: u64, start: u64, end: u64, piece: usize) -> Vec<(u64, Vec<u8>)> {
        let bytes: Vec<u8> = (start..end).map(|i| (i % 251) as u8).collect();
        let mut assembler = Assembler::new(size, start);
        let mut blocks = Vec::new();
        for piece in bytes.chunks(piece) {
            assembler.take(piece, |block, bytes| blocks.push((block, bytes)));
        }
        blocks
    }

    #[test]
    fn only_whole_blocks_come_and_each_with_its_own_bytes() {
        let size = 3 * BLOCK + 1000;
        for piece in [1 << 10, 48 << 10, 1 << 20] {
            for (start, end, expected) in [
                (0, size, vec![0, 1, 2, 3]),
                (0, 3 * BLOCK + 999, vec![0, 1, 2]),
                (1, 2 * BLOCK, vec![1]),
                (BLOCK - 1, size, vec![1, 2, 3]),
                (3 * BLOCK, size, vec![3]),
                (5, BLOCK, vec![]),
            ] {
                let blocks = assembled(size, start, end, piece);
                let numbers: Vec<u64> = blocks.iter().map(|(block, _)| *block).collect();
                assert_eq!(numbers, expected, "{start}..{end} in pieces of {piece}");
                for (block, bytes) in blocks {
                    assert_eq!(bytes.len() as u64, block_length(size, block));
                    assert_eq!(u64::from(bytes[0]), block * BLOCK % 251);
                }
            }
        }
    }
}
