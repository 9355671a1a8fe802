//! Format of an index file: a header, a mark that it was verified, and a word for each block.
//!
//! ```text
//!    0  magic, checksum of what follows, object, size, time, ETag, type and metadata
//! 3008  the mark
//! 3072  a word of 8 bytes for each block: its checksum, or 0 if it is absent
//! ```
//!
//! Numbers are little-endian. Another layout uses another top folder, so there is no version
//! number.

use crc_fast::CrcAlgorithm;

/// Size of a block, in bytes. Blocks are those in memory (`read/block`), on which readers request
/// parts. A part is therefore a number of whole blocks. Another range (a read in the middle) is
/// widened to blocks at little cost. With larger blocks, the parts of two requests would have to be
/// joined first.
pub(super) const BLOCK: u64 = 256 << 10;

/// Offset of the words: behind as much metadata as S3 stores, and with the words of 32 MiB in the
/// same page.
const WORDS: u64 = 3072;

/// Offset of the mark, at the end of the header.
pub(super) const MARK: usize = 3008;

/// Returns the number of blocks of an object of `size` bytes.
pub(super) fn blocks(size: u64) -> u64 {
    size.div_ceil(BLOCK)
}

/// Returns the length, in bytes, of a block of an object of this size.
pub(super) fn block_length(size: u64, block: u64) -> u64 {
    size.saturating_sub(block.saturating_mul(BLOCK)).min(BLOCK)
}

/// Returns the offset of the word of a block.
pub(super) fn word_at(block: u64) -> u64 {
    WORDS + 8 * block
}

/// Returns the length, in bytes, of the index of an object of this size.
pub(super) fn index_length(size: u64) -> u64 {
    word_at(blocks(size))
}

/// Returns the checksum of a block; never 0, which marks an absent block.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes).max(1)
}

/// Reads the number at an offset, which must be in range.
pub(super) fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// Writes bytes at an offset, which must be in range.
pub(super) fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    let end = (at + what.len()).min(bytes.len());
    let room = &mut bytes[at..end];
    room.copy_from_slice(&what[..room.len()]);
}

/// Reads the bytes at an offset, which must be in range.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_is_what_is_left() {
        assert_eq!((blocks(0), blocks(1), blocks(BLOCK)), (0, 1, 1));
        assert_eq!(block_length(BLOCK + 5, 0), BLOCK);
        assert_eq!(block_length(BLOCK + 5, 1), 5);
        assert_eq!(block_length(BLOCK + 5, 2), 0);
    }
}
