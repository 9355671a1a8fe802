//! Storing written files, in the background or before an operation returns.

use crate::fs::FsError;
use crate::fs::open_files::{OpenFile, WriteHandle};
use crate::fs::writeback::Writeback;
use crate::fs::writeback::error_mode::ChangeKind;
use crate::fs::writeback::queue::DesiredState;
use crate::object::Key;
use crate::tree::Ino;

impl Writeback {
    /// Stores a file and waits for it.
    pub(in crate::fs) async fn store_now(&self, file: &OpenFile) -> Result<(), FsError> {
        loop {
            let Ok(key) = self.core.key_of(file.ino) else {
                return self.nameless(file);
            };
            self.check_displaced(file)?;
            self.want_stored(&key, file).await;
            self.queue.settle(&key).await?;
            // A parent folder may have been renamed meanwhile.
            if self.core.key_of(file.ino).ok().as_ref() == Some(&key) {
                return Ok(());
            }
        }
    }

    /// Queues an open file to be stored if the bucket lacks changes of it. Queued headers become
    /// part of that: they would wait for the last `close` if the file were written before their
    /// request begins.
    pub(in crate::fs) async fn want_stored(&self, key: &Key, file: &OpenFile) {
        if self.queue.wanted(key) == Some(DesiredState::Headers(file.ino)) {
            file.writer.touch().await;
        }
        if !file.writer.is_stored() {
            self.queue.want(key, DesiredState::File(file.ino));
        }
    }

    /// Returns the result for a file without a name. It is not stored if it was deleted or replaced
    /// through this mount. If another client replaced it, unsaved changes are kept and reported as
    /// an error.
    ///
    /// The tree distinguishes both cases as soon as the name is gone. The writer is told a little
    /// later, and a handle may be closed in between.
    fn nameless(&self, file: &OpenFile) -> Result<(), FsError> {
        if file.writer.is_stored() || !self.core.tree.is_superseded(file.ino) {
            return Ok(());
        }
        if let Some(key) = self.core.last_key_of(file.ino) {
            let reason = "another client replaced it while it was open for writing";
            self.failed(&key, reason.to_owned());
        }
        Err(FsError::Stale)
    }

    /// Marks a handle as in use, before and after a change through it.
    pub(in crate::fs) fn in_use(&self, handle: &WriteHandle) -> Result<(), FsError> {
        let used = self.core.open_files.used(handle);
        if used.is_err() {
            self.name_displaced(&handle.file);
        }
        used
    }

    /// Fails if changes of a file can't be stored any more, because another open began to write it
    /// anew. They are recorded as lost.
    pub(in crate::fs) fn check_displaced(&self, file: &OpenFile) -> Result<(), FsError> {
        if file.writer.is_stored() || !self.core.open_files.is_displaced(file) {
            return Ok(());
        }
        self.name_displaced(file);
        Err(FsError::Stale)
    }

    /// Records that changes of a file are lost because another open began to write it anew. What
    /// that stores does not bring them back.
    fn name_displaced(&self, file: &OpenFile) {
        if self.core.is_wanted(file.ino)
            && let Some(key) = self.core.last_key_of(file.ino)
        {
            let reason = "a descriptor of a version before could not be written";
            self.lost(&key, reason);
        }
    }

    /// Releases a handle of a file. The last handle queues the file to be stored.
    pub(in crate::fs) fn release_writer(&self, file: &OpenFile) {
        self.core.open_files.leave(file);
        self.handle_gone(file.ino);
    }

    /// Queues a file to be stored after its last handle, as
    /// [`release_writer`](Self::release_writer) does, for a handle that was already removed.
    pub(in crate::fs) fn handle_gone(&self, ino: Ino) {
        if self.core.open_files.has_handles(ino) {
            return;
        }
        match self.core.key_of(ino) {
            Ok(key) => {
                if !self.end_stored(ino) && !self.core.lifecycle.is_abandoned() {
                    self.queue.want(&key, DesiredState::File(ino));
                }
            }
            // A deleted file ends with its last handle of any kind.
            Err(_) => {
                if let Some(file) = self.core.open_files.get(ino) {
                    // The failure is recorded.
                    let _ = self.nameless(&file);
                }
            }
        }
    }

    /// Queues a file that was made without a handle. Waits for it unless the bucket has taken such
    /// changes before.
    pub(in crate::fs) async fn left(&self, file: &OpenFile, key: &Key) -> Result<(), FsError> {
        self.core.open_files.leave(file);
        self.queue.want(key, DesiredState::File(file.ino));
        self.confirm(key, ChangeKind::of(&file.place)).await
    }

    /// Returns the kind of change by which a file is stored.
    fn changes_of(&self, ino: Ino) -> ChangeKind {
        let file = self.core.open_files.get(ino);
        file.map_or(ChangeKind::Replace, |file| ChangeKind::of(&file.place))
    }

    /// Forgets the writer of a file that is closed and stored.
    pub(in crate::fs) fn end_stored(&self, ino: Ino) -> bool {
        self.core.open_files.end(ino, |file| {
            let is_stored = file.writer.is_stored();
            if is_stored {
                self.core.tree.unpin(ino);
                // Pages requested before it was stored lack it.
                self.prefetch.outdate();
            }
            is_stored
        })
    }

    /// Records that a file could not be stored.
    pub(in crate::fs) fn note_failure(&self, ino: Ino, reason: String) {
        if let Ok(key) = self.core.key_of(ino) {
            self.error_mode.note(self.changes_of(ino), false);
            self.failed(&key, reason);
        }
    }

    /// Returns whether a `close` of a file must wait until it is stored. Otherwise waits while the
    /// queue is full.
    ///
    /// # Errors
    /// The bucket is found not to take files.
    pub(in crate::fs) async fn close_waits(&self, file: &OpenFile) -> Result<bool, FsError> {
        if self.waits_on_close {
            return Ok(true);
        }
        self.probe(file).await?;
        if self.error_mode.reports_later(ChangeKind::of(&file.place)) {
            self.queue.room().await;
            return Ok(false);
        }
        Ok(true)
    }

    /// Handles a complete change of a file that no program has open. Waits until the file is stored
    /// if a `close` would.
    pub(in crate::fs) async fn changed_as_a_whole(&self, file: &OpenFile) -> Result<(), FsError> {
        if file.writer.is_stored() {
            return Ok(());
        }
        if self.waits_on_close || !self.error_mode.reports_later(ChangeKind::of(&file.place)) {
            return self.store_now(file).await;
        }
        self.queue.room().await;
        Ok(())
    }
}
