//! The table of inodes and names.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::object::{EntryName, Key, ObjectMeta, Prefix};
use crate::tree::inode::Inode;
use crate::tree::{Entry, FileState, Ino, Kind};

/// Remember so many deletions at most: they only matter while answers asked for earlier may come.
const MAX_REMOVED: usize = 4096;

/// Answers don't arrive later than this after they were asked for.
const ANSWER_DELAY: Duration = Duration::from_mins(2);

/// The tree of one mount.
#[derive(Debug)]
pub struct Tree {
    prefix: Prefix,
    ttl: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    inodes: HashMap<Ino, Inode>,
    names: HashMap<(Ino, EntryName), Ino>,
    /// Names deleted through this mount, and when.
    removed: HashMap<(Ino, EntryName), Instant>,
    /// Folders all of whose entries were learned by a listing asked for at that time.
    complete: HashMap<Ino, Instant>,
    /// Local entries of each folder: what a listing may lack.
    local: HashMap<Ino, HashSet<EntryName>>,
    next: u64,
}

/// What the store says of a name.
#[derive(Clone, Debug)]
pub enum Seen {
    /// There are keys below it.
    Dir,
    /// There is an object.
    File(ObjectMeta),
    /// Neither.
    Absent,
}

/// What is known of a name without asking.
#[derive(Clone, Debug)]
pub enum Known {
    /// It stands for this.
    Entry(Entry),
    /// It stands for nothing.
    Absent,
    /// The store must be asked.
    Unknown,
}

impl Tree {
    /// A tree of which only the root is known. What is learned is believed for `ttl`.
    pub fn new(prefix: Prefix, ttl: Duration) -> Self {
        let root = Inode {
            parent: Ino::ROOT,
            name: None,
            kind: Kind::Dir,
            lookups: 1,
            valid_until: Instant::now(),
            changed: None,
            local: true,
            named: true,
        };
        let state = State {
            inodes: HashMap::from([(Ino::ROOT, root)]),
            names: HashMap::new(),
            removed: HashMap::new(),
            complete: HashMap::new(),
            local: HashMap::new(),
            next: 2,
        };
        Self {
            prefix,
            ttl,
            state: Mutex::new(state),
        }
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
        let now = Instant::now();
        let state = self.lock();
        if let Some(ino) = state.names.get(&(dir, name.clone())) {
            return match state.inodes.get(ino) {
                Some(inode) if inode.local || inode.valid_until > now => {
                    Known::Entry(inode.entry(*ino))
                }
                _ => Known::Unknown,
            };
        }
        match state.complete.get(&dir) {
            Some(asked) if *asked + self.ttl > now => Known::Absent,
            _ => Known::Unknown,
        }
    }

