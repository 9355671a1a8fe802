//! What an index file holds: a header, a seal, and a word for each block.
//!
//! ```text
//!   0  magic, object, size, time, ETag, checksum of these
//! 384  the seal
//! 512  a word of 8 bytes for each block: its checksum, or 0 if it is absent
//! ```
//! Numbers are little-endian. Another layout is another top folder, so there is no number of a
//! version to look at.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crc_fast::CrcAlgorithm;

use super::name::{HASH, ObjectId};
use crate::object::{ETag, ObjectMeta};

/// Bytes in a block. The grid is that of the blocks in memory (`read/block`), on which readers ask
/// for parts: so a part is whole blocks, and one that isn't (a read somewhere in the middle) is
/// widened to them at little cost. With larger blocks, the parts of two requests would have to be
/// put together first.
pub(super) const BLOCK: u64 = 256 << 10;

/// Where the words begin.
const HEADER: usize = 512;

/// Where the seal is.
pub(super) const SEAL: usize = 384;

const MAGIC: &[u8; 8] = b"stub-idx";
const SIZE: usize = 8 + HASH;
const SECONDS: usize = SIZE + 8;
const NANOS: usize = SECONDS + 8;
const TAG_LENGTH: usize = NANOS + 4;
const TAG: usize = TAG_LENGTH + 2;
const CHECKSUM: usize = SEAL - 8;

/// Of what an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) object: ObjectId,
    pub(super) meta: ObjectMeta,
}

impl Header {
    /// The header as it stands in the file; nothing if the tag is longer than any server's is.
    pub(super) fn encode(&self) -> Option<[u8; HEADER]> {
        let tag = self.meta.etag.to_string();
        let mut bytes = [0; HEADER];
        let since = self.meta.modified.duration_since(UNIX_EPOCH);
        let since = since.unwrap_or(Duration::ZERO);
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, MAGIC.len(), &self.object.0);
        put(&mut bytes, SIZE, &self.meta.size.to_le_bytes());
        put(&mut bytes, SECONDS, &since.as_secs().to_le_bytes());
        put(&mut bytes, NANOS, &since.subsec_nanos().to_le_bytes());
        let length = u16::try_from(tag.len()).ok()?;
        put(&mut bytes, TAG_LENGTH, &length.to_le_bytes());
        if tag.is_empty() || TAG + tag.len() > CHECKSUM {
            return None;
        }
        put(&mut bytes, TAG, tag.as_bytes());
        let sum = checksum(&bytes[..CHECKSUM]);
        put(&mut bytes, CHECKSUM, &sum.to_le_bytes());
        Some(bytes)
    }

    /// The header, if the bytes are one and are of this object.
    pub(super) fn decode(bytes: &[u8; HEADER], object: ObjectId) -> Option<Self> {
        let sound = bytes.starts_with(MAGIC)
            && number(bytes, CHECKSUM) == checksum(&bytes[..CHECKSUM])
            && bytes[MAGIC.len()..SIZE] == object.0;
        if !sound {
            return None;
        }
        let nanos = u32::from_le_bytes(array(bytes, NANOS));
        let length = usize::from(u16::from_le_bytes(array(bytes, TAG_LENGTH)));
        let tag = std::str::from_utf8(bytes[..CHECKSUM].get(TAG..TAG + length)?).ok()?;
        let since = Duration::new(number(bytes, SECONDS), nanos);
        let meta = ObjectMeta {
            size: number(bytes, SIZE),
            modified: SystemTime::UNIX_EPOCH.checked_add(since)?,
            etag: ETag::new(tag),
        };
        Some(Self { object, meta })
    }

    /// An empty one to read into.
    pub(super) fn room() -> [u8; HEADER] {
        [0; HEADER]
    }
}

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
    HEADER as u64 + 8 * block
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

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(tag: &str) -> Header {
        Header {
            object: ObjectId([7; HASH]),
            meta: ObjectMeta {
                size: 3 * BLOCK + 1,
                modified: UNIX_EPOCH + Duration::new(1_700_000_000, 5),
                etag: ETag::new(tag),
            },
        }
    }

    #[test]
    fn a_header_comes_back_as_it_was() {
        let header = header("d41d8cd98f00b204e9800998ecf8427e-12");
        let bytes = header.encode().unwrap();
        assert_eq!(Header::decode(&bytes, header.object), Some(header));
    }

    #[test]
    fn a_header_of_another_object_or_with_any_bit_flipped_is_none() {
        let header = header("tag");
        let bytes = header.encode().unwrap();
        assert_eq!(Header::decode(&bytes, ObjectId([8; HASH])), None);
        for at in 0..SEAL {
            let mut bytes = bytes;
            bytes[at] ^= 1;
            assert_eq!(Header::decode(&bytes, header.object), None, "{at}");
        }
    }

    #[test]
    fn tags_that_no_server_has_are_not_kept() {
        assert!(header(&"x".repeat(300)).encode().is_some());
        assert!(header(&"x".repeat(400)).encode().is_none());
        assert!(header("").encode().is_none());
    }

    #[test]
    fn the_last_block_is_what_is_left() {
        assert_eq!((blocks(0), blocks(1), blocks(BLOCK)), (0, 1, 1));
        assert_eq!(block_length(BLOCK + 5, 0), BLOCK);
        assert_eq!(block_length(BLOCK + 5, 1), 5);
        assert_eq!(block_length(BLOCK + 5, 2), 0);
    }
}
