//! Making and removing folders, deleting files.

use std::ffi::OsStr;

use crate::fs::lookup::{check_length, existing, possible};
use crate::fs::orphans::Going;
use crate::fs::owner::Maker;
use crate::fs::prepare::{NewEntry, Prepared};
use crate::fs::writeback::{ChangeKind, DesiredState};
use crate::fs::{Attr, Fs, FsError};
use crate::object::{EntryName, FileKind, Key};
use crate::store::{ListFrom, ListRequest, ListedObject};
use crate::tree::{Entry, EntryAttrs, Ino, Kind, Removed};

impl Fs {
    /// Makes a folder: an empty object whose key ends in `/`, as other tools do.
    ///
    /// # Errors
    /// The name exists or can't be a key, or the mount doesn't allow it.
    pub async fn mkdir(
        &self,
        dir: Ino,
        name: &OsStr,
        mode: u16,
        made_by: Maker,
    ) -> Result<Attr, FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        self.core.check_dir(dir)?;
        let name = possible(name)?;
        let key = self.core.key_in(dir, &name)?;
        let new = NewEntry {
            kind: FileKind::Dir,
            mode,
            maker: made_by,
        };
        let Prepared::Free(attributes) = self.find_or_prepare(dir, &name, new).await? else {
            return Err(FsError::Exists);
        };
        check_length(&name)?;
        let marker = Key::new(format!("{key}/"));
        if marker.is_too_long() {
            return Err(FsError::KeyTooLong);
        }
        self.writeback.queue.room().await;
        let attrs = EntryAttrs::of(attributes);
        let entry = self.core.tree.create_with(dir, &name, Kind::Dir, attrs);
        self.prefetch.made(dir);
        self.core.tree.reference(entry.ino);
        self.core
            .tree
            .completed(entry.ino, std::time::Instant::now());
        self.writeback
            .queue
            .want(&marker, DesiredState::Marker(entry.ino));
        let confirmed = self.writeback.confirm(&marker, ChangeKind::Marker).await;
        if let Err(error) = confirmed {
            self.writeback.take_back(dir, &name, &marker);
            self.core.tree.forget(entry.ino, 1);
            return Err(error);
        }
        self.getattr(entry.ino)
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// The folder has entries, visible or not, or the mount doesn't allow it.
    pub async fn rmdir(&self, dir: Ino, name: &OsStr) -> Result<(), FsError> {
        let _change = self.core.begin_change()?;
        let (name, entry) = self.find_for_removal(dir, name).await?;
        if !matches!(entry.kind, Kind::Dir) {
            return Err(FsError::NotDirectory);
        }
        let marker = self.core.marker_of(entry.ino)?;
        self.settle_entries(&marker).await?;
        let _held = self.writeback.queue.hold(&marker).await;
        let mut has_marker = self.check_empty(&entry, &marker).await?;
        if has_marker && !self.writeback.reports_later(ChangeKind::Delete) {
            self.writeback.delete_first(&marker).await?;
            has_marker = false;
        }
        self.core.tree.removing(dir, &name, Removed::Dir);
        let gone = DesiredState::Absent(dir, name.clone());
        if !self.writeback.queue.instead(&marker, has_marker, gone) {
            self.core.tree.removal_done(dir, &name, Removed::Dir);
        }
        // The folder may have hidden an object of its name.
        self.core.tree.no_longer_complete(dir);
        self.writeback.keep(dir);
        Ok(())
    }

    /// Waits for deletions below a folder: a listing would still show their objects.
    pub(super) async fn settle_entries(&self, marker: &Key) -> Result<(), FsError> {
        let mut keys = self.writeback.queue.below(marker.as_str());
        keys.retain(|key| key != marker);
        self.writeback.queue.settle_all(&keys).await?;
        self.orphans.settle_below(marker.as_str()).await;
        Ok(())
    }

