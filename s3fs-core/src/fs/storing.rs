//! Storing what was written: beside programs that go on, or waited for.

use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::fs::handles::Handle;
use crate::fs::ledger::NotStored;
use crate::fs::open_files::{OpenFile, WriteHandle};
use crate::fs::outbox::{Changes, Want};
use crate::fs::place::{differ, headers};
use crate::fs::{Fs, FsError, HandleId, outbox};
use crate::object::{EntryName, Headers, Key, ObjectRef};
use crate::store::{Body, Precondition, StoreErrorKind};
use crate::tree::Ino;
use crate::write::{Place, Stored, WriteError, copy_object};

impl Fs {
    /// A program closes one of its descriptors.
    ///
    /// # Errors
    /// The file could not be stored, where closing waits for that.
    pub async fn flush(&self, handle: HandleId, pid: u32) -> Result<(), FsError> {
        match self.handles.get(handle)? {
            Handle::Write(handle) if is_one_process(handle.opener, pid) => {
                self.open_files.flushed(&handle);
                self.closing(&handle).await
            }
            _ => Ok(()),
        }
    }

    /// Where closing a file waits until it is stored, waits.
    pub(super) async fn closing(&self, handle: &WriteHandle) -> Result<(), FsError> {
        if handle.file.writer.is_stored() {
            return Ok(());
        }
        if self.waits_on_close || !self.outbox.trust.has(Changes::Store) {
            self.store_now(&handle.file).await
        } else {
            self.outbox.room().await;
            Ok(())
        }
    }

