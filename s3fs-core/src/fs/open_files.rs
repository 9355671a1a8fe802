//! Files that are open for writing or not stored yet, and their handles.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::RwLock;

use crate::fs::FsError;
use crate::fs::generation::Generation;
use crate::fs::place::FilePlace;
use crate::object::{ByteRange, ETag, Key};
use crate::ordered::{Guard, OPEN_FILES, Ordered};
use crate::read::Reader;
use crate::tree::Ino;
use crate::write::Writer;

/// File that is open for writing by one or more handles, or not stored yet.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) ino: Ino,
    pub(super) writer: Writer,
    pub(super) place: Arc<FilePlace>,
    /// Number of handles that write.
    handles: Count,
    /// Number of handles that are not being closed.
    in_use: Count,
}

/// Number of handles. It changes only while the files are locked.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn remove(&self) {
        self.0
            .store(self.get().saturating_sub(1), Ordering::Release);
    }
}

/// Handle of a file that is open for writing.
#[derive(Debug)]
pub(super) struct WriteHandle {
    pub(super) file: Arc<OpenFile>,
    /// ID of the thread that opened it. Where closing waits for the file to be stored, only a
    /// `close` by its process waits. A child that inherited the descriptor and exits does not.
    pub(super) opener: u32,
    /// Reader of the stored version, for bytes that the writer doesn't hold.
    pub(super) reader: Version,
    /// The opener has closed it, and nothing was written through it since. The kernel will release
    /// it soon.
    is_flushed: AtomicBool,
}

/// Handle that only reads. It shows the version it was opened with, or the newest that this mount
/// has made of it since.
#[derive(Debug)]
pub(super) struct ReadHandle {
    pub(super) ino: Ino,
    pub(super) reader: Version,
    /// [`OpenFiles::generation_count`] at the time when the reader had the current version.
    pub(super) checked: AtomicU64,
}

/// Reader of one version of an object. It is replaced when this mount makes another version.
pub(super) type Version = tokio::sync::Mutex<Option<(Key, ETag, Arc<Reader>)>>;

/// Open files with their handles.
#[derive(Debug, Default)]
pub(super) struct OpenFiles {
    files: Ordered<HashMap<Ino, Arc<OpenFile>>, OPEN_FILES>,
    generation: Generation,
    /// Lock held for reading during work that must not happen once a file is open for writing.
    quiet: RwLock<()>,
}

impl OpenFiles {
    pub(super) fn get(&self, ino: Ino) -> Option<Arc<OpenFile>> {
        self.lock().get(&ino).map(Arc::clone)
    }

    pub(super) fn all(&self) -> Vec<Arc<OpenFile>> {
        self.lock().values().map(Arc::clone).collect()
    }

    /// Calls `see` for all files. No file is opened or forgotten meanwhile.
    pub(super) fn each(&self, mut see: impl FnMut(&OpenFile)) {
        for file in self.lock().values() {
            see(file);
        }
    }

    /// Adds a handle of the file. If another open was faster, adds it to that file and drops `new`.
    /// Returns `None` if there is neither.
    pub(super) fn share(&self, ino: Ino, new: Option<OpenFile>) -> Option<Arc<OpenFile>> {
        let mut files = self.lock();
        let file = if let Some(file) = files.get(&ino) {
            Arc::clone(file)
        } else {
            let file = Arc::new(new?);
            files.insert(ino, Arc::clone(&file));
            self.changed();
            file
        };
        file.handles.add();
        file.in_use.add();
        Some(file)
    }

    /// Returns the present count of the [`Generation`].
    pub(super) fn generation_count(&self) -> u64 {
        self.generation.count()
    }

    /// Counts a change.
    pub(super) fn changed(&self) {
        self.generation.advance();
    }

    /// Returns the count itself, for code that observes a change first.
    pub(super) fn generation(&self) -> Generation {
        self.generation.clone()
    }

    /// Runs `act` unless the file is open for writing. No open for writing completes meanwhile.
    /// Blocks, so it must not be called on a thread of the runtime.
    pub(super) fn unless_written<T>(&self, ino: Ino, act: impl FnOnce() -> T) -> Option<T> {
        let _quiet = self.quiet.blocking_read();
        let is_open = self.lock().contains_key(&ino);
        (!is_open).then(act)
    }

    /// Waits for calls of [`unless_written`](Self::unless_written) that began before the file was
    /// open for writing. An open for writing must await this before a program writes to the file.
    /// The caller must hold no lock, because the calls may wait for the answer to a read.
    pub(super) async fn settle(&self) {
        drop(self.quiet.write().await);
    }

