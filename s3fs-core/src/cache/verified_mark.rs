//! Marks of entries that were verified as a whole, valid while the data file is unchanged.
//!
//! A mark records the state of the data file when every block had been compared with its checksum,
//! after a sync to the disk: its inode, length and change time, which no program can set. Any write
//! to the file voids the mark; so does restoring it from a backup.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use super::entry::Entry;
use super::format::{self, checksum, number, put};

const FIELDS: usize = 4;
const LENGTH: usize = (FIELDS + 1) * 8;

/// State of the data file when it was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct VerifiedMark([u64; FIELDS]);

impl VerifiedMark {
    fn of(data: &File) -> io::Result<Self> {
        let meta = data.metadata()?;
        let (seconds, nanos) = (meta.ctime().cast_unsigned(), meta.ctime_nsec());
        let fields = [meta.len(), meta.ino(), seconds, nanos.cast_unsigned()];
        Ok(Self(fields))
    }

    fn encode(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        for (at, field) in self.0.iter().enumerate() {
            put(&mut bytes, 8 * at, &field.to_le_bytes());
        }
        let sum = checksum(&bytes[..8 * FIELDS]);
        put(&mut bytes, 8 * FIELDS, &sum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let sum = checksum(&bytes[..8 * FIELDS]);
        let fields = std::array::from_fn(|at| number(bytes, 8 * at));
        (number(bytes, 8 * FIELDS) == sum).then_some(Self(fields))
    }
}

impl Entry {
    /// Returns whether the whole entry was verified and is unchanged since.
    pub(super) fn is_verified(&self) -> bool {
        let mut bytes = [0; LENGTH];
        let read = self.index.read_exact_at(&mut bytes, format::MARK as u64);
        let mark = read.ok().and_then(|()| VerifiedMark::decode(&bytes));
        let is_whole = |mark: &VerifiedMark| mark.0[0] == self.meta().size;
        mark.filter(is_whole).is_some_and(|mark| {
            let now = VerifiedMark::of(&self.data);
            now.is_ok_and(|now| now == mark)
        })
    }

    /// Returns whether all blocks are marked as present.
    pub(super) fn is_complete(&self) -> bool {
        let blocks = format::blocks(self.meta().size);
        blocks > 0 && self.presence(0..blocks).iter().all(|here| *here)
    }

    /// Compares every block with its checksum. Returns true if all are present, and the entry is
    /// now marked.
    pub(super) fn verify(&self) -> io::Result<bool> {
        if !self.is_complete() {
            return Ok(false);
        }
        // Or the power may fail, and leave a mark on bytes that never reached the disk.
        self.data.sync_all()?;
        let before = VerifiedMark::of(&self.data)?;
        let all = 0..format::blocks(self.meta().size);
        if before.0[0] != self.meta().size || !all.into_iter().all(|b| self.read(b).is_some()) {
            return Ok(false);
        }
        if VerifiedMark::of(&self.data)? != before {
            return Ok(false);
        }
        self.index
            .write_all_at(&before.encode(), format::MARK as u64)?;
        Ok(true)
    }

    /// Removes the mark.
    pub(super) fn unmark(&self) -> io::Result<()> {
        self.index.write_all_at(&[0; LENGTH], format::MARK as u64)
    }
}
