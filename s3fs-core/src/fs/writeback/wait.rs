//! Storing written files, in the background or before an operation returns.

use crate::fs::open_files::{OpenFile, WriteHandle};
use crate::fs::writeback::error_mode::Kind as Changes;
use crate::fs::writeback::queue::Want;
use crate::fs::{Fs, FsError};
use crate::object::Key;
use crate::tree::Ino;

impl Fs {
    /// Stores a file and waits for it.
    pub(in crate::fs) async fn store_now(&self, file: &OpenFile) -> Result<(), FsError> {
        loop {
            let Ok(key) = self.key_of(file.ino) else {
                return self.nameless(file);
            };
            self.check_displaced(file)?;
            self.want_stored(&key, file).await;
            self.outbox.settle(&key).await?;
            // A parent folder may have been renamed meanwhile.
            if self.key_of(file.ino).ok().as_ref() == Some(&key) {
                return Ok(());
            }
        }
    }

    /// Queues an open file to be stored if the bucket lacks changes of it. Queued headers become
    /// part of that: they would wait for the last `close` if the file were written before their
    /// request begins.
    pub(in crate::fs) async fn want_stored(&self, key: &Key, file: &OpenFile) {
        if self.outbox.wanted(key) == Some(Want::Headers(file.ino)) {
            file.writer.touch().await;
        }
        if !file.writer.is_stored() {
            self.outbox.want(key, Want::File(file.ino));
        }
    }

    /// Returns the result for a file without a name. It is not stored if it was deleted or replaced
    /// through this mount. If another client replaced it, unsaved changes are kept and reported as
    /// an error.
    ///
    /// The tree distinguishes both cases as soon as the name is gone. The writer is told a little
    /// later, and a handle may be closed in between.
    fn nameless(&self, file: &OpenFile) -> Result<(), FsError> {
        if file.writer.is_stored() || !self.tree.is_superseded(file.ino) {
            return Ok(());
        }
        if let Some(key) = self.last_key_of(file.ino) {
            let reason = "another client replaced it while it was open for writing";
            self.ledger.failed(self.store.uri(&key), reason.to_owned());
        }
        Err(FsError::Stale)
    }

    /// Marks a handle as in use, before and after a change through it.
    pub(in crate::fs) fn in_use(&self, handle: &WriteHandle) -> Result<(), FsError> {
        let used = self.open_files.used(handle);
        if used.is_err() {
            self.name_displaced(&handle.file);
        }
        used
    }

    /// Fails if changes of a file can't be stored any more, because another open began to write it
    /// anew. The ledger names them.
    pub(in crate::fs) fn check_displaced(&self, file: &OpenFile) -> Result<(), FsError> {
        if file.writer.is_stored() || !self.open_files.is_displaced(file) {
            return Ok(());
        }
        self.name_displaced(file);
        Err(FsError::Stale)
    }

    /// Records that changes of a file are lost because another open began to write it anew. What
    /// that stores does not bring them back.
    fn name_displaced(&self, file: &OpenFile) {
        if self.is_wanted(file.ino)
            && let Some(key) = self.last_key_of(file.ino)
        {
            let reason = "a descriptor of a version before could not be written";
            self.ledger
                .lost_for_good(self.store.uri(&key), reason.to_owned());
        }
    }

    /// Returns whether changes of a file are to be stored or kept: it was neither deleted nor
    /// replaced through this mount.
    pub(in crate::fs) fn is_wanted(&self, ino: Ino) -> bool {
        self.key_of(ino).is_ok() || self.tree.is_superseded(ino)
    }

    /// Returns the current or last key of a file.
    pub(in crate::fs) fn last_key_of(&self, ino: Ino) -> Option<Key> {
        let (dir, name) = self.tree.last_place(ino)?;
        self.tree.key_in(dir, &name)
    }

    /// Releases a handle of a file. The last handle queues the file to be stored.
    pub(in crate::fs) fn release_writer(&self, file: &OpenFile) {
        self.open_files.leave(file);
        self.handle_gone(file.ino);
    }

    /// Queues a file to be stored after its last handle, as
    /// [`release_writer`](Self::release_writer) does, for a handle that was already removed.
    pub(in crate::fs) fn handle_gone(&self, ino: Ino) {
        if self.open_files.has_handles(ino) {
            return;
        }
        match self.key_of(ino) {
            Ok(key) => {
                if !self.end_stored(ino) && !self.is_abandoned() {
                    self.outbox.want(&key, Want::File(ino));
                }
            }
            // A deleted file ends with its last handle of any kind.
            Err(_) => {
                if let Some(file) = self.open_files.get(ino) {
                    // The ledger has it.
                    let _ = self.nameless(&file);
                }
            }
        }
    }

    /// Queues a file that was made without a handle. Waits for it unless the bucket has taken such
    /// changes before.
    pub(in crate::fs) async fn left(&self, file: &OpenFile, key: &Key) -> Result<(), FsError> {
        self.open_files.leave(file);
        self.outbox.want(key, Want::File(file.ino));
        if self.outbox.trust.has(Changes::of(&file.place)) {
            Ok(())
        } else {
            self.outbox.settle(key).await
        }
    }

    /// Returns the kind of change by which a file is stored.
    fn changes_of(&self, ino: Ino) -> Changes {
        let file = self.open_files.get(ino);
        file.map_or(Changes::Replace, |file| Changes::of(&file.place))
    }

    /// Forgets the writer of a file that is closed and stored.
    pub(in crate::fs) fn end_stored(&self, ino: Ino) -> bool {
        self.open_files.end(ino, |file| {
            let is_stored = file.writer.is_stored();
            if is_stored {
                self.tree.unpin(ino);
                // Pages requested before it was stored lack it.
                self.descents.outdate();
            }
            is_stored
        })
    }

    /// Records that a file could not be stored.
    pub(in crate::fs) fn note_failure(&self, ino: Ino, reason: String) {
        if let Ok(key) = self.key_of(ino) {
            self.outbox.trust.note(self.changes_of(ino), false);
            self.ledger.failed(self.store.uri(&key), reason);
        }
    }

    /// Returns the key of a folder's marker.
    pub(in crate::fs) fn marker_of(&self, ino: Ino) -> Result<Key, FsError> {
        let prefix = self.tree.prefix_of(ino).ok_or(FsError::NotFound)?;
        let marker = Key::new(prefix);
        if marker.is_too_long() {
            Err(FsError::KeyTooLong)
        } else {
            Ok(marker)
        }
    }
}
