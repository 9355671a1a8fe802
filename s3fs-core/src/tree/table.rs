//! The table of inodes and names.

use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::object::{EntryName, Key, Prefix};
use crate::tree::coverage::Range;
use crate::tree::inode::Inode;
use crate::tree::numbers::number_of_prefix;
use crate::tree::state::State;
use crate::tree::{Entry, FileState, Ino, Kind, Known, Looks, NodeId, Seen, Told};

/// The tree of one mount.
#[derive(Debug)]
pub struct Tree {
    prefix: Prefix,
    pub(super) ttl: Duration,
    state: Mutex<State>,
}

impl Tree {
    /// A tree of which only the root is known. What is learned is believed for `ttl`.
    pub fn new(prefix: Prefix, ttl: Duration) -> Self {
        let state = Mutex::new(State::new(number_of_prefix(&prefix)));
        Self { prefix, ttl, state }
    }

    /// The inode, if the kernel may still know it.
    pub fn entry(&self, ino: Ino) -> Option<Entry> {
        self.lock().inodes.get(&ino).map(|inode| inode.entry(ino))
    }

    /// The folder that holds it.
    pub fn parent(&self, ino: Ino) -> Option<Ino> {
        self.lock().inodes.get(&ino).map(|inode| inode.parent)
    }

    /// The folder that holds it and its name there, while it is reachable by it.
    pub fn place(&self, ino: Ino) -> Option<(Ino, EntryName)> {
        let state = self.lock();
        let inode = state.inodes.get(&ino)?;
        Some((inode.parent, inode.name.clone().filter(|_| inode.named)?))
    }

    /// The folder that holds it, or held it last, and its name there.
    pub fn last_place(&self, ino: Ino) -> Option<(Ino, EntryName)> {
        let state = self.lock();
        let inode = state.inodes.get(&ino)?;
        Some((inode.parent, inode.name.clone()?))
    }

    /// Whether an entry lost its name to another client, and not to what was done through this mount.
    pub fn is_superseded(&self, ino: Ino) -> bool {
        let state = self.lock();
        state.inodes.get(&ino).is_some_and(|inode| inode.superseded)
    }

    /// The key prefix of a folder's entries: empty or ending in `/`.
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

    /// The key of a file of that name.
    pub fn key_in(&self, dir: Ino, name: &EntryName) -> Option<Key> {
        Some(Key::new(self.prefix_of(dir)? + name.as_str()))
    }

    /// What is known of a name now.
    pub fn known(&self, dir: Ino, name: &EntryName) -> Known {
        self.lock().known(dir, name, self.ttl)
    }

    /// As [`known`](Self::known); an entry also counts as told to the kernel.
    pub fn known_told(&self, dir: Ino, name: &EntryName) -> Known {
        let mut state = self.lock();
        let known = state.known(dir, name, self.ttl);
        if let Known::Entry(entry) = &known {
            state.reference(entry.ino);
        }
        known
    }

    /// Takes note of what the store said when it was asked at `asked`; returns what the name stands
    /// for, which is what we did ourselves if that was later.
    pub fn learn(&self, dir: Ino, name: &EntryName, seen: Seen, asked: Instant) -> Option<Entry> {
        let valid_until = asked + self.ttl;
        self.lock().learn(dir, name, seen, asked, valid_until)
    }

    /// Tells the kernel of a name by what is known of it, if it still stands for something.
    pub fn tell(&self, dir: Ino, name: &EntryName, tell: impl FnOnce(&EntryName, &Entry) -> Told) {
        let mut state = self.lock();
        let entry = state.named(dir, name).and_then(|ino| {
            let inode = state.inodes.get(&ino)?;
            Some(inode.entry(ino))
        });
        if let Some(entry) = entry {
            let told = tell(name, &entry);
            state.told(&entry, told);
        }
    }

    /// As [`learn`](Self::learn) for many at once, each also counted as told to the kernel if
    /// `tell` says so.
    pub fn learn_all<'a>(
        &self,
        dir: Ino,
        seen: impl Iterator<Item = (&'a EntryName, Seen)>,
        asked: Instant,
        mut tell: impl FnMut(&EntryName, &Entry) -> Told,
    ) {
        let valid_until = asked + self.ttl;
        let mut state = self.lock();
        for (name, seen) in seen {
            let Some(entry) = state.learn(dir, name, seen, asked, valid_until) else {
                continue;
            };
            let told = tell(name, &entry);
            state.told(&entry, told);
            if told == Told::Full {
                return;
            }
        }
    }