    /// Removes a handle that is not being closed.
    pub(super) fn leave(&self, file: &OpenFile) {
        let _files = self.lock();
        file.handles.remove();
        file.in_use.remove();
    }

    /// Removes a handle that was released.
    pub(super) fn released(&self, handle: &WriteHandle) {
        let file = &handle.file;
        let mut files = self.lock();
        if !handle.is_flushed.swap(true, Ordering::AcqRel) {
            file.in_use.remove();
        }
        file.handles.remove();
        if !file.writer.is_stored() {
            // The file was forgotten while a write was under way.
            files.entry(file.ino).or_insert_with(|| Arc::clone(file));
        }
    }

    /// Marks a handle as being closed.
    pub(super) fn flushed(&self, handle: &WriteHandle) {
        let _files = self.lock();
        if !handle.is_flushed.swap(true, Ordering::AcqRel) {
            handle.file.in_use.remove();
        }
    }

    /// Marks a handle as in use again: only one descriptor of several was closed. Handles opened
    /// since then read the stored version and must check again. A file that was forgotten meanwhile
    /// is added again.
    ///
    /// # Errors
    /// The inode has another writer by now.
    pub(super) fn used(&self, handle: &WriteHandle) -> Result<(), FsError> {
        if !handle.is_flushed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut files = self.lock();
        let known = files.entry(handle.file.ino);
        let file = known.or_insert_with(|| Arc::clone(&handle.file));
        if !Arc::ptr_eq(file, &handle.file) {
            return Err(FsError::Stale);
        }
        if handle.is_flushed.swap(false, Ordering::AcqRel) {
            file.in_use.add();
            self.changed();
        }
        Ok(())
    }

    /// Returns whether the inode has another writer than that of this file.
    pub(super) fn is_displaced(&self, file: &OpenFile) -> bool {
        let files = self.lock();
        let present = files.get(&file.ino);
        present.is_some_and(|present| !std::ptr::eq(Arc::as_ptr(present), file))
    }

    /// Returns whether the file is open for writing or not stored yet.
    pub(super) fn is_ours(&self, ino: Ino) -> bool {
        let files = self.lock();
        files
            .get(&ino)
            .is_some_and(|file| file.in_use.get() > 0 || !file.writer.is_stored())
    }

    /// Forgets the file if it is stored and all its handles are being closed.
    pub(super) fn end_closed(&self, ino: Ino) -> bool {
        let mut files = self.lock();
        let ends = files
            .get(&ino)
            .is_some_and(|file| file.in_use.get() == 0 && file.writer.is_stored());
        if ends {
            files.remove(&ino);
        }
        ends
    }

    /// Returns whether the file has a handle that writes.
    pub(super) fn has_handles(&self, ino: Ino) -> bool {
        self.lock()
            .get(&ino)
            .is_some_and(|file| file.handles.get() > 0)
    }

    /// Returns whether the file has a handle that writes and is not being closed.
    pub(super) fn is_in_use(&self, ino: Ino) -> bool {
        self.lock()
            .get(&ino)
            .is_some_and(|file| file.in_use.get() > 0)
    }

    /// Returns whether the file has exactly one handle that writes.
    pub(super) fn has_one_handle(&self, ino: Ino) -> bool {
        self.lock()
            .get(&ino)
            .is_some_and(|file| file.handles.get() == 1)
    }

    /// Forgets the file, unless it is open or `may_end` returns false. The file can't be opened
    /// while `may_end` runs.
    pub(super) fn end(&self, ino: Ino, may_end: impl FnOnce(&OpenFile) -> bool) -> bool {
        let mut files = self.lock();
        let ends = files
            .get(&ino)
            .is_some_and(|file| file.handles.get() == 0 && may_end(file));
        if ends {
            files.remove(&ino);
        }
        ends
    }

    fn lock(&self) -> Guard<'_, HashMap<Ino, Arc<OpenFile>>> {
        self.files.lock()
    }
}

impl OpenFile {
    pub(super) fn new(ino: Ino, writer: Writer, place: Arc<FilePlace>) -> Self {
        Self {
            ino,
            writer,
            place,
            handles: Count::default(),
            in_use: Count::default(),
        }
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

    /// Reads bytes, if they are fetched and this mount has changed nothing since the last check.
    pub(super) fn try_read(&self, changes: u64, range: ByteRange) -> Option<Bytes> {
        if self.checked.load(Ordering::Acquire) != changes {
            return None;
        }
        let reader = Arc::clone(&self.reader.try_lock().ok()?.as_ref()?.2);
        reader.try_read(range)
    }
}
