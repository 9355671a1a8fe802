//! Making and removing folders, deleting files.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::sync::PoisonError;

use futures_util::stream::{self, StreamExt};

use crate::fs::lookup::{check_length, existing, possible};
use crate::fs::orphans::Going;
use crate::fs::owner::Maker;
use crate::fs::prepare::{NewEntry, Prepared};
use crate::fs::writeback::{Changes, Want};
use crate::fs::{Attr, Fs, FsError};
use crate::object::{EntryName, FileKind, Key};
use crate::store::{Capability, ListFrom, ListRequest};
use crate::tree::{Entry, Ino, Kind, Looks, Removed};

/// Maximum number of folders listed at once.
const AT_ONCE: usize = 64;

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
        self.check_writable()?;
        let _change = self.gate.enter()?;
        self.check_dir(dir)?;
        let name = possible(name)?;
        let key = self.key_in(dir, &name)?;
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
        self.outbox.room().await;
        let looks = Looks::of(attributes);
        let entry = self.tree.create_with(dir, &name, Kind::Dir, looks);
        self.made(dir);
        self.tree.reference(entry.ino);
        self.tree.completed(entry.ino, std::time::Instant::now());
        self.outbox.want(&marker, Want::Marker(entry.ino));
        if !self.outbox.trust.has(Changes::Marker)
            && let Err(error) = self.outbox.settle(&marker).await
        {
            self.take_back(dir, &name, &marker);
            self.tree.forget(entry.ino, 1);
            return Err(error);
        }
        self.getattr(entry.ino)
    }

    /// Removes an entry that was made but could not be stored. If the bucket may have its object
    /// all the same, the object is deleted.
    pub(super) fn take_back(&self, dir: Ino, name: &EntryName, key: &Key) {
        self.outbox.take(key);
        let (uri, removed) = (self.store.uri(key), Removed::from(key));
        let may_exist = self.outbox.may_exist(key);
        if may_exist && self.may_delete() {
            self.ledger.settled(&uri);
            self.tree.removing(dir, name, removed);
            self.outbox.want(key, Want::Absent(dir, name.clone()));
        } else {
            if !may_exist {
                self.ledger.settled(&uri);
            }
            self.tree.uncovered(dir, name, removed);
        }
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// The folder has entries, visible or not, or the mount doesn't allow it.
    pub async fn rmdir(&self, dir: Ino, name: &OsStr) -> Result<(), FsError> {
        let _change = self.gate.enter()?;
        let (name, entry) = self.find_for_removal(dir, name).await?;
        if !matches!(entry.kind, Kind::Dir) {
            return Err(FsError::NotDirectory);
        }
        let marker = self.marker_of(entry.ino)?;
        self.settle_entries(&marker).await?;
        let _held = self.outbox.hold(&marker).await;
        let mut has_marker = self.check_empty(&entry, &marker).await?;
        if has_marker && !self.outbox.trust.has(Changes::Delete) {
            self.delete_first(&marker).await?;
            has_marker = false;
        }
        self.tree.removing(dir, &name, Removed::Dir);
        let gone = Want::Absent(dir, name.clone());
        if !self.outbox.instead(&marker, has_marker, gone) {
            self.tree.removal_done(dir, &name, Removed::Dir);
        }
        // The folder may have hidden an object of its name.
        self.tree.no_longer_complete(dir);
        self.keep(dir);
        Ok(())
    }

    /// Waits for deletions below a folder: a listing would still show their objects.
    pub(super) async fn settle_entries(&self, marker: &Key) -> Result<(), FsError> {
        let mut keys = self.outbox.below(marker.as_str());
        keys.retain(|key| key != marker);
        self.outbox.settle_all(&keys).await?;
        self.orphans.settle_below(marker.as_str()).await;
        Ok(())
    }

    /// Checks that no key lies below a folder, and that its marker has no bytes. No name shows the
    /// marker. Returns whether the folder has a marker.
    pub(super) async fn check_empty(&self, folder: &Entry, marker: &Key) -> Result<bool, FsError> {
        if self.tree.has_local(folder.ino) {
            return Err(FsError::NotEmpty);
        }
        let below = ListRequest {
            prefix: marker.as_str(),
            folded: false,
            from: ListFrom::Beginning,
            max_keys: 2,
        };
        let page = self.store.list(below).await?;
        let is_marker = |key: &str| key == marker.as_str();
        if page.objects.iter().any(|object| !is_marker(&object.key)) {
            return Err(FsError::NotEmpty);
        }
        if let Some(filled) = page.objects.iter().find(|object| object.meta.size > 0) {
            let (object, size) = (self.store.uri(marker), filled.meta.size);
            tracing::warn!(object, size, "folder not removed: its marker is not empty");
            return Err(FsError::NotEmpty);
        }
        Ok(!page.objects.is_empty())
    }

    /// Deletes a file. Programs that have it open keep it.
    ///
    /// # Errors
    /// The entry is a folder, or the mount doesn't allow it.
    pub async fn unlink(&self, dir: Ino, name: &OsStr) -> Result<(), FsError> {
        let _change = self.gate.enter()?;
        let (name, entry) = self.find_for_removal(dir, name).await?;
        if !matches!(entry.kind, Kind::File(_)) {
            return Err(FsError::IsDirectory);
        }
        let key = self.key_in(dir, &name)?;
        self.outbox.room().await;
        // No other request about the key runs until the object is deleted.
        let _held = self.outbox.hold(&key).await;
        let _unmoved = self.moving.read().await;
        if self.key_in(dir, &name)? != key {
            // A parent folder was renamed; the kernel asks again.
            return Err(FsError::Stale);
        }
        let may_go = self.set_aside(&entry, &key, Going::Deleted).await?;
        let etag = self.file(entry.ino).and_then(|file| file.etag);
        let mut is_stored =
            etag.is_some() || self.orphans.keeps(&key) || self.outbox.may_exist(&key);
        if is_stored && !self.outbox.trust.has(Changes::Delete) && may_go {
            self.delete_first(&key).await?;
            is_stored = false;
        }
        match etag {
            Some(etag) if !may_go => {
                self.outbox.forget(&key);
                // The object may be that of a request without an answer.
                let version = (!self.outbox.is_unsure(&key)).then_some(etag);
                match &version {
                    Some(etag) => self.tree.removing_version(dir, &name, etag.clone()),
                    None => self.tree.removing(dir, &name, Removed::File),
                }
                self.defer_deletion(entry.ino, key.clone(), (dir, name), version);
            }
            _ => {
                self.tree.removing(dir, &name, Removed::File);
                let gone = Want::Absent(dir, name.clone());
                if !self.outbox.instead(&key, is_stored, gone) {
                    self.tree.removal_done(dir, &name, Removed::File);
                }
            }
        }
        self.set_adrift(entry.ino).await;
        self.keep(dir);
        self.ledger.settled(&self.store.uri(&key));
        Ok(())
    }

    /// Deletes an object and waits for the result, before anything changes in the tree: deletion
    /// may not be allowed. The caller must prevent other requests about the key.
    pub(super) async fn delete_first(&self, key: &Key) -> Result<(), FsError> {
        let deleted = self.store.delete(key).await;
        if deleted.is_ok() {
            self.outbox.sure(key);
        }
        self.outbox.trust.note(Changes::Delete, deleted.is_ok());
        Ok(deleted?)
    }

    async fn find_for_removal(
        &self,
        dir: Ino,
        name: &OsStr,
    ) -> Result<(EntryName, Entry), FsError> {
        self.check_writable()?;
        let name = existing(name)?;
        let entry = self.find(dir, &name).await?.ok_or(FsError::NotFound)?;
        self.check_may_delete()?;
        Ok((name, entry))
    }

    /// Keeps a folder in the tree, though it may have no key left in the bucket.
    pub(super) fn keep(&self, dir: Ino) {
        if dir != Ino::ROOT {
            self.tree.pin(dir);
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(dir);
        }
    }

    /// Takes out the folders that are kept though they may have no key left.
    pub(super) fn take_kept(&self) -> HashSet<Ino> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept)
    }

    /// Stores markers of folders that have no key left. The caller has waited for the deletions in
    /// them.
    pub(super) async fn mark(&self, kept: HashSet<Ino>) {
        let marking = kept.into_iter().map(|dir| async move {
            let is_there = self.tree.entry(dir).is_some_and(|entry| entry.named)
                && self.store.capabilities().has(Capability::Markers);
            let Some(marker) = self.marker_of(dir).ok().filter(|_| is_there) else {
                return;
            };
            let request = ListRequest {
                prefix: marker.as_str(),
                folded: false,
                from: ListFrom::Beginning,
                max_keys: 1,
            };
            let page = self.store.list(request).await;
            self.account(&marker, &page, "the folder may be gone: ");
            match page {
                Ok(page) if page.objects.is_empty() => {
                    self.outbox.want(&marker, Want::Marker(dir));
                }
                Ok(_) => {}
                Err(_) => self.keep(dir),
            }
        });
        stream::iter(marking)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }
}
