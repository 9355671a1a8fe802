//! One version of one object on the disk. All of it blocks.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::format;
use super::header::Header;
use crate::object::ObjectMeta;

/// The time of the last use is that of the index's last change; it need not be finer.
const TOUCH_AFTER: Duration = Duration::from_mins(1);

/// An entry that is open: it stays readable when it is evicted meanwhile.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) index: File,
    pub(super) data: File,
    pub(super) header: Header,
}

impl Entry {
    /// Which version it is of.
    pub(super) fn meta(&self) -> &ObjectMeta {
        &self.header.meta
    }

    /// Whether it has neither been evicted nor replaced since it was opened.
    pub(super) fn is_in_place(&self) -> bool {
        self.index.metadata().is_ok_and(|meta| meta.nlink() > 0)
    }

    /// The bytes of a block, if they are here and are what they were.
    pub(super) fn read(&self, block: u64) -> Option<Bytes> {
        let word = self.word(block)?;
        let length = format::block_length(self.meta().size, block);
        let mut bytes = vec![0; length as usize];
        let read = self.data.read_exact_at(&mut bytes, block * format::BLOCK);
        if read.is_ok() && format::checksum(&bytes) == word {
            return Some(bytes.into());
        }
        tracing::debug!(block, object = ?self.header.object, "a damaged block is fetched again");
        self.forget(block);
        None
    }

    /// Which blocks of these claim to be here.
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

    /// The checksum of a block that claims to be here.
    pub(super) fn word(&self, block: u64) -> Option<u64> {
        let mut word = [0; 8];
        self.index
            .read_exact_at(&mut word, format::word_at(block))
            .ok()?;
        Some(u64::from_le_bytes(word)).filter(|word| *word != 0)
    }

    /// Writes a block: the bytes first, so that a checksum never stands for bytes to come.
    pub(super) fn write(&self, block: u64, bytes: &[u8], checksum: u64) -> io::Result<()> {
        self.data.write_all_at(bytes, block * format::BLOCK)?;
        let word = checksum.to_le_bytes();
        self.index.write_all_at(&word, format::word_at(block))
    }

    /// Takes over what is now known to be stored with these bytes.
    pub(super) fn describe(&mut self, header: Header) {
        if let Some(encoded) = header.encode() {
            // If it can't be written, the old one is compared with the store's the next time.
            let _ = self.index.write_all_at(&encoded, 0);
        }
        self.header = header;
    }

    /// A block is not what it was, and nor is the whole.
    fn forget(&self, block: u64) {
        // If it can't be written, the checksum still says so the next time.
        let _ = self
            .index
            .write_all_at(&[0; 8], format::word_at(block))
            .and_then(|()| self.unseal());
    }

    /// Marks it as used just now.
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
