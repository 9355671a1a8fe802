//! What was written and is not stored yet.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::fs::Fs;

/// What was written and is not stored yet: "3 files, 20 MB left".
///
/// A file counts from its first change until the bucket has all of it, whether it is open, waits or is
/// being stored; one that could not be stored counts until a later attempt succeeds. Deletions, folders
/// and changes of nothing but attributes do not count.
///
/// The bytes are those that have yet to be sent, and approximate. A part of an upload, or a file that is
/// sent in one request, counts as a whole until the store has all of it. Of a large file that was changed
/// in places, what is counted before it is being stored is what changed; then it is the parts that are
/// sent, which have some bytes around that, too. What the store copies by itself is no bytes, though it
/// takes time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Files that the bucket lacks something of.
    pub files: u64,
    /// About how many of their bytes are still to be sent.
    pub bytes: u64,
}

impl AddAssign for Pending {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
    }
}

impl Fs {
    /// What was written and is not stored yet. Waits for no request.
    pub fn pending(&self) -> Pending {
        let mut pending = Pending::default();
        self.open_files.each(|file| {
            let writer = &file.writer;
            // A file without a name is not to be stored.
            if !writer.is_stored() && !writer.is_orphan() && self.key_of(file.ino).is_ok() {
                pending += Pending {
                    files: 1,
                    bytes: writer.left(),
                };
            }
        });
        pending
    }
}
