//! Files that are open for writing, and who shares them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::RwLock;

use crate::object::ETag;
use crate::read::Reader;
use crate::tree::Ino;
use crate::write::Writer;

/// A file that is open for writing, by one or more handles.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) ino: Ino,
    pub(super) uri: String,
    pub(super) writer: Writer,
}

/// One handle of such a file.
#[derive(Debug)]
pub(super) struct WriteHandle {
    pub(super) file: Arc<OpenFile>,
    /// The process that opened it. When it closes the file, the file is stored; a child that
    /// merely inherited the descriptor and exits is no reason to.
    pub(super) opener: u32,
    /// A reader of the stored version, for a file too large to be read from the writer.
    pub(super) reader: Version,
}

/// A handle that only reads: the version it was opened with, or what this mount makes of it.
#[derive(Debug)]
pub(super) struct ReadHandle {
    pub(super) ino: Ino,
    pub(super) reader: Version,
    /// [`OpenFiles::changes`] when the reader was known to be of the present version.
    pub(super) checked: AtomicU64,
}

/// A reader of one version, replaced when this mount makes another.
pub(super) type Version = tokio::sync::Mutex<Option<(ETag, Arc<Reader>)>>;

/// The files that are open for writing, with how many handles each.
#[derive(Debug, Default)]
pub(super) struct OpenFiles {
    files: Mutex<HashMap<Ino, (Arc<OpenFile>, usize)>>,
    changes: AtomicU64,
    /// Held while something goes on that must not happen once a file is open for writing.
    quiet: RwLock<()>,
}

impl OpenFiles {
    pub(super) fn get(&self, ino: Ino) -> Option<Arc<OpenFile>> {
        self.lock().get(&ino).map(|(file, _)| Arc::clone(file))
    }

    pub(super) fn all(&self) -> Vec<Arc<OpenFile>> {
        self.lock()
            .values()
            .map(|(file, _)| Arc::clone(file))
            .collect()
    }

    /// One more handle of the file, or of the one that came first if another open was faster.
    pub(super) fn share(&self, ino: Ino, new: Option<OpenFile>) -> Option<Arc<OpenFile>> {
        let mut files = self.lock();
        if let Some((file, handles)) = files.get_mut(&ino) {
            *handles += 1;
            return Some(Arc::clone(file));
        }
        let file = Arc::new(new?);
        files.insert(ino, (Arc::clone(&file), 1));
        self.changed();
        Some(file)
    }

    /// Counts files opened for writing and files stored: while it stays, so does every version.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Bytes of some file changed, or may from now on.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Does something that must not happen once the file is open for writing, unless it is. Not for a
    /// thread of the runtime.
    pub(super) fn unless_written<T>(&self, ino: Ino, act: impl FnOnce() -> T) -> Option<T> {
        let _quiet = self.quiet.blocking_read();
        let is_open = self.lock().contains_key(&ino);
        (!is_open).then(act)
    }

    /// Waits until nothing goes on that began before the file was open for writing. To be awaited by whoever opens
    /// a file for writing, before a program writes to it; holding no lock, because what goes on may
    /// wait for the answer to a read.
    pub(super) async fn settle(&self) {
        drop(self.quiet.write().await);
    }

    /// One handle fewer, unless it is the last, which stays until the file is stored: a file opened
    /// before would be opened as the bucket has it.
    pub(super) fn leave_others(&self, ino: Ino) -> bool {
        match self.lock().get_mut(&ino) {
            Some((_, handles)) if *handles > 1 => {
                *handles -= 1;
                true
            }
            _ => false,
        }
    }

    /// Forgets the file, unless it was opened again meanwhile or `may_end` objects. Nobody can open
    /// the file while `may_end` runs.
    pub(super) fn end(&self, ino: Ino, may_end: impl FnOnce() -> bool) -> bool {
        let mut files = self.lock();
        let ends = files.get(&ino).is_some_and(|(_, handles)| *handles == 1) && may_end();
        if ends {
            files.remove(&ino);
        }
        ends
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ino, (Arc<OpenFile>, usize)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteHandle {
    pub(super) fn new(file: Arc<OpenFile>, opener: u32) -> Self {
        Self {
            file,
            opener,
            reader: tokio::sync::Mutex::new(None),
        }
    }
}

impl ReadHandle {
    pub(super) fn new(ino: Ino, reader: Option<(ETag, Arc<Reader>)>, checked: u64) -> Self {
        Self {
            ino,
            reader: Version::new(reader),
            checked: AtomicU64::new(checked),
        }
    }

    /// Bytes, if they are here already and this mount has changed nothing.
    pub(super) fn try_read(&self, changes: u64, offset: u64, length: u64) -> Option<Bytes> {
        if self.checked.load(Ordering::Acquire) != changes {
            return None;
        }
        let reader = Arc::clone(&self.reader.try_lock().ok()?.as_ref()?.1);
        reader.try_read(offset, length)
    }
}
