//! Changes made through this mount: names that go, names that move, what is kept of entries.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::object::{ETag, EntryName};
use crate::tree::{Entry, Ino, Kept, Kind, Looks, Removed, Tree};

impl Tree {
    /// A new entry made through this mount, with all that is kept of it.
    pub fn create_with(&self, dir: Ino, name: &EntryName, kind: Kind, looks: Looks) -> Entry {
        let entry = self.lock().create(dir, name, kind, looks);
        self.entries_changed(dir);
        entry
    }

    /// The name was deleted through this mount, in the bucket as well. A file that is open keeps its
    /// inode.
    pub fn removed(&self, dir: Ino, name: &EntryName, removed: Removed) {
        let mut state = self.lock();
        state.removed.done(dir, name.clone(), removed);
        state.remove(dir, name);
    }

    /// The name was deleted here, and the bucket will be told: until
    /// [`removal_done`](Self::removal_done), whatever the store says of it is out of date.
    pub fn removing(&self, dir: Ino, name: &EntryName, removed: Removed) {
        let mut state = self.lock();
        state.removed.pending(dir, name.clone(), removed);
        state.remove(dir, name);
        drop(state);
        self.entries_changed(dir);
    }

    /// As [`removing`](Self::removing), where only this version of a file is to be deleted, later.
    pub fn removing_version(&self, dir: Ino, name: &EntryName, etag: ETag) {
        let mut state = self.lock();
        state.removed.version(dir, name.clone(), etag);
        state.remove(dir, name);
        drop(state);
        self.entries_changed(dir);
    }

    /// The bucket has been told of a deletion.
    pub fn removal_done(&self, dir: Ino, name: &EntryName, removed: Removed) {
        self.lock().removed.told(dir, name, removed);
    }

    /// A name lost what it stood for here, but the store may have something of that name: an older
    /// version, or what a folder hid.
    pub fn uncovered(&self, dir: Ino, name: &EntryName, removed: Removed) {
        self.removed(dir, name, removed);
        self.lock().coverage.forget(dir);
    }

    /// An entry gets another name, in place of whatever had that. The old name is deleted as by
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
        Arc::make_mut(&mut inode.looks).changed = Some(SystemTime::now());
        let is_local = inode.local || has_local;
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

    /// Entries of the folder that nobody has told us of may exist.
    pub fn no_longer_complete(&self, dir: Ino) {
        self.lock().coverage.forget(dir);
    }

    /// The files that are known somewhere below a folder, with their paths from there.
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

    /// A file has so many bytes now, written just now; or when something was written before, if it is
    /// not `newer`.
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
            Arc::make_mut(&mut inode.looks).changed = Some(now);
            state.touch(ino);
        }
    }

    /// Keeps an inode from being dropped while an operation goes on.
    pub fn held(&self, ino: Ino) -> HeldInode<'_> {
        self.reference(ino);
        HeldInode { tree: self, ino }
    }

    /// Whether `below` is `above` or lies somewhere in it.
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

    /// Changes what is kept of an entry.
    pub fn update_looks(&self, ino: Ino, update: impl FnOnce(&mut Looks)) {
        if let Some(inode) = self.lock().inodes.get_mut(&ino) {
            update(Arc::make_mut(&mut inode.looks));
        }
    }

    /// The store has told what it keeps with an entry: of a file, with the version `etag`. Changes
    /// nothing where it was known already.
    pub fn looked_at(&self, ino: Ino, etag: Option<&ETag>, kept: Kept) {
        let mut state = self.lock();
        let Some(inode) = state.inodes.get_mut(&ino) else {
            return;
        };
        if inode.looks.kept.is_some() {
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
        let looks = Arc::make_mut(&mut inode.looks);
        if matches!(inode.kind, Kind::Dir) && looks.modified.is_none() {
            looks.modified = modified;
        }
        looks.kept = Some(kept);
    }

    /// Entries of a folder were made or removed.
    fn entries_changed(&self, dir: Ino) {
        let now = SystemTime::now();
        self.update_looks(dir, |looks| {
            looks.modified = Some(now);
            looks.changed = Some(now);
        });
    }
}

/// An inode that stays until this is dropped.
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
