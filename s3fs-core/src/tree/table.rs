//! Table of inodes and names.

use std::ops::Bound;
use std::time::{Duration, Instant};

use crate::object::{EntryName, Key, Prefix};
use crate::ordered::{Guard, Ordered, TREE};
use crate::tree::coverage::Range;
use crate::tree::inode::Inode;
use crate::tree::numbers::number_of_prefix;
use crate::tree::state::TreeState;
use crate::tree::{
    Cached, Entry, EntryAttrs, FileState, Ino, Kind, ListingEntry, NodeId, Reported,
};

/// Tree of one mount.
#[derive(Debug)]
pub struct Tree {
    prefix: Prefix,
    pub(super) ttl: Duration,
    /// Held for no I/O.
    state: Ordered<TreeState, TREE>,
}

impl Tree {
    /// Creates a tree with only the root. Responses of the store are trusted for `ttl`.
    pub fn new(prefix: Prefix, ttl: Duration) -> Self {
        let state = Ordered::new(TreeState::new(number_of_prefix(&prefix), ttl));
        Self { prefix, ttl, state }
    }

    /// Returns the entry of an inode, if the kernel may still know it.
    pub fn entry(&self, ino: Ino) -> Option<Entry> {
        self.lock().inodes.get(&ino).map(|inode| inode.entry(ino))
    }

    /// Returns the folder that contains the inode.
    pub fn parent(&self, ino: Ino) -> Option<Ino> {
        self.lock().inodes.get(&ino).map(|inode| inode.parent)
    }

    /// Returns the folder that contains the inode and its name there, while it is reachable by it.
    pub fn place(&self, ino: Ino) -> Option<(Ino, EntryName)> {
        let state = self.lock();
        let inode = state.inodes.get(&ino)?;
        Some((inode.parent, inode.name.clone().filter(|_| inode.named)?))
    }

    /// Returns the folder that contains the inode, or contained it last, and its name there.
    pub fn last_place(&self, ino: Ino) -> Option<(Ino, EntryName)> {
        let state = self.lock();
        let inode = state.inodes.get(&ino)?;
        Some((inode.parent, inode.name.clone()?))
    }

    /// Returns whether another client took the name of an entry, rather than a change through this
    /// mount.
    pub fn is_superseded(&self, ino: Ino) -> bool {
        let state = self.lock();
        state.inodes.get(&ino).is_some_and(|inode| inode.superseded)
    }

    /// Returns the key prefix of a folder's entries: empty or ending in `/`.
    pub fn prefix_of(&self, dir: Ino) -> Option<String> {
        let state = self.lock();
        let mut names = Vec::new();
        let mut at = dir;
        while let Some(name) = &state.inodes.get(&at)?.name {
            names.push(name.clone());
            at = state.inodes.get(&at)?.parent;
        }
        let mut prefix = self.prefix.as_str().to_owned();
        for name in names.iter().rev() {
            prefix.push_str(name.as_str());
            prefix.push('/');
        }
        Some(prefix)
    }

    /// Returns the key of a file of that name.
    pub fn key_in(&self, dir: Ino, name: &EntryName) -> Option<Key> {
        Some(Key::new(self.prefix_of(dir)? + name.as_str()))
    }

    /// Returns the cached state of a name.
    pub fn cached(&self, dir: Ino, name: &EntryName) -> Cached {
        self.lock().cached(dir, name, self.ttl, self.ttl)
    }

    /// Returns the cached state of a name; an entry also counts as reported to the kernel.
    pub fn cached_and_reported(&self, dir: Ino, name: &EntryName) -> Cached {
        let mut state = self.lock();
        let cached = state.cached(dir, name, self.ttl, self.ttl);
        if let Cached::Entry(entry) = &cached {
            state.reference(entry.ino);
        }
        cached
    }

    /// Applies a response of the store about a name, requested at `asked`. Returns the resulting
    /// entry. A later change through this mount takes precedence.
    pub fn apply(
        &self,
        dir: Ino,
        name: &EntryName,
        seen: ListingEntry,
        asked: Instant,
    ) -> Option<Entry> {
        let valid_until = asked + self.ttl;
        self.lock().apply(dir, name, seen, asked, valid_until)
    }

