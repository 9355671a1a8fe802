//! Requests that flush queued changes to the bucket: storing files, deletions, and changes of
//! stored metadata.

use std::fmt::Display;
use std::time::Instant;

use bytes::Bytes;

use crate::fs::FsError;
use crate::fs::open_files::OpenFile;
use crate::fs::place::{differ, headers};
use crate::fs::writeback::Writeback;
use crate::fs::writeback::error_mode::ChangeKind;
use crate::fs::writeback::queue::{DesiredState, Flushed, weight};
use crate::object::{Headers, Key, ObjectRef};
use crate::store::{Body, CopiedHeaders, Precondition, StoreErrorKind};
use crate::tree::Ino;
use crate::write::{FindDestination, FindNeed, Stored, WriteError, copy_object};

impl Writeback {
    /// Returns the weight of the queued request about a key.
    pub(in crate::fs) fn weight(&self, key: &Key) -> u32 {
        let bytes = match self.queue.wanted(key) {
            Some(DesiredState::File(ino)) => self
                .core
                .open_files
                .get(ino)
                .map_or(0, |file| file.writer.length()),
            _ => 0,
        };
        weight(bytes)
    }

    /// Brings the object of a key to its desired state.
    pub(in crate::fs) async fn flush_key(
        &self,
        key: &Key,
        want: DesiredState,
    ) -> Result<Flushed, FsError> {
        let _unmoved = self.moving.read().await;
        if self.core.lifecycle.is_abandoned() {
            return Err(FsError::ReadOnly);
        }
        let present = match &want {
            DesiredState::Absent(..) => Ok(key.clone()),
            DesiredState::File(ino) | DesiredState::Headers(ino) => self.core.key_of(*ino),
            DesiredState::Marker(ino) => self.core.marker_of(*ino),
        };
        match present {
            Err(_) => return Ok(self.without_name(&want)),
            // A parent folder was renamed.
            Ok(present) if present != *key => {
                self.queue.want(&present, want);
                return Ok(Flushed::PassedOn);
            }
            Ok(_) => {}
        }
        match want {
            DesiredState::Absent(dir, name) => self.delete(key, dir, &name).await,
            DesiredState::File(ino) => {
                let need = self.queue.need(key);
                return self.store_open_file(key, ino, Some(need)).await;
            }
            DesiredState::Headers(ino) => return self.store_headers(key, ino).await,
            DesiredState::Marker(ino) => self.store_marker(key, ino).await?,
        }
        Ok(Flushed::Done)
    }

    /// Returns the result for a file or folder that has lost its name. If another client took the
    /// name, its object is not to be deleted.
    fn without_name(&self, want: &DesiredState) -> Flushed {
        match want {
            DesiredState::File(ino) | DesiredState::Headers(ino) | DesiredState::Marker(ino)
                if self.core.tree.is_superseded(*ino) =>
            {
                Flushed::Done
            }
            _ => Flushed::Nameless,
        }
    }

    /// Returns whether the file that is to be stored under a key is open for writing.
    pub(in crate::fs) fn is_open_again(&self, key: &Key) -> bool {
        match self.queue.wanted(key) {
            Some(DesiredState::File(ino)) => self.core.open_files.is_in_use(ino),
            _ => false,
        }
    }

    pub(in crate::fs) async fn store_file(&self, key: &Key, ino: Ino) -> Result<(), FsError> {
        self.store_open_file(key, ino, None).await.map(drop)
    }

    /// Stores a file. With the source of the `need` for that, it is interrupted when the file is
    /// changed or removed meanwhile.
    async fn store_open_file(
        &self,
        key: &Key,
        ino: Ino,
        need: Option<FindNeed>,
    ) -> Result<Flushed, FsError> {
        let Some(file) = self.core.open_files.get(ino) else {
            return Ok(Flushed::Stored);
        };
        // Boxed: recursion. The files stored first may have copied ranges of other objects.
        Box::pin(self.store_copied_ranges(key.as_str(), ino)).await?;
        let changes = ChangeKind::of(&file.place);
        let stored = match need {
            Some(need) => file.writer.store_unless(need).await,
            None => file.writer.store().await,
        };
        match stored {
            Err(WriteError::Interrupted) => Ok(Flushed::Interrupted),
            // The file was deleted or replaced meanwhile.
            Err(WriteError::Deleted) => Ok(self.without_name(&DesiredState::File(ino))),
            stored => {
                self.end_storing(key, &file, changes, stored).await?;
                Ok(Flushed::Stored)
            }
        }
    }

