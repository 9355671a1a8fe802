//! Changes made through this mount: deletions, renames and changes of attributes.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::object::{ETag, EntryName};
use crate::tree::{Entry, EntryAttrs, Ino, Kind, Removed, StoredAttrs, Tree};

impl Tree {
    /// Creates a new entry made through this mount, with all its attributes.
    pub fn create_with(&self, dir: Ino, name: &EntryName, kind: Kind, attrs: EntryAttrs) -> Entry {
        let entry = self.lock().create(dir, name, kind, attrs);
        self.entries_changed(dir);
        entry
    }

    /// Removes a name that was deleted through this mount, in the bucket as well. An open file
    /// keeps its inode.
    pub fn removed(&self, dir: Ino, name: &EntryName, removed: Removed) {
        let mut state = self.lock();
        state.removed.done(dir, name.clone(), removed);
        state.remove(dir, name);
    }

    /// Removes a name here; the deletion in the bucket follows. Until
    /// [`removal_done`](Self::removal_done), responses of the store about it are outdated.
    pub fn removing(&self, dir: Ino, name: &EntryName, removed: Removed) {
        let mut state = self.lock();
        state.removed.pending(dir, name.clone(), removed);
        state.remove(dir, name);
        state.listing_outdated(dir);
        drop(state);
        self.entries_changed(dir);
    }

    /// Removes a name like [`removing`](Self::removing), where only this version is to be deleted,
    /// later.
    pub fn removing_version(&self, dir: Ino, name: &EntryName, etag: ETag) {
        let mut state = self.lock();
        state.removed.version(dir, name.clone(), etag);
        state.remove(dir, name);
        state.listing_outdated(dir);
        drop(state);
        self.entries_changed(dir);
    }

    /// Records that a deletion has reached the bucket.
    pub fn removal_done(&self, dir: Ino, name: &EntryName, removed: Removed) {
        self.lock().removed.reported(dir, name, removed);
    }

    /// Records that the store did not take a deletion: it may have the name again, and must be asked
    /// for it.
    pub fn removal_failed(&self, dir: Ino, name: &EntryName, removed: Removed) {
        let mut state = self.lock();
        state.removed.reported(dir, name, removed);
        state.coverage.forget(dir);
        state.coverage.forget_name(dir, name);
        state.listing_outdated(dir);
    }

    /// Removes a name that has lost its entry here, though the store may have something of that
    /// name: an older version, or an object that a folder hid.
    pub fn uncovered(&self, dir: Ino, name: &EntryName, removed: Removed) {
        self.removed(dir, name, removed);
        let mut state = self.lock();
        state.coverage.forget(dir);
        state.listing_outdated(dir);
    }

    /// Renames an entry, replacing any entry at the new name. The old name is deleted as by
    /// [`removing`](Self::removing). The inode stays.
    pub fn rename(&self, dir: Ino, name: &EntryName, to_dir: Ino, to_name: &EntryName) {
        let mut state = self.lock();
        let Some(ino) = state.named(dir, name) else {
            return;
        };
        let Some(inode) = state.inodes.get(&ino) else {
            return;
        };
        let (removed, number) = (Removed::from(&inode.kind), inode.number);
        state.detach(to_dir, to_name);
        state.unname(dir, name);
        state.list_local(dir, name.clone(), false);
        state.removed.pending(dir, name.clone(), removed);
        state.removed.undo(to_dir, to_name, removed);
        state.coverage.forget_name(to_dir, to_name);
        let place = (state.number_of_folder(dir), name.clone());
        let to_place = (state.number_of_folder(to_dir), to_name.clone());
        state.numbers.moved(&place, to_place, number);
        let valid_until = Instant::now() + self.ttl;
        let has_local = state.local.contains_key(&ino);
        let Some(inode) = state.inodes.get_mut(&ino) else {
            return;
        };
        inode.parent = to_dir;
        inode.name = Some(to_name.clone());
        inode.valid_until = valid_until;
        Arc::make_mut(&mut inode.attrs).changed = Some(SystemTime::now());
        let is_local = inode.is_dirty || has_local;
        state.touch(ino);
        state
            .names
            .entry(to_dir)
            .or_default()
            .insert(to_name.clone(), ino);
        state.list_local(to_dir, to_name.clone(), is_local);
        drop(state);
        self.entries_changed(dir);
        self.entries_changed(to_dir);
    }

