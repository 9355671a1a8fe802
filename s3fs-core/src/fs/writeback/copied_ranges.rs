//! Ranges that the server copies from other objects into files that are not stored yet.

use crate::fs::FsError;
use crate::fs::writeback::Writeback;
use crate::object::Key;
use crate::ordered::{Guard, LAST, Ordered};
use crate::tree::Ino;

/// Files not stored yet that contain copied ranges of other objects. Those objects must stay until
/// then.
#[derive(Debug, Default)]
pub(super) struct CopiedRanges(Ordered<Vec<(Ino, Key)>, LAST>);

impl CopiedRanges {
    fn note(&self, ino: Ino, from: Key) {
        let mut ranges = self.lock();
        if !ranges.contains(&(ino, from.clone())) {
            ranges.push((ino, from));
        }
    }

    /// Removes a file that was stored.
    pub(super) fn stored(&self, ino: Ino) {
        self.lock().retain(|(of, _)| *of != ino);
    }

    /// Takes out the files with copied ranges of objects whose keys have this prefix, except the
    /// file `except`.
    fn take(&self, prefix: &str, except: Ino) -> Vec<(Ino, Key)> {
        let mut ranges = self.lock();
        ranges
            .extract_if(.., |(ino, key)| {
                *ino != except && key.as_str().starts_with(prefix)
            })
            .collect()
    }

    fn lock(&self) -> Guard<'_, Vec<(Ino, Key)>> {
        self.0.lock()
    }
}

impl Writeback {
    /// Records that a file has a copied range of an object, which must stay until the file is
    /// stored.
    pub(in crate::fs) fn note_copied_range(&self, ino: Ino, from: Key) {
        self.copied_ranges.note(ino, from);
    }

    /// Stores the files that contain copied ranges of an object, before the object is deleted or
    /// changed. A `prefix` that ends in `/` means all objects below it.
    pub(in crate::fs) async fn store_copied_ranges(
        &self,
        prefix: &str,
        except: Ino,
    ) -> Result<(), FsError> {
        let mut stored = Ok(());
        // Taken out first: files may contain ranges of each other.
        for (ino, from) in self.copied_ranges.take(prefix, except) {
            let file = self.core.open_files.get(ino);
            let key = self.core.key_of(ino);
            if let (Some(_), Ok(key)) = (file, key)
                && let Err(error) = self.store_file(&key, ino).await
            {
                self.copied_ranges.note(ino, from);
                stored = Err(error);
            }
        }
        stored
    }
}
