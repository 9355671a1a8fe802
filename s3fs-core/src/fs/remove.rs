//! Making and removing folders, deleting files.

use std::ffi::OsStr;

use bytes::Bytes;

use crate::fs::{Attr, Fs, FsError};
use crate::object::{EntryName, Headers, Key};
use crate::store::{Body, ListFrom, ListRequest, Precondition};
use crate::tree::{Entry, Ino, Kind};

impl Fs {
    /// Makes a folder: an empty object whose key ends in `/`, as other tools do.
    ///
    /// # Errors
    /// The name exists or can't be a key, or the mount doesn't allow it.
    pub async fn mkdir(&self, dir: Ino, name: &OsStr) -> Result<Attr, FsError> {
        self.check_writable()?;
        self.check_dir(dir)?;
        let name = EntryName::from_os(name).ok_or(FsError::NoKeyName)?;
        if self.find(dir, &name).await?.is_some() {
            return Err(FsError::Exists);
        }
        let marker = marker(&self.key_in(dir, &name)?)?;
        self.store
            .put(
                &marker,
                Body::Memory(Bytes::new()),
                &Headers::default(),
                &Precondition::None,
            )
            .await?;
        let entry = self.tree.create(dir, &name, Kind::Dir);
        self.outdate_pages(dir);
        self.tree.reference(entry.ino);
        self.tree.unpin(entry.ino);
        Ok(self.attr(&entry))
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// It has entries, visible or not; or the mount doesn't allow it.
    pub async fn rmdir(&self, dir: Ino, name: &OsStr) -> Result<(), FsError> {
        let (name, entry) = self.find_for_removal(dir, name).await?;
        if !matches!(entry.kind, Kind::Dir) {
            return Err(FsError::NotDirectory);
        }
        if self.tree.has_local(entry.ino) {
            return Err(FsError::NotEmpty);
        }
        let marker = marker(&self.key_in(dir, &name)?)?;
        let below = ListRequest {
            prefix: marker.as_str(),
            folded: false,
            from: ListFrom::Beginning,
            max_keys: 2,
        };
        let page = self.store.list(below).await?;
        if page
            .objects
            .iter()
            .any(|object| object.key != marker.as_str())
        {
            return Err(FsError::NotEmpty);
        }
        if !page.objects.is_empty() {
            self.store.delete(&marker).await?;
        }
        // The folder may have hidden an object of its name.
        self.tree.uncovered(dir, &name);
        self.keep(dir);
        Ok(())
    }

    /// Deletes a file. Handles that read it fail from then on.
    ///
    /// # Errors
    /// It is a folder, or the mount doesn't allow it.
    pub async fn unlink(&self, dir: Ino, name: &OsStr) -> Result<(), FsError> {
        let (name, entry) = self.find_for_removal(dir, name).await?;
        let Kind::File(file) = &entry.kind else {
            return Err(FsError::IsDirectory);
        };
        let key = self.key_in(dir, &name)?;
        let open = self.open_files.get(entry.ino);
        let is_changed = open.as_ref().is_some_and(|file| !file.writer.is_stored());
        // Nothing may be stored while the object is being deleted, and nothing may be lost if that
        // fails.
        let held = match &open {
            Some(file) => Some(file.writer.hold().await),
            None => None,
        };
        // What was being written may have been stored since the kind was looked at.
        let stored = match self.tree.entry(entry.ino).map(|entry| entry.kind) {
            Some(Kind::File(now)) => now.etag.is_some(),
            _ => file.etag.is_some(),
        };
        let modified = || self.file(entry.ino).map(|file| file.modified);
        let before = modified();
        if stored || held.as_ref().is_some_and(|held| held.stored().is_some()) {
            self.store.delete(&key).await?;
        }
        if let Some(mut held) = held {
            held.orphan().await;
        }
        if is_changed {
            // What was stored before is not what the file was when it was deleted.
            self.tree.update_file(entry.ino, |file| file.etag = None);
        }
        let after = modified();
        self.tree.removed(dir, &name);
        self.keep(dir);
        // Who opened it meanwhile is too late.
        if let Some(file) = self.open_files.get(entry.ino) {
            file.writer.orphan().await;
        }
        if after != before {
            self.store.delete(&key).await?;
        }
        self.ledger.settled(&self.store.uri(&key));
        Ok(())
    }

    async fn find_for_removal(
        &self,
        dir: Ino,
        name: &OsStr,
    ) -> Result<(EntryName, Entry), FsError> {
        self.check_writable()?;
        let name = EntryName::from_os(name).ok_or(FsError::NotFound)?;
        let entry = self.find(dir, &name).await?.ok_or(FsError::NotFound)?;
        if self.may_delete() {
            Ok((name, entry))
        } else {
            Err(FsError::NotPermitted("objects are not to be deleted"))
        }
    }

    /// The folder stays, though it may have no key left in the bucket.
    fn keep(&self, dir: Ino) {
        if dir != Ino::ROOT {
            self.tree.pin(dir);
        }
    }
}

/// The key that keeps an empty folder.
fn marker(folder: &Key) -> Result<Key, FsError> {
    let marker = Key::new(format!("{folder}/"));
    if marker.is_too_long() {
        Err(FsError::KeyTooLong)
    } else {
        Ok(marker)
    }
}
