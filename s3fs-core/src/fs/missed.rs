//! Failed writes of mapped pages, which the kernel sends at a time of its choosing.
//!
//! No program waits for such a write, so none sees its error.

use std::io;
use std::ops::Range;

use crate::fs::{Fs, FsError};
use crate::tree::Ino;
use crate::write::WriteError;

impl Fs {
    /// Records a failed write of mapped pages. The kernel sends them once and drops them, and
    /// reports the error to no program. So the file is not stored without them, and the reason
    /// is recorded.
    pub async fn missed(&self, ino: Ino, range: Range<u64>, error: &FsError) {
        let cause = match error {
            FsError::Write(cause) => cause.clone(),
            other => io::Error::other(other.to_string()).into(),
        };
        if let Some(file) = self.core.open_files.get(ino) {
            file.writer.miss(range.clone(), cause.clone()).await;
        }
        let cause = Box::new(cause);
        self.writeback
            .note_failure(ino, WriteError::Missed { range, cause }.to_string());
    }
}
