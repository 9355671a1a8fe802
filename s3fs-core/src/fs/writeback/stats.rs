//! Number of files and bytes that were written and are not stored yet.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::fs::writeback::Writeback;

/// Files and bytes that were written and are not stored yet, such as "3 files, 20 MB left".
///
/// A file counts from its first change until the bucket has all of it: while it is open, queued or
/// being stored. A file that failed to be stored counts until a later attempt succeeds. Deletions,
/// folders and changes of attributes alone do not count.
///
/// The number of bytes is approximate: bytes that are not sent yet. A part of an upload counts as a
/// whole until the store has all of it. So does a file that is sent in one request. A large file
/// that was changed in places counts by its changed bytes before it is stored. While it is stored,
/// it counts by the parts to send, which include some bytes around the changes. Bytes that the
/// store copies by itself do not count, though the copy takes time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Number of files that are not fully stored.
    pub files: u64,
    /// Approximate number of their bytes still to be sent.
    pub bytes: u64,
}

impl AddAssign for Pending {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
    }
}

impl Writeback {
    /// Returns the files and bytes that were written and are not stored yet. Waits for no request.
    pub(in crate::fs) fn pending(&self) -> Pending {
        let mut pending = Pending::default();
        self.core.open_files.each(|file| {
            let writer = &file.writer;
            // A file without a name is not to be stored.
            if !writer.is_stored() && !writer.is_orphan() && self.core.key_of(file.ino).is_ok() {
                pending += Pending {
                    files: 1,
                    bytes: writer.unsent_bytes(),
                };
            }
        });
        pending
    }
}