    /// Makes the bucket hold the file as it is now.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn fsync(&self, handle: HandleId) -> Result<(), FsError> {
        match self.handles.get(handle)? {
            Handle::Write(handle) => self.store_now(&handle.file).await,
            Handle::Read(handle) => match self.key_of(handle.ino) {
                Ok(key) => self.outbox.settle(&key).await,
                // It was deleted.
                Err(_) => Ok(()),
            },
            Handle::Dir(_) => Ok(()),
        }
    }

    /// Makes the bucket hold all that was made and removed in a folder, and below it.
    ///
    /// # Errors
    /// Some of it could not be done.
    pub async fn fsync_dir(&self, ino: Ino) -> Result<(), FsError> {
        match self.tree.prefix_of(ino) {
            Some(prefix) => self.outbox.settle_below(&prefix).await,
            None => Ok(()),
        }
    }

    /// Stores a file, and waits for it.
    pub(super) async fn store_now(&self, file: &OpenFile) -> Result<(), FsError> {
        loop {
            let Ok(key) = self.key_of(file.ino) else {
                return self.nameless(file);
            };
            if !file.writer.is_stored() {
                self.outbox.want(&key, Want::File(file.ino));
            }
            self.outbox.settle(&key).await?;
            // A folder above may have been renamed meanwhile.
            if self.key_of(file.ino).ok().as_ref() == Some(&key) {
                return Ok(());
            }
        }
    }

    /// A file without a name is not to be stored, if it was deleted or replaced here. If another client
    /// has taken its place, what was written is an error and kept.
    fn nameless(&self, file: &OpenFile) -> Result<(), FsError> {
        if file.writer.is_orphan() || file.writer.is_stored() {
            return Ok(());
        }
        if let Some(key) = self.last_key_of(file.ino) {
            let reason = "another client replaced it while it was open for writing";
            self.ledger.failed(self.store.uri(&key), reason.to_owned());
        }
        Err(FsError::Stale)
    }

    /// The key that a file has, or had last.
    pub(super) fn last_key_of(&self, ino: Ino) -> Option<Key> {
        let (dir, name) = self.tree.last_place(ino)?;
        self.tree.key_in(dir, &name)
    }

    /// The last thing that happens to a handle. The last handle of a file has it stored.
    pub(super) fn release_writer(&self, file: &OpenFile) {
        self.open_files.leave(file.ino);
        self.handle_gone(file.ino);
    }

    /// As [`release_writer`](Self::release_writer), for one of whose handle the file was told that it is
    /// being closed.
    pub(super) fn handle_gone(&self, ino: Ino) {
        if self.open_files.has_handles(ino) {
            return;
        }
        match self.key_of(ino) {
            Ok(key) => {
                if !self.end_stored(ino) && !self.is_abandoned() {
                    self.outbox.want(&key, Want::File(ino));
                }
            }
            // Of a file that was deleted, the last handle of any kind is the end.
            Err(_) => {
                if let Some(file) = self.open_files.get(ino) {
                    // The ledger has it.
                    let _ = self.nameless(&file);
                }
            }
        }
    }

    /// A file that was made without a handle is left to be stored.
    pub(super) async fn left(&self, ino: Ino, key: &Key) -> Result<(), FsError> {
        self.open_files.leave(ino);
        self.outbox.want(key, Want::File(ino));
        if self.outbox.trust.has(Changes::Store) {
            Ok(())
        } else {
            self.outbox.settle(key).await
        }
    }

    /// Forgets the writer of a file that is closed and stored.
    fn end_stored(&self, ino: Ino) -> bool {
        self.open_files.end(ino, |file| {
            let is_stored = file.writer.is_stored();
            if is_stored {
                self.tree.unpin(ino);
                // Pages that were asked for before it was stored lack it.
                self.descents.outdate();
            }
            is_stored
        })
    }

    /// How much the request about a key weighs.
    pub(super) fn weight(&self, key: &Key) -> u32 {
        let bytes = match self.outbox.wanted(key) {
            Some(Want::File(ino)) => self
                .open_files
                .get(ino)
                .map_or(0, |file| file.writer.length()),
            _ => 0,
        };
        outbox::weight(bytes)
    }

    /// Does what a key is wanted to become.
    pub(super) async fn fulfil(&self, key: &Key, want: Want) -> Result<(), FsError> {
        let _unmoved = self.moving.read().await;
        if self.is_abandoned() {
            return Err(FsError::ReadOnly);
        }
        let present = match &want {
            Want::Absent(..) => Ok(key.clone()),
            Want::File(ino) | Want::Headers(ino) => self.key_of(*ino),
            Want::Marker(ino) => self.marker_of(*ino),
        };
        match present {
            // It was deleted.
            Err(_) => return Ok(()),
            // A folder above was renamed.
            Ok(present) if present != *key => {
                self.outbox.want(&present, want);
                return Ok(());
            }
            Ok(_) => {}
        }
        match want {
            Want::Absent(dir, name) => self.delete(key, dir, &name).await,
            Want::File(ino) => self.store_file(key, ino).await,
            Want::Headers(ino) => self.store_headers(key, ino).await,
            Want::Marker(ino) => self.store_marker(key, ino).await,
        }
    }

    pub(super) async fn delete(
        &self,
        key: &Key,
        dir: Ino,
        name: &EntryName,
    ) -> Result<(), FsError> {
        let deleted = self.store.delete(key).await;
        self.outbox.trust.note(Changes::Delete, deleted.is_ok());
        self.account(key, &deleted, "could not be deleted: ");
        // Not tried again later: by then, somebody else's object may be there.
        self.tree.removal_done(dir, name);
        Ok(())
    }

    pub(super) async fn store_file(&self, key: &Key, ino: Ino) -> Result<(), FsError> {
        let Some(file) = self.open_files.get(ino) else {
            return Ok(());
        };
        // Boxed: what is stored first may have bytes of others, in turn.
        Box::pin(self.store_grafts(key.as_str(), ino)).await?;
        file.has_changed.store(false, Ordering::Release);
        match file.writer.store().await {
            Ok(stored) => {
                self.grafts.stored(ino);
                self.outbox.trust.note(Changes::Store, true);
                self.ledger.settled(&self.store.uri(key));
                self.stored(&file, &stored);
                self.correct_headers(key, &file, &stored.headers).await?;
                self.end_stored(ino);
                Ok(())
            }
            // Nobody wants it any more.
            Err(WriteError::Deleted) => Ok(()),
            Err(error) => {
                self.outbox.trust.note(Changes::Store, false);
                self.ledger.failed(self.store.uri(key), error.to_string());
                if file.place.must_be_new() && is_refused(&error) {
                    return Err(FsError::Exists);
                }
                Err(error.into())
            }
        }
    }

    fn stored(&self, file: &OpenFile, stored: &Stored) {
        if !stored.anew {
            return;
        }
        tracing::debug!(ino = %file.ino, size = stored.size, etag = %stored.etag, "stored");
        file.place.allow_overwriting();
        self.open_files.changed();
        self.tree.update_file(file.ino, |state| {
            state.etag = Some(stored.etag.clone());
            state.stored = None;
            // Somebody may have written since.
            state.size = file.writer.length();
        });
        if let Some(dir) = self.tree.parent(file.ino) {
            self.evidence.note(dir, true);
        }
    }

    /// What is kept with a large file was sent when its upload began, and may have changed since.
    async fn correct_headers(
        &self,
        key: &Key,
        file: &OpenFile,
        stored: &Headers,
    ) -> Result<(), FsError> {
        let modified_is_set = self.file(file.ino).is_some_and(|file| file.modified_is_set);
        let wanted = file.place.destination().map(|to| to.headers);
        match wanted {
            Some(wanted) if differ(stored, &wanted, modified_is_set) => {
                Box::pin(self.store_grafts(key.as_str(), file.ino)).await?;
                let object = self.copied_onto_itself(key, file.ino, &wanted).await?;
                if let Some((from, to)) = object {
                    file.writer.moved(&from, to).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn store_headers(&self, key: &Key, ino: Ino) -> Result<(), FsError> {
        let Some(entry) = self.tree.entry(ino) else {
            return Ok(());
        };
        if entry.looks.kept.is_none() {
            // It could not be changed before, and is as the bucket has it.
            return Ok(());
        }
        if let Some(file) = self.open_files.get(ino) {
            // It goes with the bytes.
            file.writer.touch().await;
            if !self.open_files.has_handles(ino) {
                self.outbox.want(key, Want::File(ino));
            }
            return Ok(());
        }
        self.store_grafts(key.as_str(), ino).await?;
        let wanted = headers(&entry, key, &self.owner);
        let copied = self.copied_onto_itself(key, ino, &wanted).await;
        match copied {
            Ok(Some((from, to))) => {
                if let Some(file) = self.open_files.get(ino) {
                    file.writer.moved(&from, to).await;
                }
            }
            Ok(None) => {}
            // Another client has replaced or deleted it, and what was kept with it has gone too.
            Err(FsError::Store(error))
                if matches!(
                    error.kind,
                    StoreErrorKind::PreconditionFailed | StoreErrorKind::NoSuchKey
                ) => {}
            Err(error) => {
                // The program has been told, or the ledger has it: what is shown is what the bucket has.
                self.tree.update_looks(ino, |looks| looks.kept = None);
                self.tree.unpin(ino);
                return Err(error);
            }
        }
        if self.open_files.get(ino).is_none() {
            self.tree.unpin(ino);
        }
        Ok(())
    }

    /// Stores other headers with an object by copying it onto itself.
    async fn copied_onto_itself(
        &self,
        key: &Key,
        ino: Ino,
        wanted: &Headers,
    ) -> Result<Option<(ObjectRef, ObjectRef)>, FsError> {
        let Some((etag, size)) = self
            .file(ino)
            .and_then(|file| Some((file.etag?, file.size)))
        else {
            return Ok(None);
        };
        let from = ObjectRef {
            key: key.clone(),
            etag,
            size,
        };
        let copied = copy_object(&self.target(), &from, key, Some(wanted)).await;
        self.outbox.trust.note(Changes::Store, copied.is_ok());
        self.account(key, &copied, "what is kept with it could not be changed: ");
        let to = copied?;
        self.open_files.changed();
        self.tree.update_file(ino, |file| {
            file.etag = Some(to.etag.clone());
            file.stored = None;
        });
        Ok(Some((from, to)))
    }

    async fn store_marker(&self, key: &Key, ino: Ino) -> Result<(), FsError> {
        let Some(entry) = self.tree.entry(ino) else {
            return Ok(());
        };
        let headers = headers(&entry, key, &self.owner);
        let body = Body::Memory(Bytes::new());
        let put = self
            .store
            .put(key, body, &headers, &Precondition::None)
            .await;
        self.outbox.trust.note(Changes::Store, put.is_ok());
        self.account(key, &put, "");
        put?;
        if self.outbox.wanted(key).as_ref() == Some(&Want::Marker(ino)) {
            self.tree.unpin(ino);
        }
        Ok(())
    }

    fn account<T, E: Display>(&self, key: &Key, result: &Result<T, E>, what: &str) {
        let uri = self.store.uri(key);
        match result {
            Ok(_) => self.ledger.settled(&uri),
            Err(error) => self.ledger.failed(uri, format!("{what}{error}")),
        }
    }

    /// A file could not be stored.
    pub(super) fn note_failure(&self, ino: Ino, reason: String) {
        if let Ok(key) = self.key_of(ino) {
            self.outbox.trust.note(Changes::Store, false);
            self.ledger.failed(self.store.uri(&key), reason);
        }
    }

    /// Stores all that is not stored and returns what could not be since the mount began.
    pub async fn finish(&self) -> Vec<NotStored> {
        self.outbox.hurry(true);
        for file in self.open_files.all() {
            if let Ok(key) = self.key_of(file.ino)
                && !file.writer.is_stored()
            {
                self.outbox.want(&key, Want::File(file.ino));
            }
        }
        self.delete_deferred().await;
        loop {
            // The ledger knows of failures.
            let _ = self.outbox.settle_below("").await;
            if !self.outbox.is_idle() {
                continue;
            }
            self.mark_kept().await;
            if self.outbox.is_idle() {
                break;
            }
        }
        self.outbox.hurry(false);
        self.rescue_all().await;
        self.not_stored()
    }

    /// Begins to store nothing from now on.
    pub fn refuse(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// Throws away all that is not stored.
    pub async fn abandon(&self) {
        self.refuse();
        for file in self.open_files.all() {
            file.writer.orphan().await;
        }
    }

    /// What could not be stored until now.
    pub fn not_stored(&self) -> Vec<NotStored> {
        self.ledger.open()
    }

    /// Only folders have markers.
    pub(super) fn marker_of(&self, ino: Ino) -> Result<Key, FsError> {
        let prefix = self.tree.prefix_of(ino).ok_or(FsError::NotFound)?;
        let marker = Key::new(prefix);
        if marker.is_too_long() {
            Err(FsError::KeyTooLong)
        } else {
            Ok(marker)
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }
}

/// Whether the bucket has something else there by now.
fn is_refused(error: &WriteError) -> bool {
    matches!(error, WriteError::Store(error) if matches!(error.kind, StoreErrorKind::PreconditionFailed))
}

/// Whether two threads, as the kernel numbers them, are one or of one process.
fn is_one_process(thread: u32, other: u32) -> bool {
    thread == other || Path::new(&format!("/proc/{thread}/task/{other}")).exists()
}