    /// Checks that no key lies below a folder, and that its marker has no bytes. No name shows the
    /// marker. Returns whether the folder has a marker. A server that keeps emptied folders lists one
    /// as such, but only where keys below are folded.
    pub(super) async fn check_empty(&self, folder: &Entry, marker: &Key) -> Result<bool, FsError> {
        if self.core.tree.has_local(folder.ino) {
            return Err(FsError::NotEmpty);
        }
        let is_other = |object: &ListedObject| object.key != marker.as_str();
        let (mut found, mut next) = (None, None);
        // A page may be empty, or have the marker alone, though others follow.
        loop {
            let below = ListRequest {
                prefix: marker.as_str(),
                folded: true,
                from: ListFrom::following(next.as_deref()),
                max_keys: 2,
            };
            let page = self.core.store.list(below).await?;
            if !page.prefixes.is_empty() || page.objects.iter().any(is_other) {
                return Err(FsError::NotEmpty);
            }
            found = page.objects.into_iter().next().or(found);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        if let Some(filled) = found.as_ref().filter(|object| object.meta.size > 0) {
            let (object, size) = (self.core.store.uri(marker), filled.meta.size);
            tracing::warn!(object, size, "folder not removed: its marker is not empty");
            return Err(FsError::NotEmpty);
        }
        Ok(found.is_some())
    }

    /// Deletes a file. Programs that have it open keep it.
    ///
    /// # Errors
    /// The entry is a folder, or the mount doesn't allow it.
    pub async fn unlink(&self, dir: Ino, name: &OsStr) -> Result<(), FsError> {
        let _change = self.core.begin_change()?;
        let (name, entry) = self.find_for_removal(dir, name).await?;
        if !matches!(entry.kind, Kind::File(_)) {
            return Err(FsError::IsDirectory);
        }
        let key = self.core.key_in(dir, &name)?;
        self.writeback.queue.room().await;
        // No other request about the key runs until the object is deleted.
        let _held = self.writeback.hold(&key, Some(entry.ino)).await;
        let _unmoved = self.writeback.hold_folders().await;
        if self.core.key_in(dir, &name)? != key {
            // A parent folder was renamed; the kernel asks again.
            return Err(FsError::Stale);
        }
        let may_go = self.set_aside(&entry, &key, Going::Deleted).await?;
        let etag = self.core.file(entry.ino).and_then(|file| file.etag);
        let mut is_stored =
            etag.is_some() || self.orphans.keeps(&key) || self.writeback.queue.may_exist(&key);
        if is_stored && !self.writeback.reports_later(ChangeKind::Delete) && may_go {
            self.writeback.delete_first(&key).await?;
            is_stored = false;
        }
        match etag {
            Some(etag) if !may_go => {
                self.writeback.queue.forget(&key);
                // The object may be that of a request without an answer.
                let version = (!self.writeback.queue.is_unsure(&key)).then_some(etag);
                match &version {
                    Some(etag) => self.core.tree.removing_version(dir, &name, etag.clone()),
                    None => self.core.tree.removing(dir, &name, Removed::File),
                }
                self.defer_deletion(entry.ino, key.clone(), (dir, name), version);
            }
            _ => {
                self.core.tree.removing(dir, &name, Removed::File);
                let gone = DesiredState::Absent(dir, name.clone());
                if !self.writeback.queue.instead(&key, is_stored, gone) {
                    self.core.tree.removal_done(dir, &name, Removed::File);
                }
            }
        }
        self.set_adrift(entry.ino).await;
        self.writeback.keep(dir);
        self.writeback.settled(&key);
        Ok(())
    }

    async fn find_for_removal(
        &self,
        dir: Ino,
        name: &OsStr,
    ) -> Result<(EntryName, Entry), FsError> {
        self.core.check_writable()?;
        let name = existing(name)?;
        let entry = self.find(dir, &name).await?.ok_or(FsError::NotFound)?;
        self.core.check_may_delete()?;
        Ok((name, entry))
    }
}
