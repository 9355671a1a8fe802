//! Opening files ahead of programs: the next files of a folder that a program reads in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fs::core::expected;
use crate::fs::prefetch::Prefetch;
use crate::fs::prefetch::directory_scan::{STEP, Walk};
use crate::fs::prefetch::open_heuristic::Habit;
use crate::object::{EntryName, Key};
use crate::read::{Expected, FIRST, Opening, Reader};
use crate::tree::{Entry, FileState, Ino, Kind};

/// Maximum number of tracked folders. At the limit, folders without an open for [`QUIET`] are
/// forgotten.
const FOLDERS: usize = 256;

/// Time without an open after which a folder counts as no longer walked through.
const QUIET: Duration = Duration::from_secs(2);

/// Position of programs in each folder that they walk through.
#[derive(Debug, Default)]
pub(in crate::fs) struct Walks(Mutex<HashMap<Ino, Place>>);

#[derive(Debug)]
struct Place {
    /// Name of the furthest file that was opened.
    last: EntryName,
    at: Instant,
    walk: Walk,
}

impl Walks {
    /// Records that a file of the folder was opened. `near` says whether another file is close to
    /// it. Returns the number of files behind it to open ahead: 0 if the file is the furthest one
    /// again, or near it and before it.
    pub(in crate::fs) fn opened(
        &self,
        dir: Ino,
        name: &EntryName,
        near: impl FnOnce(&EntryName) -> bool,
    ) -> usize {
        let now = Instant::now();
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = folders.get_mut(&dir) {
            place.at = now;
            let is_near = near(&place.last);
            if is_near && *name <= place.last {
                return 0;
            }
            place.last = name.clone();
            return place.walk.opened(is_near, now);
        }
        if folders.len() >= FOLDERS {
            folders.retain(|_, place| now.duration_since(place.at) < QUIET);
        }
        if folders.len() < FOLDERS {
            let (last, at, walk) = (name.clone(), now, Walk::new(now));
            folders.insert(dir, Place { last, at, walk });
        }
        0
    }
}

impl Prefetch {
    /// Returns whether an open of the object was started ahead and is fresh.
    pub(in crate::fs) fn is_opening(&self, key: &Key) -> bool {
        self.ahead.has(key)
    }

    /// Returns the open of the object that was started ahead, if it is fresh.
    pub(in crate::fs) fn opening(&self, key: &Key) -> Option<Opening> {
        self.ahead.get(key)
    }

    /// Starts to open an object unless that has started. `first` is the memory for its first bytes.
    /// Nobody waits for this open, so it starts only if the budget has that memory free.
    fn begin_ahead(&self, key: Key, first: u64, expected: Expected) {
        if !self.ahead.has(&key) && self.core.shared.budget.try_take(first).is_some() {
            let open = self.core.open_expecting(key.clone(), expected);
            self.ahead.begin(key, open);
        }
    }

    /// Returns a reader that was opened ahead, after its open completes, if it has the version of
    /// `file`.
    pub(in crate::fs) async fn opened_ahead(
        &self,
        key: &Key,
        file: &FileState,
    ) -> Option<Arc<Reader>> {
        let (reader, meta) = self.ahead.take(key)?.wait().await.ok()?;
        (Some(&meta.etag) == file.etag.as_ref()).then_some(reader)
    }

    /// Returns a reader that was opened ahead, if its open has completed and it has the version of
    /// `file`.
    pub(in crate::fs) fn try_opened_ahead(
        &self,
        key: &Key,
        file: &FileState,
    ) -> Option<Arc<Reader>> {
        let opening: Opening = self.ahead.get(key)?;
        let (reader, meta) = opening.now()?.as_ref().ok()?;
        let is_meant = Some(&meta.etag) == file.etag.as_ref();
        let reader = Arc::clone(reader);
        self.ahead.forget(key);
        is_meant.then_some(reader)
    }

    /// Starts to open an object of unknown size and version, if programs usually open what they
    /// look up.
    pub(in crate::fs) fn open_with_lookup(&self, dir: Ino, name: &EntryName) {
        let is_folder = matches!(self.core.tree.remembered(dir, name), Some(Kind::Dir));
        if is_folder || !self.habit().opens() {
            return;
        }
        if let Some(key) = self.core.tree.key_in(dir, name) {
            self.begin_ahead(key, FIRST, Expected::Size(u64::MAX));
        }
    }

    /// Records the result of a lookup.
    pub(in crate::fs) fn looked_up(&self, entry: Option<&Entry>) {
        match entry {
            Some(entry) if matches!(entry.kind, Kind::File(_)) => self.habit().found(entry.ino),
            Some(_) => {}
            None => self.habit().missed(),
        }
    }

    fn habit(&self) -> MutexGuard<'_, Habit<Ino>> {
        self.habit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a file was opened for reading, and starts to open the next files of the folder.
    pub(in crate::fs) fn opened(&self, dir: Ino, name: &EntryName, ino: Ino) {
        self.core.tree.read(ino);
        self.habit().opened(&ino);
        let near = |last: &EntryName| self.core.tree.are_near(dir, last, name, STEP);
        let count = self.walks.opened(dir, name, near);
        if count == 0 {
            return;
        }
        let Some(prefix) = self.core.tree.prefix_of(dir) else {
            return;
        };
        // Readers that programs wait for have the larger part of the memory.
        let mut room = self.core.shared.budget.total() / 4;
        for (name, file) in self.core.tree.files_behind(dir, name, count) {
            let first = file.size.min(FIRST);
            if first > room {
                return;
            }
            room -= first;
            let key = Key::new(format!("{prefix}{name}"));
            self.begin_ahead(key, first, expected(&file));
        }
    }
}
