//! Entry of the cache: a version of an object on the disk. All methods block.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::format;
use super::header::Header;
use crate::object::ObjectMeta;

/// Minimum age of the last use before it is updated. It is stored as the index's modification time.
const TOUCH_AFTER: Duration = Duration::from_mins(1);

/// Open entry. It stays readable if it is evicted meanwhile.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) index: File,
    pub(super) data: File,
    pub(super) header: Header,
}

impl Entry {
    /// Returns the version of the entry.
    pub(super) fn meta(&self) -> &ObjectMeta {
        &self.header.meta
    }

    /// Returns whether it has been neither evicted nor replaced since it was opened.
    pub(super) fn is_in_place(&self) -> bool {
        self.index.metadata().is_ok_and(|meta| meta.nlink() > 0)
    }

    /// Reads a block, if it is present and matches its checksum.
    pub(super) fn read(&self, block: u64) -> Option<Bytes> {
        let word = self.word(block)?;
        let length = format::block_length(self.meta().size, block);
        let mut bytes = vec![0; length as usize];
        let read = self.data.read_exact_at(&mut bytes, block * format::BLOCK);
        if read.is_ok() && format::checksum(&bytes) == word {
            return Some(bytes.into());
        }
        tracing::debug!(block, object = ?self.header.object, "cached block is damaged: fetching it again");
        self.forget(block);
        None
    }

    /// Returns which of these blocks are marked as present.
    pub(super) fn presence(&self, blocks: Range<u64>) -> Vec<bool> {
        let mut words = vec![0; (blocks.end - blocks.start) as usize * 8];
        // What a truncated index lacks stays 0: absent.
        let mut filled = 0;
        while filled < words.len() {
            let at = format::word_at(blocks.start) + filled as u64;
            match self.index.read_at(&mut words[filled..], at) {
                Ok(0) | Err(_) => break,
                Ok(more) => filled += more,
            }
        }
        let words = words.chunks_exact(8);
        words.map(|word| word.iter().any(|b| *b != 0)).collect()
    }

    /// Returns the checksum of a block that is marked as present.
    pub(super) fn word(&self, block: u64) -> Option<u64> {
        let mut word = [0; 8];
        self.index
            .read_exact_at(&mut word, format::word_at(block))
            .ok()?;
        Some(u64::from_le_bytes(word)).filter(|word| *word != 0)
    }

    /// Writes a block: the bytes first, so that a checksum never precedes its bytes.
    pub(super) fn write(&self, block: u64, bytes: &[u8], checksum: u64) -> io::Result<()> {
        self.data.write_all_at(bytes, block * format::BLOCK)?;
        let word = checksum.to_le_bytes();
        self.index.write_all_at(&word, format::word_at(block))
    }

    /// Replaces the header by newer stored headers of the same bytes.
    pub(super) fn describe(&mut self, header: Header) {
        if let Some(encoded) = header.encode() {
            // If it can't be written, the old one is compared with the store's the next time.
            let _ = self.index.write_all_at(&encoded, 0);
        }
        self.header = header;
    }

    /// Marks a damaged block as absent, and the entry as not verified.
    fn forget(&self, block: u64) {
        // If it can't be written, the checksum still says so the next time.
        let _ = self
            .index
            .write_all_at(&[0; 8], format::word_at(block))
            .and_then(|()| self.unmark());
    }

    /// Updates the time of the last use.
    pub(super) fn touch(&self) {
        let now = SystemTime::now();
        let last = self.index.metadata().and_then(|meta| meta.modified());
        let is_recent = last.is_ok_and(|last| {
            now.duration_since(last)
                .is_ok_and(|since| since < TOUCH_AFTER)
        });
        if !is_recent {
            // At worst it is evicted too early.
            let _ = self.index.set_modified(now);
        }
    }
}
