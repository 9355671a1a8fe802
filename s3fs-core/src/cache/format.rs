//! What an index file holds: a header, a seal, and a word for each block.
//!
//! ```text
//!    0  magic, checksum of what follows, object, size, time, ETag, type and metadata
//! 3008  the seal
//! 3072  a word of 8 bytes for each block: its checksum, or 0 if it is absent
//! ```
//! Numbers are little-endian. Another layout is another top folder, so there is no number of a
//! version to look at.

use crc_fast::CrcAlgorithm;

/// Bytes in a block. The grid is that of the blocks in memory (`read/block`), on which readers ask
/// for parts: so a part is whole blocks, and one that isn't (a read somewhere in the middle) is
/// widened to them at little cost. With larger blocks, the parts of two requests would have to be
/// put together first.
pub(super) const BLOCK: u64 = 256 << 10;

/// Where the words begin: behind as much metadata as S3 stores, and with the words of 32 MiB in the
/// same page.
const WORDS: u64 = 3072;

/// Where the header ends and the seal is.
pub(super) const SEAL: usize = 3008;

/// How many blocks so many bytes are.
pub(super) fn blocks(size: u64) -> u64 {
    size.div_ceil(BLOCK)
}

/// How many bytes a block of an object of this size has.
pub(super) fn block_length(size: u64, block: u64) -> u64 {
    size.saturating_sub(block.saturating_mul(BLOCK)).min(BLOCK)
}

/// Where the word of a block is.
pub(super) fn word_at(block: u64) -> u64 {
    WORDS + 8 * block
}

/// The length of the index of an object of this size.
pub(super) fn index_length(size: u64) -> u64 {
    word_at(blocks(size))
}

/// What stands for the bytes; never 0, which stands for none.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes).max(1)
}

/// The number at an offset that lies within.
pub(super) fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// Writes at an offset that lies within.
pub(super) fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    let end = (at + what.len()).min(bytes.len());
    let room = &mut bytes[at..end];
    room.copy_from_slice(&what[..room.len()]);
}

/// The bytes at an offset that lies within.
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