    /// Records the result of a request to store a file, which was a change of this kind.
    async fn end_storing(
        &self,
        key: &Key,
        file: &OpenFile,
        changes: ChangeKind,
        stored: Result<Stored, WriteError>,
    ) -> Result<(), FsError> {
        match stored {
            Ok(stored) => {
                self.copied_ranges.stored(file.ino);
                self.queue.sure(key);
                self.error_mode.note(changes, true);
                self.settled(key);
                self.stored(file, &stored);
                self.correct_headers(key, file, &stored.headers).await?;
                self.end_stored(file.ino);
                Ok(())
            }
            // The file was deleted or replaced meanwhile.
            Err(WriteError::Deleted) => Ok(()),
            Err(error) => {
                if error.is_unknown() {
                    self.queue.unsure(key);
                } else if file.place.must_be_new() && error.is_precondition() {
                    // The object is another client's, and is not to be deleted with the name.
                    self.queue.sure(key);
                }
                self.error_mode.note(changes, false);
                self.failed(key, error.to_string());
                if file.place.must_be_new() && error.is_precondition() {
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
        self.core.open_files.changed();
        self.core.tree.update_file(file.ino, |state| {
            state.etag = Some(stored.etag.clone());
            state.stored = None;
            // The file may have been written since.
            state.size = file.writer.length();
        });
        self.core.tree.update_attrs(file.ino, |attrs| {
            attrs.properties_learned = Some(Instant::now());
        });
        if let Some(dir) = self.core.tree.parent(file.ino) {
            self.prefetch.note_metadata(dir, true);
        }
    }

    /// Corrects the metadata of a stored file. The metadata of a large file was sent when its
    /// upload began, and may have changed since.
    async fn correct_headers(
        &self,
        key: &Key,
        file: &OpenFile,
        stored: &Headers,
    ) -> Result<(), FsError> {
        let modified_is_set = self
            .core
            .file(file.ino)
            .is_some_and(|file| file.modified_is_set);
        let wanted = file.place.destination().map(|to| to.headers);
        match wanted {
            Some(wanted) if differ(stored, &wanted, modified_is_set) => {
                Box::pin(self.store_copied_ranges(key.as_str(), file.ino)).await?;
                self.copy_onto_itself(key, file.ino, &wanted).await
            }
            _ => Ok(()),
        }
    }

    async fn store_headers(&self, key: &Key, ino: Ino) -> Result<Flushed, FsError> {
        let Some(entry) = self.core.tree.entry(ino) else {
            return Ok(Flushed::Done);
        };
        if entry.attrs.stored.is_none() {
            // An earlier change failed, and the attributes are those of the bucket.
            return Ok(Flushed::Done);
        }
        if let Some(file) = self.core.open_files.get(ino) {
            return self.store_headers_of(key, &file).await;
        }
        self.store_copied_ranges(key.as_str(), ino).await?;
        self.refresh_properties(ino).await?;
        let Some(entry) = self.core.tree.entry(ino) else {
            return Ok(Flushed::Done);
        };
        let wanted = headers(&entry, key, &self.core.owner);
        match self.copy_onto_itself(key, ino, &wanted).await {
            Ok(()) => {}
            // Another client has replaced or deleted the object, and its metadata with it.
            Err(FsError::Store(error))
                if matches!(
                    error.kind,
                    StoreErrorKind::PreconditionFailed | StoreErrorKind::NoSuchKey
                ) => {}
            Err(error) => {
                // The failure was reported to the program or recorded. From here on the metadata of
                // the bucket is shown.
                self.core
                    .tree
                    .update_attrs(ino, |attrs| attrs.stored = None);
                self.core.tree.unpin(ino);
                return Err(error);
            }
        }
        if self.core.open_files.get(ino).is_none() {
            self.core.tree.unpin(ino);
        }
        Ok(Flushed::Done)
    }

    /// Stores the headers of a file that was opened for writing since they were changed.
    async fn store_headers_of(&self, key: &Key, file: &OpenFile) -> Result<Flushed, FsError> {
        self.store_copied_ranges(key.as_str(), file.ino).await?;
        let changes = ChangeKind::of(&file.place);
        if let Some(stored) = file.writer.store_headers().await {
            self.end_storing(key, file, changes, stored).await?;
            return Ok(Flushed::Done);
        }
        if self.core.open_files.has_handles(file.ino) {
            // They go with the changed bytes when it is closed. Until then its object stays whole.
            return Ok(Flushed::Done);
        }
        self.queue.want(key, DesiredState::File(file.ino));
        Ok(Flushed::PassedOn)
    }

    /// Stores other headers with an object by copying it onto itself.
    async fn copy_onto_itself(&self, key: &Key, ino: Ino, wanted: &Headers) -> Result<(), FsError> {
        let Some((etag, size)) = self
            .core
            .file(ino)
            .and_then(|file| Some((file.etag?, file.size)))
        else {
            return Ok(());
        };
        let from = ObjectRef {
            key: key.clone(),
            etag,
            size,
        };
        let copied = copy_object(
            &self.core.target(),
            &from,
            key,
            CopiedHeaders::Changed(wanted),
        )
        .await;
        self.error_mode.note(ChangeKind::Headers, copied.is_ok());
        self.account(key, &copied, "what is kept with it could not be changed: ");
        self.core.moved(ino, &from, copied?).await;
        Ok(())
    }

    async fn store_marker(&self, key: &Key, ino: Ino) -> Result<(), FsError> {
        self.read_properties(ino).await?;
        let Some(entry) = self.core.tree.entry(ino) else {
            return Ok(());
        };
        let headers = headers(&entry, key, &self.core.owner);
        let kept = entry.attrs.stored.as_ref();
        let is_filled = kept.is_some_and(|kept| kept.is_filled_marker);
        let put = self.put_marker(key, &headers, is_filled).await;
        self.error_mode.note(ChangeKind::Marker, put.is_ok());
        match &put {
            Ok(()) => self.queue.sure(key),
            Err(error) if error.is_unknown() => self.queue.unsure(key),
            Err(_) => {}
        }
        self.account(key, &put, "");
        put?;
        if self.queue.wanted(key).as_ref() == Some(&DesiredState::Marker(ino)) {
            self.core.tree.unpin(ino);
        }
        Ok(())
    }

    /// Stores the metadata of a folder. The bytes of its marker are kept.
    async fn put_marker(
        &self,
        key: &Key,
        headers: &Headers,
        is_filled: bool,
    ) -> Result<(), WriteError> {
        let there = if is_filled {
            self.core.describe(key).await?
        } else {
            None
        };
        if let Some(meta) = there.map(|it| it.meta).filter(|meta| meta.size > 0) {
            let from = ObjectRef {
                key: key.clone(),
                etag: meta.etag,
                size: meta.size,
            };
            copy_object(
                &self.core.target(),
                &from,
                key,
                CopiedHeaders::Changed(headers),
            )
            .await?;
            return Ok(());
        }
        let body = Body::memory(Bytes::new());
        let put = self.core.store.put(key, body, headers, &Precondition::None);
        Ok(put.await.map(drop)?)
    }

    /// Records the result of a request about a key, if it failed.
    pub(in crate::fs) fn account<T, E: Display>(
        &self,
        key: &Key,
        result: &Result<T, E>,
        what: &str,
    ) {
        let uri = self.core.store.uri(key);
        match result {
            Ok(_) => self.failures.settled(&uri),
            Err(error) => self.failures.failed(uri, format!("{what}{error}")),
        }
    }
}