    /// Marks the cached entries of a folder as incomplete.
    pub fn no_longer_complete(&self, dir: Ino) {
        self.lock().coverage.forget(dir);
    }

    /// Returns the known files anywhere below a folder, with their paths relative to it.
    pub fn files_below(&self, dir: Ino) -> Vec<(Ino, String)> {
        let state = self.lock();
        let mut files = Vec::new();
        let mut folders = vec![(dir, String::new())];
        while let Some((folder, path)) = folders.pop() {
            for (name, ino) in state.names.get(&folder).into_iter().flatten() {
                let path = format!("{path}{name}");
                match state.inodes.get(ino).map(|inode| &inode.kind) {
                    Some(Kind::Dir) => folders.push((*ino, path + "/")),
                    Some(Kind::File(_)) => files.push((*ino, path)),
                    None => {}
                }
            }
        }
        files
    }

    /// Records the size of a file in bytes after a write. `newer` tells whether bytes were written
    /// just now, which sets the modification time.
    pub fn wrote(&self, ino: Ino, size: u64, newer: bool) {
        let mut state = self.lock();
        if let Some(inode) = state.inodes.get_mut(&ino)
            && let Kind::File(file) = &mut inode.kind
        {
            let now = SystemTime::now();
            file.size = size;
            if newer {
                file.modified = now;
                file.modified_is_set = false;
            }
            Arc::make_mut(&mut inode.attrs).changed = Some(now);
            state.touch(ino);
        }
    }

    /// Keeps an inode from being dropped for the lifetime of the returned guard.
    pub fn held(&self, ino: Ino) -> HeldInode<'_> {
        self.reference(ino);
        HeldInode { tree: self, ino }
    }

    /// Returns whether `below` is `above`, or lies anywhere in it.
    pub fn is_within(&self, below: Ino, above: Ino) -> bool {
        let state = self.lock();
        let mut at = below;
        while at != above {
            match state.inodes.get(&at) {
                Some(inode) if at != Ino::ROOT => at = inode.parent,
                _ => return false,
            }
        }
        true
    }

    /// Changes the attributes of an entry.
    pub fn update_attrs(&self, ino: Ino, update: impl FnOnce(&mut EntryAttrs)) {
        if let Some(inode) = self.lock().inodes.get_mut(&ino) {
            update(Arc::make_mut(&mut inode.attrs));
        }
    }

    /// Applies the stored metadata of an entry; for a file, that of the version `etag`. Has no
    /// effect if the metadata was known already.
    pub fn apply_stored_attrs(&self, ino: Ino, etag: Option<&ETag>, kept: StoredAttrs) {
        let mut state = self.lock();
        let Some(inode) = state.inodes.get_mut(&ino) else {
            return;
        };
        if inode.attrs.stored.is_some() {
            return;
        }
        let modified = kept.attributes.modified;
        match &mut inode.kind {
            Kind::File(file) if file.etag.as_ref() != etag => return,
            Kind::File(file) => {
                file.modified = modified.unwrap_or(file.modified);
                file.modified_is_set = modified.is_some();
            }
            Kind::Dir => {}
        }
        let attrs = Arc::make_mut(&mut inode.attrs);
        if matches!(inode.kind, Kind::Dir) && attrs.modified.is_none() {
            attrs.modified = modified;
        }
        attrs.stored = Some(kept);
        attrs.properties_learned = Some(Instant::now());
    }

    /// Updates the times of a folder whose entries were created or removed.
    fn entries_changed(&self, dir: Ino) {
        let now = SystemTime::now();
        self.update_attrs(dir, |attrs| {
            attrs.modified = Some(now);
            attrs.changed = Some(now);
        });
    }
}

/// Inode that stays until this guard is dropped.
#[derive(Debug)]
#[must_use = "the inode stays as long as this does"]
pub struct HeldInode<'a> {
    tree: &'a Tree,
    ino: Ino,
}

impl Drop for HeldInode<'_> {
    fn drop(&mut self) {
        self.tree.forget(self.ino, 1);
    }
}
