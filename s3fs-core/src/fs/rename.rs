//! Renaming files. S3 has such a request for directory buckets alone: elsewhere, the server copies an
//! object, then the old one is deleted. A file that is not stored yet only changes its name in the tree.

use std::ffi::OsStr;
use std::time::Instant;

use crate::fs::copies::{Answer, Copied};
use crate::fs::lookup::{check_length, existing, possible};
use crate::fs::orphans::Going;
use crate::fs::place::headers;
use crate::fs::server_rename::{NewKey, Relocated, Source};
use crate::fs::writeback::DesiredState;
use crate::fs::{Fs, FsError};
use crate::object::{EntryName, Key, ObjectRef};
use crate::store::CopiedHeaders;
use crate::tree::{Entry, FileState, Ino, Kind, Removed};
use crate::write::copy_object;

/// Name in a folder, and its key.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) dir: Ino,
    pub(super) name: EntryName,
    pub(super) key: Key,
}

impl Fs {
    /// Renames an entry. `replace` allows it to replace an existing entry.
    ///
    /// # Errors
    /// The entry does not exist, the new name is taken by an entry that it may not replace, or the
    /// store fails. Nothing has changed then.
    pub async fn rename(
        &self,
        dir: Ino,
        name: &OsStr,
        to_dir: Ino,
        to_name: &OsStr,
        replace: bool,
    ) -> Result<(), FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        self.core.check_dir(to_dir)?;
        let name = existing(name)?;
        let to_name = possible(to_name)?;
        let entry = self.find(dir, &name).await?.ok_or(FsError::NotFound)?;
        let target = self.find(to_dir, &to_name).await?;
        if target.is_none() {
            check_length(&to_name)?;
        }
        let from = Named {
            key: self.core.key_in(dir, &name)?,
            dir,
            name,
        };
        let to = Named {
            key: self.core.key_in(to_dir, &to_name)?,
            dir: to_dir,
            name: to_name,
        };
        if let Some(target) = &target {
            if !replace {
                return Err(FsError::Exists);
            }
            if target.ino == entry.ino {
                return Ok(());
            }
        }
        self.check_rename(&entry, target.as_ref())?;
        let _held = self.core.tree.held(entry.ino);
        match entry.kind {
            Kind::Dir => {
                self.rename_folder(&entry, &from, &to, target.as_ref())
                    .await
            }
            Kind::File(_) => {
                let free = if replace && self.core.may_overwrite() {
                    NewKey::Free
                } else {
                    NewKey::MustBeFree
                };
                self.rename_file(&entry, &from, &to, target.as_ref(), free)
                    .await
            }
        }
    }

    fn check_rename(&self, entry: &Entry, target: Option<&Entry>) -> Result<(), FsError> {
        let is_stored = |entry: &Entry| match &entry.kind {
            Kind::Dir => true,
            Kind::File(file) => file.etag.is_some(),
        };
        if is_stored(entry) {
            self.core.check_may_delete()?;
        }
        let Some(target) = target else {
            return Ok(());
        };
        match (&entry.kind, &target.kind) {
            (Kind::Dir, Kind::File(_)) => Err(FsError::NotDirectory),
            (Kind::File(_), Kind::Dir) => Err(FsError::IsDirectory),
            (Kind::File(_), Kind::File(_)) if is_stored(target) => self.core.check_may_overwrite(),
            _ => Ok(()),
        }
    }

    /// Checks that a file may lose its name: if it has an object, deletions must be allowed.
    async fn check_may_leave(&self, ino: Ino) -> Result<(), FsError> {
        if self.core.may_delete() {
            return Ok(());
        }
        let has_object = match self.core.open_files.get(ino) {
            Some(file) => file.writer.is_streaming().await,
            None => false,
        } || self
            .core
            .key_of(ino)
            .is_ok_and(|key| self.writeback.queue.may_exist(&key));
        if has_object || self.core.file(ino).is_some_and(|file| file.etag.is_some()) {
            return self.core.check_may_delete();
        }
        Ok(())
    }

    async fn rename_file(
        &self,
        entry: &Entry,
        from: &Named,
        to: &Named,
        target: Option<&Entry>,
        free: NewKey,
    ) -> Result<(), FsError> {
        if target.is_some() {
            self.back_off.wait(to.dir, &to.name).await;
        }
        // In the order of keys, to avoid a deadlock of two renames.
        let replaced = target.map(|target| target.ino);
        let (first, second) = if from.key < to.key {
            ((from, None), (to, replaced))
        } else {
            ((to, replaced), (from, None))
        };
        let _first = self.writeback.hold(&first.0.key, first.1).await;
        let _second = self.writeback.hold(&second.0.key, second.1).await;
        let _unmoved = self.writeback.hold_folders().await;
        let is_same = |named: &Named| {
            Ok::<_, FsError>(self.core.key_in(named.dir, &named.name)? == named.key)
        };
        if !is_same(from)? || !is_same(to)? {
            // A parent folder was renamed; the kernel asks again.
            return Err(FsError::Stale);
        }
        self.check_may_leave(entry.ino).await?;
        if let Some(target) = target {
            self.set_aside(target, &to.key, Going::Replaced).await?;
        }
        self.writeback
            .store_copied_ranges(from.key.as_str(), entry.ino)
            .await?;
        let new_key = self.state_of_new_key(&to.key, target, free);
        let relocation = self.relocations.begin(entry.ino);
        let copied = self.copy_renamed(entry.ino, from, to, new_key).await?;
        // No operation below can fail.
        let is_target_stored = target.is_some_and(|target| {
            let now = self.core.file(target.ino);
            now.is_some_and(|file| file.etag.is_some())
        });
        let is_copied = copied.is_some();
        let mut leaves_object = false;
        if let Some(Relocated { old, new, source }) = copied {
            leaves_object = source == Source::Stays;
            self.core.moved(entry.ino, &old, new).await;
        }
        let wanted = self.writeback.queue.take(&from.key);
        self.core
            .tree
            .rename(from.dir, &from.name, to.dir, &to.name);
        if is_copied {
            // Readers that were refused under the old key look again.
            self.core.open_files.changed();
        }
        drop(relocation);
        self.prefetch.made(to.dir);
        self.now_at(entry.ino, to, is_copied, is_target_stored, wanted.as_ref());
        let gone = DesiredState::Absent(from.dir, from.name.clone());
        if !self.writeback.queue.instead(&from.key, leaves_object, gone) {
            self.core
                .tree
                .removal_done(from.dir, &from.name, Removed::File);
        }
        if let Some(target) = target {
            self.set_adrift_later(target.ino).await;
        }
        self.writeback.keep(from.dir);
        self.writeback.settled(&from.key);
        if is_copied {
            // The copy replaces a file that could not be stored before.
            self.writeback.settled(&to.key);
        }
        Ok(())
    }

    /// Returns the state of the new key, whose name has this entry. Without an object, it is `free`.
    fn state_of_new_key(&self, key: &Key, entry: Option<&Entry>, free: NewKey) -> NewKey {
        let file = entry.and_then(|entry| self.core.file(entry.ino));
        if file.is_some_and(|file| file.etag.is_some()) {
            NewKey::HasObject
        } else if self.writeback.queue.may_exist(key) || self.orphans.keeps(key) {
            // An object that was deleted here but still exists may be replaced.
            NewKey::Free
        } else {
            free
        }
    }

    /// Renames or copies the object of a file, if it has one. Newer changes are stored first, unless the
    /// bucket has no object of the file yet.
    async fn copy_renamed(
        &self,
        ino: Ino,
        from: &Named,
        to: &Named,
        new_key: NewKey,
    ) -> Result<Option<Relocated>, FsError> {
        let is_stored = |file: Option<FileState>| file.is_some_and(|file| file.etag.is_some());
        if let Some(file) = self.core.open_files.get(ino)
            && !file.writer.is_stored()
            && (is_stored(self.core.file(ino)) || file.writer.is_streaming().await)
        {
            self.writeback.store_file(&from.key, ino).await?;
        }
        let state = self.core.file(ino).ok_or(FsError::Stale)?;
        let Some(etag) = state.etag else {
            return Ok(None);
        };
        let old = ObjectRef {
            key: from.key.clone(),
            etag,
            size: state.size,
        };
        let entry = self.core.tree.entry(ino).ok_or(FsError::Stale)?;
        // Headers that are queued for the old key go to the copy.
        let wanted = match self.writeback.queue.wanted(&from.key) {
            Some(DesiredState::Headers(_)) => Some(headers(&entry, &to.key, &self.core.owner)),
            _ => None,
        };
        if wanted.is_none()
            && let Some(renamed) = self.rename_object(&old, &to.key, new_key).await?
        {
            self.writeback.queue.sure(&to.key);
            return Ok(Some(renamed));
        }
        let copied = match (&wanted, &entry.attrs.stored) {
            (Some(wanted), _) => CopiedHeaders::Changed(wanted),
            (None, Some(stored)) if entry.attrs.knows_properties(Instant::now()) => {
                CopiedHeaders::Known(stored.properties.as_deref())
            }
            (None, _) => CopiedHeaders::Source,
        };
        match copy_object(&self.core.target(), &old, &to.key, copied).await {
            Ok(new) => {
                self.writeback.queue.sure(&to.key);
                Ok(Some(Relocated {
                    old,
                    new,
                    source: Source::Stays,
                }))
            }
            Err(error) => {
                if error.is_unknown() && new_key != NewKey::HasObject {
                    let copy = Copied {
                        source: old,
                        to: to.key.clone(),
                        answer: Answer::Lost(wanted),
                    };
                    self.undo_copy(&copy).await;
                }
                Err(error.into())
            }
        }
    }

    /// Updates the queued requests about the new key.
    fn now_at(
        &self,
        ino: Ino,
        to: &Named,
        is_copied: bool,
        replaces_stored: bool,
        wanted: Option<&DesiredState>,
    ) {
        if is_copied {
            self.writeback.queue.forget(&to.key);
            if self.core.open_files.get(ino).is_none() {
                self.core.tree.unpin(ino);
            }
            return;
        }
        // Also an object that the replaced file would have replaced.
        let replaces_stored = replaces_stored || self.writeback.queue.may_exist(&to.key);
        if replaces_stored {
            // If the file is deleted before it is stored, the object that it replaces must be
            // deleted too.
            let gone = DesiredState::Absent(to.dir, to.name.clone());
            self.writeback.queue.want(&to.key, gone);
        }
        if let Some(file) = self.core.open_files.get(ino)
            && self.core.may_overwrite()
        {
            file.place.allow_overwriting();
        }
        if matches!(wanted, Some(DesiredState::File(_))) || replaces_stored {
            self.writeback.queue.want(&to.key, DesiredState::File(ino));
        }
    }
}
