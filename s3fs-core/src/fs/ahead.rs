//! Opening files before programs do: the next ones of a folder that is being walked through.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fs::Fs;
use crate::object::{EntryName, Key, ObjectMeta};
use crate::read::{Expected, FIRST, Habit, Opening, Reader, STEP, Walk};
use crate::store::StoreError;
use crate::tree::{Entry, FileState, Ino, Kind};

/// Remember so many folders at most; those that have been quiet for long are forgotten.
const FOLDERS: usize = 256;

/// Nobody walks through a folder in which nothing was opened for so long.
const QUIET: Duration = Duration::from_secs(2);

/// Where programs are in the folders that they walk through.
#[derive(Debug, Default)]
pub(super) struct Walks(Mutex<HashMap<Ino, Place>>);

#[derive(Debug)]
struct Place {
    /// The furthest one.
    last: EntryName,
    at: Instant,
    walk: Walk,
}

impl Walks {
    /// A file of the folder was opened; `near` says whether another one is close to it. Returns how
    /// many files behind it to open ahead: none if it is the furthest one again, or one before it.
    pub(super) fn opened(
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

impl Fs {
    /// Opens whatever version of the file is there now.
    pub(super) fn open_object(
        &self,
        key: Key,
        file: &FileState,
    ) -> impl Future<Output = Result<(Arc<Reader>, ObjectMeta), StoreError>> + Send + use<> {
        self.open_expecting(key, expected(file))
    }

    /// As [`open_object`](Self::open_object), by what is expected of it.
    pub(super) fn open_expecting(
        &self,
        key: Key,
        expected: Expected,
    ) -> impl Future<Output = Result<(Arc<Reader>, ObjectMeta), StoreError>> + Send + use<> {
        let (store, budget) = (Arc::clone(&self.store), self.budget.clone());
        Reader::open(store, key, expected, budget, self.blocks.clone())
    }

    /// Begins to open an object of which the first bytes take so much, unless that has begun. Nobody
    /// waits for it, so it takes no memory that others use.
    fn begin_ahead(&self, key: Key, first: u64, expected: Expected) {
        if !self.ahead.has(&key) && self.budget.try_take(first).is_some() {
            let open = self.open_expecting(key.clone(), expected);
            self.ahead.begin(key, open);
        }
    }

    /// The version of the file that is being opened already, if it is still the one that is meant.
    pub(super) async fn opened_ahead(&self, key: &Key, file: &FileState) -> Option<Arc<Reader>> {
        let (reader, meta) = self.ahead.take(key)?.wait().await.ok()?;
        (Some(&meta.etag) == file.etag.as_ref()).then_some(reader)
    }

    /// As [`opened_ahead`](Self::opened_ahead), if it has been opened by now.
    pub(super) fn try_opened_ahead(&self, key: &Key, file: &FileState) -> Option<Arc<Reader>> {
        let opening: Opening = self.ahead.get(key)?;
        let (reader, meta) = opening.now()?.as_ref().ok()?;
        let is_meant = Some(&meta.etag) == file.etag.as_ref();
        let reader = Arc::clone(reader);
        self.ahead.forget(key);
        is_meant.then_some(reader)
    }

    /// Begins to open an object of which nothing is known, if what is looked up is opened, as a rule.
    pub(super) fn open_with_lookup(&self, dir: Ino, name: &EntryName) {
        let is_folder = matches!(self.tree.remembered(dir, name), Some(Kind::Dir));
        if is_folder || !self.habit().opens() {
            return;
        }
        if let Some(key) = self.tree.key_in(dir, name) {
            self.begin_ahead(key, FIRST, Expected::Size(u64::MAX));
        }
    }

    /// Takes note of what was looked up.
    pub(super) fn looked_up(&self, entry: Option<&Entry>) {
        match entry {
            Some(entry) if matches!(entry.kind, Kind::File(_)) => self.habit().found(entry.ino),
            Some(_) => {}
            None => self.habit().missed(),
        }
    }

    fn habit(&self) -> MutexGuard<'_, Habit<Ino>> {
        self.habit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that a file was opened for reading, and begins to open those that will be next.
    pub(super) fn opened(&self, dir: Ino, name: &EntryName, ino: Ino) {
        self.tree.read(ino);
        self.habit().opened(&ino);
        let near = |last: &EntryName| self.tree.are_near(dir, last, name, STEP);
        let count = self.walks.opened(dir, name, near);
        if count == 0 {
            return;
        }
        let Some(prefix) = self.tree.prefix_of(dir) else {
            return;
        };
        // Readers that programs wait for have the larger part of the memory.
        let mut room = self.budget.total() / 4;
        for (name, file) in self.tree.files_behind(dir, name, count) {
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

/// What is known of a file before it is opened.
fn expected(file: &FileState) -> Expected {
    match (&file.etag, file.was_read) {
        (Some(etag), true) => Expected::Here(ObjectMeta {
            size: file.size,
            modified: file.modified,
            etag: etag.clone(),
        }),
        _ => Expected::Size(file.size),
    }
}