    /// All entries of the folder were learned by a listing that began at `asked`. Means nothing if
    /// one of them has been dropped since.
    pub fn completed(&self, dir: Ino, asked: Instant) {
        let mut state = self.lock();
        let inode = state.inodes.get(&dir);
        if inode.is_some_and(|inode| inode.lost_entry.is_none_or(|lost| lost < asked)) {
            state.coverage.whole(dir, asked);
        }
    }

    /// All entries of a folder from `first` on were learned by a page that was asked for at `asked`, as
    /// far as their keys come before `last`.
    pub fn covered(&self, dir: Ino, first: EntryName, last: Option<String>, asked: Instant) {
        let mut state = self.lock();
        let inode = state.inodes.get(&dir);
        if inode.is_some_and(|inode| inode.lost_entry.is_none_or(|lost| lost < asked)) {
            state.coverage.range(dir, Range { first, last, asked });
        }
    }

    /// Entries that a listing may lack.
    pub fn local_names(&self, dir: Ino) -> Vec<EntryName> {
        let state = self.lock();
        state
            .local
            .get(&dir)
            .map(|names| names.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Counts one more time that the kernel was told of the inode.
    pub fn reference(&self, ino: Ino) {
        self.lock().reference(ino);
    }

    /// The kernel forgets what it was told `count` times.
    pub fn forget(&self, ino: Ino, count: u64) {
        let mut state = self.lock();
        if let Some(inode) = state.inodes.get_mut(&ino) {
            inode.lookups = inode.lookups.saturating_sub(count);
            state.drop_if_unused(ino);
        }
    }

    /// The kernel forgets the inode that it knows by a number, which it was told `count` times.
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

    /// Counts a handle of a file.
    pub fn opened(&self, ino: Ino) {
        if let Some(inode) = self.lock().inodes.get_mut(&ino) {
            inode.handles += 1;
        }
    }

    /// Counts a handle of a file as closed.
    pub fn closed(&self, ino: Ino) {
        if let Some(inode) = self.lock().inodes.get_mut(&ino) {
            inode.handles = inode.handles.saturating_sub(1);
        }
    }

    /// A new entry made through this mount, in place of whatever had the name.
    pub fn create(&self, dir: Ino, name: &EntryName, kind: Kind) -> Entry {
        self.lock().create(dir, name, kind, Looks::default())
    }

    /// The inode exists whatever the store says, until told otherwise.
    pub fn pin(&self, ino: Ino) {
        self.lock().set_local(ino, true);
    }

    /// A file that was being written is stored, or as it was before.
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

    /// Changes what is known of a file, because of what was done through this mount.
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

    /// What the name stood for when it was asked for last.
    pub fn remembered(&self, dir: Ino, name: &EntryName) -> Option<Kind> {
        let state = self.lock();
        let inode = state.inodes.get(&state.named(dir, name)?)?;
        Some(inode.kind.clone())
    }

    /// A handle that reads the file was opened.
    pub fn read(&self, ino: Ino) {
        if let Some(Inode {
            kind: Kind::File(file),
            ..
        }) = self.lock().inodes.get_mut(&ino)
        {
            file.was_read = true;
        }
    }

    /// Whether two names of a folder have at most `step` names between them.
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

    /// Files of a folder behind a name, as far as they are known and not this mount's own, among
    /// so many entries.
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
                    local: false,
                    ..
                } => Some((name.clone(), file.clone())),
                _ => None,
            })
            .collect()
    }

    /// Files of a folder behind a name, among so many entries, of which nobody has asked what is kept
    /// with them.
    pub fn unlooked_behind(&self, dir: Ino, name: &EntryName, entries: usize) -> Vec<Ino> {
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
                    matches!(inode.kind, Kind::File(_)) && inode.looks.kept.is_none()
                })
            })
            .collect()
    }

    /// Whether the folder has entries that only this mount knows.
    pub fn has_local(&self, dir: Ino) -> bool {
        self.lock()
            .local
            .get(&dir)
            .is_some_and(|names| !names.is_empty())
    }

    /// As if what the store said had been said long ago.
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

    /// How many inodes are remembered.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().inodes.len()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
