//! Files that are open for writing or not stored yet, and who shares them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::RwLock;

use crate::fs::place::FilePlace;
use crate::object::{ETag, Key};
use crate::read::Reader;
use crate::tree::Ino;
use crate::write::Writer;

/// A file that is open for writing by one or more handles, or that has yet to be stored.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) ino: Ino,
    pub(super) writer: Writer,
    pub(super) place: Arc<FilePlace>,
    /// It was written since it was stored.
    pub(super) has_changed: AtomicBool,
}

/// One handle of such a file.
#[derive(Debug)]
pub(super) struct WriteHandle {
    pub(super) file: Arc<OpenFile>,
    /// The process that opened it. Where closing waits for the file to be stored, it waits when this
    /// process closes the file; a child that merely inherited the descriptor and exits is no reason to.
    pub(super) opener: u32,
    /// A reader of the stored version, for what the writer doesn't hold.
    pub(super) reader: Version,
    /// The opener has closed it, and nothing was written through it since: the kernel will release it
    /// in a moment.
    is_flushed: AtomicBool,
}

/// A handle that only reads: the version it was opened with, or what this mount makes of it.
#[derive(Debug)]
pub(super) struct ReadHandle {
    pub(super) ino: Ino,
    pub(super) reader: Version,
    /// [`OpenFiles::changes`] when the reader was known to be of the present version.
    pub(super) checked: AtomicU64,
}

/// A reader of one version of an object, replaced when this mount makes another.
pub(super) type Version = tokio::sync::Mutex<Option<(Key, ETag, Arc<Reader>)>>;

/// The files with their handles.
#[derive(Debug, Default)]
pub(super) struct OpenFiles {
    files: Mutex<HashMap<Ino, Shared>>,
    changes: AtomicU64,
    /// Held while something goes on that must not happen once a file is open for writing.
    quiet: RwLock<()>,
}

#[derive(Debug)]
struct Shared {
    file: Arc<OpenFile>,
    /// Handles that write.
    handles: usize,
    /// Those of them that are not being closed.
    in_use: usize,
}

impl OpenFiles {
    pub(super) fn get(&self, ino: Ino) -> Option<Arc<OpenFile>> {
        self.lock().get(&ino).map(|shared| Arc::clone(&shared.file))
    }

    pub(super) fn all(&self) -> Vec<Arc<OpenFile>> {
        let files = self.lock();
        files
            .values()
            .map(|shared| Arc::clone(&shared.file))
            .collect()
    }

    /// Shows all files. Nobody opens or forgets any meanwhile.
    pub(super) fn each(&self, mut see: impl FnMut(&OpenFile)) {
        for shared in self.lock().values() {
            see(&shared.file);
        }
    }

    /// One more handle of the file, or of the one that came first if another open was faster.
    pub(super) fn share(&self, ino: Ino, new: Option<OpenFile>) -> Option<Arc<OpenFile>> {
        let mut files = self.lock();
        if let Some(shared) = files.get_mut(&ino) {
            shared.handles += 1;
            shared.in_use += 1;
            return Some(Arc::clone(&shared.file));
        }
        let file = Arc::new(new?);
        let shared = Shared {
            file: Arc::clone(&file),
            handles: 1,
            in_use: 1,
        };
        files.insert(ino, shared);
        self.changed();
        Some(file)
    }

    /// Counts files opened for writing, written for the first time since, and stored: while it stays, so
    /// does every version.
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

    /// One handle fewer.
    pub(super) fn leave(&self, ino: Ino) {
        if let Some(shared) = self.lock().get_mut(&ino) {
            shared.handles = shared.handles.saturating_sub(1);
            shared.in_use = shared.in_use.saturating_sub(1);
        }
    }

    /// As [`leave`](Self::leave).
    pub(super) fn released(&self, handle: &WriteHandle) {
        self.take_back(handle);
        self.leave(handle.file.ino);
    }

    /// A handle is being closed.
    pub(super) fn flushed(&self, handle: &WriteHandle) {
        if !handle.is_flushed.swap(true, Ordering::AcqRel)
            && let Some(shared) = self.lock().get_mut(&handle.file.ino)
        {
            shared.in_use = shared.in_use.saturating_sub(1);
        }
    }

    /// A handle is not being closed after all: one descriptor of several was. Who has opened the file since
    /// reads the stored version, and has to look again.
    pub(super) fn used(&self, handle: &WriteHandle) {
        if self.take_back(handle) {
            self.changed();
        }
    }

    /// Counts a handle among those in use again; whether it was not. The file may have been forgotten
    /// meanwhile.
    fn take_back(&self, handle: &WriteHandle) -> bool {
        let was_flushed = handle.is_flushed.swap(false, Ordering::AcqRel);
        if was_flushed {
            let mut files = self.lock();
            let shared = files.entry(handle.file.ino).or_insert_with(|| Shared {
                file: Arc::clone(&handle.file),
                handles: 1,
                in_use: 0,
            });
            shared.in_use += 1;
        }
        was_flushed
    }

    /// Whether the file is all the mount's own: open for writing, or not stored yet.
    pub(super) fn is_ours(&self, ino: Ino) -> bool {
        let files = self.lock();
        files
            .get(&ino)
            .is_some_and(|shared| shared.in_use > 0 || !shared.file.writer.is_stored())
    }

    /// Forgets the file if it is stored and all its handles are being closed.
    pub(super) fn end_closed(&self, ino: Ino) -> bool {
        let mut files = self.lock();
        let ends = files
            .get(&ino)
            .is_some_and(|shared| shared.in_use == 0 && shared.file.writer.is_stored());
        if ends {
            files.remove(&ino);
        }
        ends
    }

    /// Whether a handle writes the file.
    pub(super) fn has_handles(&self, ino: Ino) -> bool {
        self.lock()
            .get(&ino)
            .is_some_and(|shared| shared.handles > 0)
    }

    /// Whether just one handle writes the file.
    pub(super) fn has_one_handle(&self, ino: Ino) -> bool {
        self.lock()
            .get(&ino)
            .is_some_and(|shared| shared.handles == 1)
    }

    /// Forgets the file, unless it is open or `may_end` objects. Nobody can open the file while
    /// `may_end` runs.
    pub(super) fn end(&self, ino: Ino, may_end: impl FnOnce(&OpenFile) -> bool) -> bool {
        let mut files = self.lock();
        let ends = files
            .get(&ino)
            .is_some_and(|shared| shared.handles == 0 && may_end(&shared.file));
        if ends {
            files.remove(&ino);
        }
        ends
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ino, Shared>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteHandle {
    pub(super) fn new(file: Arc<OpenFile>, opener: u32) -> Self {
        Self {
            file,
            opener,
            reader: tokio::sync::Mutex::new(None),
            is_flushed: AtomicBool::new(false),
        }
    }
}

impl ReadHandle {
    pub(super) fn new(ino: Ino, reader: Option<(Key, ETag, Arc<Reader>)>, checked: u64) -> Self {
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
        let reader = Arc::clone(&self.reader.try_lock().ok()?.as_ref()?.2);
        reader.try_read(offset, length)
    }
}
