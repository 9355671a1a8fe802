//! Opening files ahead of programs: the next files of a folder that a program reads in order.

use std::sync::Arc;

use crate::fs::prefetch::Prefetch;
use crate::fs::prefetch::directory_scan::STEP;
use crate::fs::prefetch::folders::Scan;
use crate::fs::prefetch::open_heuristic::OpenHeuristic;
use crate::object::{EntryName, Key};
use crate::ordered::Guard;
use crate::read::{Expected, FIRST, OpenedReader, Opening, Reader};
use crate::store::StoreErrorKind;
use crate::tree::{Entry, FileState, Ino, Kind};

impl Prefetch {
    /// Returns whether an open of the object was started ahead and is fresh.
    pub(in crate::fs) fn is_opening(&self, key: &Key) -> bool {
        self.opens.has(key)
    }

    /// Returns the open of the object that was started ahead, if it is fresh.
    pub(in crate::fs) fn opening(&self, key: &Key) -> Option<Opening> {
        self.opens.get(key)
    }

    /// Starts to open an object unless that has started. `first` is the memory for its first bytes.
    /// Nobody waits for this open, so it starts only if the budget has that memory free.
    fn begin_ahead(&self, key: Key, first: u64, expected: Expected) {
        if !self.opens.has(&key) && self.core.shared.budget.try_take(first).is_some() {
            let open = self.core.open_expecting(key.clone(), expected);
            self.opens.begin(key, open);
        }
    }

    /// Returns a reader that was opened ahead, after its open completes, if it has the version of
    /// `file`.
    pub(in crate::fs) async fn opened_ahead(
        &self,
        ino: Ino,
        key: &Key,
        file: &FileState,
    ) -> Option<Arc<Reader>> {
        let opened = self.opens.take(key)?.wait().await;
        self.of_version(ino, file, &opened)
    }

    /// Returns a reader that was opened ahead, if its open has completed and it has the version of
    /// `file`.
    pub(in crate::fs) fn try_opened_ahead(
        &self,
        ino: Ino,
        key: &Key,
        file: &FileState,
    ) -> Option<Arc<Reader>> {
        let opening: Opening = self.opens.get(key)?;
        let opened = opening.now()?;
        self.opens.forget(key);
        self.of_version(ino, file, opened)
    }

    /// Returns the reader if it has the version of `file`. If the bucket has another version, or none,
    /// the store will be asked for it.
    fn of_version(&self, ino: Ino, file: &FileState, opened: &OpenedReader) -> Option<Arc<Reader>> {
        match opened {
            Ok((reader, meta)) if Some(&meta.etag) == file.etag.as_ref() => {
                Some(Arc::clone(reader))
            }
            opened => {
                if !self.core.freshness.is_checked() && is_outdated(opened) {
                    self.core.tree.distrust(ino);
                }
                None
            }
        }
    }

    /// Starts to open an object of unknown size and version, if programs usually open what they
    /// look up.
    pub(in crate::fs) fn open_with_lookup(&self, dir: Ino, name: &EntryName) {
        let is_folder = matches!(self.core.tree.remembered(dir, name), Some(Kind::Dir));
        if is_folder || !self.open_heuristic().opens() {
            return;
        }
        if let Some(key) = self.core.tree.key_in(dir, name) {
            self.begin_ahead(key, FIRST, Expected::Size(u64::MAX));
        }
    }

    /// Records the result of a lookup.
    pub(in crate::fs) fn looked_up(&self, entry: Option<&Entry>) {
        match entry {
            Some(entry) if matches!(entry.kind, Kind::File(_)) => {
                self.open_heuristic().found(entry.ino);
            }
            Some(_) => {}
            None => self.open_heuristic().missed(),
        }
    }

    fn open_heuristic(&self) -> Guard<'_, OpenHeuristic<Ino>> {
        self.open_heuristic.lock()
    }

    /// Records that a file was opened for reading, and starts to open the next files of the folder.
    pub(in crate::fs) fn opened(&self, dir: Ino, name: &EntryName, ino: Ino) {
        self.core.tree.read(ino);
        self.open_heuristic().opened(&ino);
        let near = |last: &EntryName| self.core.tree.are_near(dir, last, name, STEP);
        let count = self.folders.reached(Scan::Opens, dir, name, near);
        if count == 0 {
            return;
        }
        let Some(prefix) = self.core.tree.prefix_of(dir) else {
            return;
        };
        // Readers that programs wait for have the larger part of the memory.
        let mut room = self.core.shared.budget.total() / 4;
        for (name, file) in self.core.tree.files_behind(dir, name, count) {
            let Some(expected) = self.core.expected_ahead(&file) else {
                continue;
            };
            let first = file.size.min(FIRST);
            if first > room {
                return;
            }
            room -= first;
            let key = Key::new(format!("{prefix}{name}"));
            self.begin_ahead(key, first, expected);
        }
    }
}

/// Returns whether an open that gave no reader of a version shows that the bucket has another one or
/// none. Other failures say nothing about it.
fn is_outdated(opened: &OpenedReader) -> bool {
    match opened {
        Ok(_) => true,
        Err(error) => matches!(
            error.kind,
            StoreErrorKind::NoSuchKey | StoreErrorKind::PreconditionFailed
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn only_an_answer_about_the_version_shows_that_it_is_outdated() {
        let failed = |kind| {
            is_outdated(&Err(Arc::new(StoreError::new(
                "GetObject",
                "f".into(),
                kind,
            ))))
        };
        assert!(failed(StoreErrorKind::NoSuchKey));
        assert!(failed(StoreErrorKind::PreconditionFailed));
        assert!(!failed(StoreErrorKind::TimedOut));
        assert!(!failed(StoreErrorKind::Ended));
    }
}
