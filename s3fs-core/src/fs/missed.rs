//! Requests of the kernel's own: mapped pages that it hands over at a time of its choosing.
//!
//! When one fails, no program is there to see the error.

use std::io;
use std::ops::Range;

use crate::fs::{Fs, FsError};
use crate::tree::Ino;
use crate::write::WriteError;

impl Fs {
    /// Bytes of mapped pages that the kernel handed over were not taken. It does so once and drops them,
    /// and has nobody to tell: so the file is not stored without them, and the ledger says why.
    pub async fn missed(&self, ino: Ino, range: Range<u64>, error: &FsError) {
        let cause = match error {
            FsError::Write(cause) => cause.clone(),
            other => io::Error::other(other.to_string()).into(),
        };
        if let Some(file) = self.open_files.get(ino) {
            file.writer.miss(range.clone(), cause.clone()).await;
        }
        let cause = Box::new(cause);
        self.note_failure(ino, WriteError::Missed { range, cause }.to_string());
    }
}