    /// Reports the cached entry of a name to the kernel, if the name still has one.
    pub fn report(
        &self,
        dir: Ino,
        name: &EntryName,
        report: impl FnOnce(&EntryName, &Entry) -> Reported,
    ) {
        let mut state = self.lock();
        let entry = state.named(dir, name).and_then(|ino| {
            let inode = state.inodes.get(&ino)?;
            Some(inode.entry(ino))
        });
        if let Some(entry) = entry {
            let reported = report(name, &entry);
            state.reported(&entry, reported);
        }
    }

    /// Applies many responses like [`apply`](Self::apply). An entry also counts as reported to the
    /// kernel if `report` returns so.
    pub fn apply_all<'a>(
        &self,
        dir: Ino,
        seen: impl Iterator<Item = (&'a EntryName, ListingEntry)>,
        asked: Instant,
        mut report: impl FnMut(&EntryName, &Entry) -> Reported,
    ) {
        let valid_until = asked + self.ttl;
        let mut state = self.lock();
        for (name, seen) in seen {
            let Some(entry) = state.apply(dir, name, seen, asked, valid_until) else {
                continue;
            };
            let reported = report(name, &entry);
            state.reported(&entry, reported);
            if reported == Reported::Full {
                return;
            }
        }
    }

    /// Records that a listing that started at `asked` returned all entries of the folder. Has no
    /// effect if one of them was dropped since.
    pub fn completed(&self, dir: Ino, asked: Instant) {
        let mut state = self.lock();
        let inode = state.inodes.get(&dir);
        if inode.is_some_and(|inode| inode.lost_entry.is_none_or(|lost| lost < asked)) {
            state.coverage.whole(dir, asked);
        }
    }

    /// Records that a page requested at `asked` returned all entries of a folder from `first` on
    /// whose keys come before `last`.
    pub fn covered(&self, dir: Ino, first: EntryName, last: Option<String>, asked: Instant) {
        let mut state = self.lock();
        let inode = state.inodes.get(&dir);
        if inode.is_some_and(|inode| inode.lost_entry.is_none_or(|lost| lost < asked)) {
            state.coverage.range(dir, Range { first, last, asked });
        }
    }