    /// Takes note of what the store said when it was asked at `asked`; returns what the name stands
    /// for, which is what we did ourselves if that was later.
    pub fn learn(&self, dir: Ino, name: &EntryName, seen: Seen, asked: Instant) -> Option<Entry> {
        let valid_until = asked + self.ttl;
        self.lock().learn(dir, name, seen, asked, valid_until)
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
            match tell(name, &entry) {
                Told::Yes => state.reference(entry.ino),
                Told::No => {}
                Told::Full => return,
            }
        }
    }

    /// All entries of the folder were learned by a listing that began at `asked`.
    pub fn completed(&self, dir: Ino, asked: Instant) {
        self.lock().complete.insert(dir, asked);
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

    /// A new entry made through this mount, in place of whatever had the name.
    pub fn create(&self, dir: Ino, name: &EntryName, kind: Kind) -> Entry {
        let mut state = self.lock();
        state.detach(dir, name);
        state.removed.remove(&(dir, name.clone()));
        let ino = state.insert(dir, name, kind, Instant::now());
        state.set_local(ino, true);
        state.touch(ino);
        state.inodes[&ino].entry(ino)
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

    /// The name was deleted through this mount. A file that is open keeps its inode.
    pub fn removed(&self, dir: Ino, name: &EntryName) {
        let mut state = self.lock();
        let now = Instant::now();
        if state.removed.len() >= MAX_REMOVED {
            state.removed.retain(|_, at| *at + ANSWER_DELAY > now);
        }
        state.removed.insert((dir, name.clone()), now);
        state.detach(dir, name);
    }

    /// Whether the folder has entries that only this mount knows.
    pub fn has_local(&self, dir: Ino) -> bool {
        self.lock()
            .local
            .get(&dir)
            .is_some_and(|names| !names.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of an entry that was offered to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The kernel has it, with its attributes.
    Yes,
    /// The kernel has just its name, or nothing.
    No,
    /// There was no more room.
    Full,
}

impl State {
    fn learn(
        &mut self,
        dir: Ino,
        name: &EntryName,
        seen: Seen,
        asked: Instant,
        valid_until: Instant,
    ) -> Option<Entry> {
        let place = (dir, name.clone());
        if let Some(&ino) = self.names.get(&place)
            && let Some(inode) = self.inodes.get_mut(&ino)
        {
            let same = match (&inode.kind, &seen) {
                _ if inode.outdates(asked) => true,
                (Kind::Dir, Seen::Dir) => true,
                (Kind::File(file), Seen::File(meta)) => file.etag.as_ref() == Some(&meta.etag),
                _ => false,
            };
            if same {
                inode.valid_until = inode.valid_until.max(valid_until);
                return Some(inode.entry(ino));
            }
            self.detach(dir, name);
        } else if self
            .removed
            .get(&place)
            .is_some_and(|removed| *removed >= asked)
        {
            return None;
        }
        let kind = match seen {
            Seen::Absent => return None,
            Seen::Dir => Kind::Dir,
            Seen::File(meta) => Kind::File(meta.into()),
        };
        let ino = self.insert(dir, name, kind, valid_until);
        Some(self.inodes[&ino].entry(ino))
    }

    fn insert(&mut self, dir: Ino, name: &EntryName, kind: Kind, valid_until: Instant) -> Ino {
        let ino = Ino(self.next);
        self.next += 1;
        let inode = Inode {
            parent: dir,
            name: Some(name.clone()),
            kind,
            lookups: 0,
            valid_until,
            changed: None,
            local: false,
            named: true,
        };
        self.inodes.insert(ino, inode);
        self.names.insert((dir, name.clone()), ino);
        ino
    }

    /// Takes the name away from whatever has it.
    fn detach(&mut self, dir: Ino, name: &EntryName) {
        if let Some(ino) = self.names.remove(&(dir, name.clone())) {
            self.set_local(ino, false);
            if let Some(inode) = self.inodes.get_mut(&ino) {
                inode.named = false;
            }
            self.complete.remove(&ino);
            self.drop_if_unused(ino);
        }
    }

    fn set_local(&mut self, ino: Ino, local: bool) {
        let Some(inode) = self.inodes.get_mut(&ino) else {
            return;
        };
        let Some(name) = inode.name.clone() else {
            return;
        };
        if !inode.named && local {
            return;
        }
        inode.local = local;
        let dir = inode.parent;
        let names = self.local.entry(dir).or_default();
        if local {
            names.insert(name);
        } else {
            names.remove(&name);
        }
        if names.is_empty() {
            self.local.remove(&dir);
        }
    }

    fn touch(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.changed = Some(Instant::now());
        }
    }

    fn reference(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.lookups += 1;
        }
    }

    fn drop_if_unused(&mut self, ino: Ino) {
        let Some(inode) = self.inodes.get(&ino) else {
            return;
        };
        if inode.lookups > 0 || inode.local || self.local.contains_key(&ino) {
            return;
        }
        let Some(inode) = self.inodes.remove(&ino) else {
            return;
        };
        self.complete.remove(&ino);
        if let Some(name) = inode.name
            && inode.named
        {
            // A listing that was complete no longer is, without this entry.
            self.complete.remove(&inode.parent);
            self.names.remove(&(inode.parent, name));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::object::ETag;

    fn name(name: &str) -> EntryName {
        EntryName::from_component(name).unwrap()
    }

    fn file(etag: &str) -> Seen {
        Seen::File(ObjectMeta {
            size: 1,
            modified: SystemTime::UNIX_EPOCH,
            etag: ETag::new(etag),
        })
    }

    fn tree() -> Tree {
        Tree::new(Prefix::new("p/").unwrap(), Duration::from_mins(1))
    }

    fn ino(entry: Option<Entry>) -> Ino {
        entry.unwrap().ino
    }

    #[test]
    fn keys_are_made_of_the_names_above() {
        let tree = tree();
        let now = Instant::now();
        let a = ino(tree.learn(Ino::ROOT, &name("a"), Seen::Dir, now));
        let b = ino(tree.learn(a, &name("b"), Seen::Dir, now));
        assert_eq!(tree.key_in(b, &name("c")).unwrap().as_str(), "p/a/b/c");
        assert_eq!(tree.prefix_of(Ino::ROOT).unwrap(), "p/");
    }

    #[test]
    fn a_version_is_an_inode() {
        let tree = tree();
        let first = ino(tree.learn(Ino::ROOT, &name("f"), file("1"), Instant::now()));
        tree.reference(first);
        let again = ino(tree.learn(Ino::ROOT, &name("f"), file("1"), Instant::now()));
        let second = ino(tree.learn(Ino::ROOT, &name("f"), file("2"), Instant::now()));
        assert_eq!(first, again);
        assert_ne!(first, second);
        assert!(tree.entry(first).is_some(), "it is still open somewhere");
        tree.forget(first, 1);
        assert!(tree.entry(first).is_none());
        assert!(matches!(tree.known(Ino::ROOT, &name("f")), Known::Entry(e) if e.ino == second));
    }

    #[test]
    fn an_answer_older_than_our_own_change_changes_nothing() {
        let tree = tree();
        let asked = Instant::now();
        let ours = tree.create(Ino::ROOT, &name("f"), Kind::Dir).ino;
        assert_eq!(
            ino(tree.learn(Ino::ROOT, &name("f"), Seen::Absent, asked)),
            ours
        );
        tree.removed(Ino::ROOT, &name("f"));
        assert!(
            tree.learn(Ino::ROOT, &name("f"), Seen::Dir, asked)
                .is_none()
        );
        let later = Instant::now();
        assert!(
            tree.learn(Ino::ROOT, &name("f"), Seen::Dir, later)
                .is_some()
        );
    }

    #[test]
    fn after_a_complete_listing_other_names_are_absent() {
        let tree = tree();
        let now = Instant::now();
        let f = ino(tree.learn(Ino::ROOT, &name("f"), file("1"), now));
        tree.reference(f);
        tree.completed(Ino::ROOT, now);
        assert!(matches!(tree.known(Ino::ROOT, &name("f")), Known::Entry(_)));
        assert!(matches!(tree.known(Ino::ROOT, &name("g")), Known::Absent));
        tree.forget(f, 1);
        assert!(matches!(tree.known(Ino::ROOT, &name("g")), Known::Unknown));
    }
}
