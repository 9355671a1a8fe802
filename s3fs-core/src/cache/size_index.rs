//! Index of the folder's size, shared by all processes that use it: a number in a locked file.
//!
//! The lock ends with its holder. A process takes room in steps and uses it up by itself, so that
//! locking is rare. Room taken by a process that died is lost until the folder is counted again.
//! A count happens when it is full, and once an hour while it is in use.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::evict::evict;
use super::folder::Folder;
use super::format::{checksum, number, put};
use super::scan::scan;

const FILE: &str = "account";

/// Maximum number of bytes taken in one step; for a small cache, a sixteenth of its size.
const LARGEST_STEP: u64 = 16 << 20;

/// Time, in seconds, for which the number is trusted.
const BELIEVED: u64 = 3600;

/// Size of a folder, as seen by one process.
#[derive(Debug)]
pub(super) struct SizeIndex {
    folder: Arc<Folder>,
    size: u64,
    /// Bytes taken and not used.
    left: u64,
}

/// Content of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    bytes: u64,
    counted_at: u64,
}

impl SizeIndex {
    /// Creates the size index of a folder that is to hold at most `size` bytes.
    pub(super) fn new(folder: Arc<Folder>, size: u64) -> Self {
        Self {
            folder,
            size,
            left: 0,
        }
    }

    /// Counts the folder and removes unfinished files, if the number has expired.
    pub(super) fn refresh(&self) -> io::Result<()> {
        let file = self.lock()?;
        let record = Record::believed(&file);
        let record = record.map_or_else(|| self.count(self.size), Ok)?;
        record.write(&file)
    }

    /// Takes room for `bytes` bytes; evicts the least recently used entries if there is none.
    pub(super) fn take(&mut self, bytes: u64) -> io::Result<()> {
        if self.left < bytes {
            let step = (self.size / 16).min(LARGEST_STEP).max(bytes);
            let file = self.lock()?;
            let mut record = match Record::believed(&file) {
                Some(record) if record.bytes.saturating_add(step) <= self.size => record,
                _ => {
                    // What was taken and not used is not there to be counted.
                    self.left = 0;
                    let keep = self.size.saturating_sub(step).min(most_kept(self.size));
                    self.count(keep)?
                }
            };
            record.bytes = record.bytes.saturating_add(step);
            if record.bytes > self.size {
                let words = "it is full, and what is in it can't be removed";
                return Err(io::Error::new(io::ErrorKind::StorageFull, words));
            }
            record.write(&file)?;
            self.left += step;
        }
        self.left -= bytes;
        Ok(())
    }

    /// Counts the folder. If it exceeds the cache's size, evicts until at most `keep` bytes are
    /// left.
    fn count(&self, keep: u64) -> io::Result<Record> {
        let found = scan(&self.folder)?;
        let step = self.size.saturating_sub(keep);
        let bytes = if found.bytes().saturating_add(step) > self.size {
            evict(&self.folder, found, keep)
        } else {
            found.bytes()
        };
        let counted_at = now();
        Ok(Record { bytes, counted_at })
    }

    fn lock(&self) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.folder.at(FILE))?;
        file.lock()?;
        Ok(file)
    }

    /// Returns the room that was taken and not used.
    fn settle(&mut self) -> io::Result<()> {
        let left = std::mem::take(&mut self.left);
        if left == 0 {
            return Ok(());
        }
        let file = self.lock()?;
        match Record::believed(&file) {
            Some(record) => {
                let bytes = record.bytes.saturating_sub(left);
                Record { bytes, ..record }.write(&file)
            }
            None => Ok(()),
        }
    }
}

impl Drop for SizeIndex {
    fn drop(&mut self) {
        // Else the next count finds it.
        let _ = self.settle();
    }
}

impl Record {
    const LENGTH: usize = 24;

    /// Reads the record, if it is intact and not too old.
    fn believed(file: &File) -> Option<Self> {
        let mut bytes = [0; Self::LENGTH];
        file.read_exact_at(&mut bytes, 0).ok()?;
        let record = Self {
            bytes: number(&bytes, 0),
            counted_at: number(&bytes, 8),
        };
        let age = now().checked_sub(record.counted_at)?;
        (number(&bytes, 16) == checksum(&bytes[..16]) && age < BELIEVED).then_some(record)
    }

    fn write(self, file: &File) -> io::Result<()> {
        let mut bytes = [0; Self::LENGTH];
        put(&mut bytes, 0, &self.bytes.to_le_bytes());
        put(&mut bytes, 8, &self.counted_at.to_le_bytes());
        let sum = checksum(&bytes[..16]);
        put(&mut bytes, 16, &sum.to_le_bytes());
        file.write_all_at(&bytes, 0)
    }
}

/// Returns the size that eviction leaves. It frees a tenth at once, so that the folder is counted
/// once per tenth written and not for every block.
pub(super) fn most_kept(size: u64) -> u64 {
    size / 10 * 9
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