    /// Returns the entries that a listing may lack.
    pub fn local_names(&self, dir: Ino) -> Vec<EntryName> {
        let state = self.lock();
        state
            .local
            .get(&dir)
            .map(|names| names.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Counts one more reference of the kernel to the inode.
    pub fn reference(&self, ino: Ino) {
        self.lock().reference(ino);
    }

    /// Subtracts `count` references of the kernel to the inode.
    pub fn forget(&self, ino: Ino, count: u64) {
        let mut state = self.lock();
        if let Some(inode) = state.inodes.get_mut(&ino) {
            inode.lookups = inode.lookups.saturating_sub(count);
            state.drop_if_unused(ino);
        }
    }

    /// Subtracts `count` references of the kernel to the inode that it knows by a number.
    pub fn forget_node(&self, node: NodeId, count: u64) {
        let mut state = self.lock();
        let count = state.numbers.given_back(node, count);
        let ino = state.numbers.ino(node);
        drop(state);
        if let Some(ino) = ino.filter(|_| count > 0) {
            self.forget(ino, count);
        }
    }

    /// Returns the inode that the kernel knows by a number.
    pub fn ino(&self, node: NodeId) -> Option<Ino> {
        self.lock().numbers.ino(node)
    }

    /// Counts an open handle of a file or folder.
    pub fn opened(&self, ino: Ino) {
        if let Some(inode) = self.lock().inodes.get_mut(&ino) {
            inode.handles += 1;
        }
    }

    /// Subtracts an open handle of a file or folder.
    pub fn closed(&self, ino: Ino) {
        if let Some(inode) = self.lock().inodes.get_mut(&ino) {
            inode.handles = inode.handles.saturating_sub(1);
        }
    }

    /// Creates a new entry made through this mount, replacing any entry of that name.
    pub fn create(&self, dir: Ino, name: &EntryName, kind: Kind) -> Entry {
        self.lock().create(dir, name, kind, EntryAttrs::default())
    }

    /// Pins the inode: it exists whatever the store says, until it is unpinned.
    pub fn pin(&self, ino: Ino) {
        self.lock().set_local(ino, true);
    }

    /// Unpins a file that was being written, and is now stored or as it was before.
    pub fn unpin(&self, ino: Ino) {
        let ttl = self.ttl;
        let mut state = self.lock();
        state.set_local(ino, false);
        state.touch(ino);
        if let Some(inode) = state.inodes.get_mut(&ino) {
            inode.valid_until = Instant::now() + ttl;
        }
        state.drop_if_unused(ino);
    }

    /// A file that was stored before is the store's to know again. Unlike after [`unpin`](Self::unpin), an
    /// answer that the store has given since it was stored holds.
    pub fn disown(&self, ino: Ino) {
        let mut state = self.lock();
        state.set_local(ino, false);
        state.drop_if_unused(ino);
    }

    /// Changes the state of a file after a change through this mount.
    pub fn update_file(&self, ino: Ino, update: impl FnOnce(&mut FileState)) {
        let mut state = self.lock();
        if let Some(Inode {
            kind: Kind::File(file),
            ..
        }) = state.inodes.get_mut(&ino)
        {
            update(file);
            state.touch(ino);
        }
    }

    /// Returns the cached kind of a name, however old.
    pub fn remembered(&self, dir: Ino, name: &EntryName) -> Option<Kind> {
        let state = self.lock();
        let inode = state.inodes.get(&state.named(dir, name)?)?;
        Some(inode.kind.clone())
    }

    /// Records that a handle was opened that reads the file.
    pub fn read(&self, ino: Ino) {
        if let Some(Inode {
            kind: Kind::File(file),
            ..
        }) = self.lock().inodes.get_mut(&ino)
        {
            file.was_read = true;
        }
    }

    /// Returns whether two names of a folder have at most `step` names between them.
    pub fn are_near(&self, dir: Ino, one: &EntryName, other: &EntryName, step: usize) -> bool {
        let state = self.lock();
        let Some(names) = state.names.get(&dir) else {
            return false;
        };
        let (first, last) = (one.min(other), one.max(other));
        names
            .range::<EntryName, _>(first..)
            .take(step + 2)
            .any(|(name, _)| name == last)
    }

    /// Returns the known files of a folder, except local ones, among the `entries` names behind
    /// `name`.
    pub fn files_behind(
        &self,
        dir: Ino,
        name: &EntryName,
        entries: usize,
    ) -> Vec<(EntryName, FileState)> {
        let state = self.lock();
        let Some(names) = state.names.get(&dir) else {
            return Vec::new();
        };
        let behind = (Bound::Excluded(name), Bound::Unbounded);
        names
            .range::<EntryName, _>(behind)
            .take(entries)
            .filter_map(|(name, ino)| match state.inodes.get(ino)? {
                Inode {
                    kind: Kind::File(file),
                    is_dirty: false,
                    ..
                } => Some((name.clone(), file.clone())),
                _ => None,
            })
            .collect()
    }

    /// Returns the files of a folder among the `entries` names behind `name` whose stored metadata
    /// was never requested.
    pub fn without_stored_attrs_behind(
        &self,
        dir: Ino,
        name: &EntryName,
        entries: usize,
    ) -> Vec<Ino> {
        let state = self.lock();
        let Some(names) = state.names.get(&dir) else {
            return Vec::new();
        };
        let behind = (Bound::Excluded(name), Bound::Unbounded);
        let behind = names.range::<EntryName, _>(behind).take(entries);
        behind
            .map(|(_, ino)| *ino)
            .filter(|ino| {
                state.inodes.get(ino).is_some_and(|inode| {
                    matches!(inode.kind, Kind::File(_)) && inode.attrs.stored.is_none()
                })
            })
            .collect()
    }

    /// Returns whether the folder has local entries.
    pub fn has_local(&self, dir: Ino) -> bool {
        self.lock()
            .local
            .get(&dir)
            .is_some_and(|names| !names.is_empty())
    }

    /// Expires all cached responses of the store.
    #[cfg(test)]
    pub fn expire(&self) {
        let now = Instant::now();
        let mut state = self.lock();
        for inode in state.inodes.values_mut() {
            inode.valid_until = now;
        }
        state.coverage.clear();
        state.sweep(now);
    }

    /// Expires what the store has answered about one entry.
    #[cfg(test)]
    pub fn expire_file(&self, ino: Ino) {
        if let Some(inode) = self.lock().inodes.get_mut(&ino) {
            inode.valid_until = Instant::now();
        }
    }

    /// Returns the number of inodes in the table.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().inodes.len()
    }

    pub(super) fn lock(&self) -> Guard<'_, TreeState> {
        self.state.lock()
    }
}
