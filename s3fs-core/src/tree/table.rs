//! The table of inodes and names.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::object::{EntryName, Key, ObjectMeta, Prefix};
use crate::tree::inode::Inode;
use crate::tree::{Entry, FileState, Ino, Kind};

/// Look for what can be dropped no earlier than when there is so much of it.
const SWEEP: usize = 4096;

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
    /// Names deleted through this mount, and when: they only matter while answers asked for
    /// earlier may come.
    removed: HashMap<(Ino, EntryName), Instant>,
    sweep_removed_at: usize,
    /// Inodes that the kernel has never been told of, and will hence never forget.
    untold: HashSet<Ino>,
    sweep_untold_at: usize,
    /// Folders all of whose entries were learned by a listing asked for at that time.
    complete: HashMap<Ino, Instant>,
    /// Local entries of each folder: what a listing may lack. A folder that has some is local
    /// itself.
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
            lost_entry: None,
        };
        let state = State {
            inodes: HashMap::from([(Ino::ROOT, root)]),
            names: HashMap::new(),
            removed: HashMap::new(),
            sweep_removed_at: SWEEP,
            untold: HashSet::new(),
            sweep_untold_at: SWEEP,
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

    /// As [`learn`](Self::learn); the entry also counts as told to the kernel. In one step, lest
    /// the inode be dropped in between.
    pub fn learn_told(
        &self,
        dir: Ino,
        name: &EntryName,
        seen: Seen,
        asked: Instant,
    ) -> Option<Entry> {
        let valid_until = asked + self.ttl;
        let mut state = self.lock();
        let entry = state.learn(dir, name, seen, asked, valid_until)?;
        state.reference(entry.ino);
        Some(entry)
    }

    /// Tells the kernel of a name by what is known of it, if it still stands for something.
    pub fn tell(&self, dir: Ino, name: &EntryName, tell: impl FnOnce(&EntryName, &Entry) -> Told) {
        let mut state = self.lock();
        let entry = state.names.get(&(dir, name.clone())).and_then(|ino| {
            let inode = state.inodes.get(ino)?;
            Some(inode.entry(*ino))
        });
        if let Some(entry) = entry
            && tell(name, &entry) == Told::Yes
        {
            state.reference(entry.ino);
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
            match tell(name, &entry) {
                Told::Yes => state.reference(entry.ino),
                Told::No => {}
                Told::Full => return,
            }
        }
    }

    /// All entries of the folder were learned by a listing that began at `asked`. Means nothing if
    /// one of them has been dropped since.
    pub fn completed(&self, dir: Ino, asked: Instant) {
        let mut state = self.lock();
        let inode = state.inodes.get(&dir);
        if inode.is_some_and(|inode| inode.lost_entry.is_none_or(|lost| lost < asked)) {
            state.complete.insert(dir, asked);
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
        if state.removed.len() >= state.sweep_removed_at {
            state.removed.retain(|_, at| *at + ANSWER_DELAY > now);
            state.sweep_removed_at = SWEEP.max(2 * state.removed.len());
        }
        state.removed.insert((dir, name.clone()), now);
        state.detach(dir, name);
    }

    /// A name lost what it stood for here, but the store may have something of that name: an older
    /// version, or what a folder hid.
    pub fn uncovered(&self, dir: Ino, name: &EntryName) {
        self.removed(dir, name);
        self.lock().complete.remove(&dir);
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
        state.complete.clear();
        state.sweep(now);
    }

    /// How many inodes are remembered.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().inodes.len()
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
    fn known(&self, dir: Ino, name: &EntryName, ttl: Duration) -> Known {
        let now = Instant::now();
        if let Some(ino) = self.names.get(&(dir, name.clone())) {
            return match self.inodes.get(ino) {
                Some(inode) if self.is_local(*ino, inode) || inode.valid_until > now => {
                    Known::Entry(inode.entry(*ino))
                }
                _ => Known::Unknown,
            };
        }
        match self.complete.get(&dir) {
            Some(asked) if *asked + ttl > now => Known::Absent,
            _ => Known::Unknown,
        }
    }

    fn is_local(&self, ino: Ino, inode: &Inode) -> bool {
        inode.local || self.local.contains_key(&ino)
    }

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
            let is_local = inode.local || self.local.contains_key(&ino);
            let is_older = inode.outdates(asked) || inode.valid_until > valid_until;
            let same = match (&inode.kind, &seen) {
                _ if is_local || is_older => true,
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
            lost_entry: None,
        };
        if self.untold.len() >= self.sweep_untold_at {
            self.sweep(Instant::now());
            self.sweep_untold_at = SWEEP.max(2 * self.untold.len());
        }
        self.untold.insert(ino);
        self.inodes.insert(ino, inode);
        self.names.insert((dir, name.clone()), ino);
        ino
    }

    /// Takes the name away from whatever has it.
    fn detach(&mut self, dir: Ino, name: &EntryName) {
        if let Some(ino) = self.names.remove(&(dir, name.clone())) {
            if let Some(inode) = self.inodes.get_mut(&ino) {
                inode.named = false;
            }
            self.set_local(ino, false);
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
        let (dir, named) = (inode.parent, inode.named);
        let has_local = named && (local || self.local.contains_key(&ino));
        self.list_local(dir, name, has_local);
    }

    /// Takes note of whether an entry of a folder is local, which makes the folder local too.
    fn list_local(&mut self, dir: Ino, name: EntryName, local: bool) {
        let names = self.local.entry(dir).or_default();
        let was_empty = names.is_empty();
        if local {
            names.insert(name);
        } else {
            names.remove(&name);
        }
        let is_empty = names.is_empty();
        if is_empty {
            self.local.remove(&dir);
        }
        if was_empty == is_empty {
            return;
        }
        let Some(inode) = self.inodes.get(&dir) else {
            return;
        };
        if let Some(name) = inode.name.clone().filter(|_| inode.named) {
            let (above, local) = (inode.parent, inode.local || !is_empty);
            self.list_local(above, name, local);
        }
        if is_empty {
            // The kernel may have forgotten it while an entry was being stored.
            self.drop_if_unused(dir);
        }
    }

    /// Drops what the kernel has never been told of and the store must be asked about anyway.
    fn sweep(&mut self, now: Instant) {
        let inodes = &self.inodes;
        let old = |ino: &&Ino| {
            inodes
                .get(ino)
                .is_none_or(|inode| inode.valid_until <= now && inode.lookups == 0)
        };
        let mut old: Vec<Ino> = self.untold.iter().filter(old).copied().collect();
        // Entries before their folders.
        old.sort_unstable_by(|a, b| b.cmp(a));
        for ino in old {
            self.drop_if_unused(ino);
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
            self.untold.remove(&ino);
        }
    }

    fn drop_if_unused(&mut self, ino: Ino) {
        let Some(inode) = self.inodes.get(&ino) else {
            return;
        };
        if ino == Ino::ROOT || inode.lookups > 0 || self.is_local(ino, inode) {
            return;
        }
        let Some(inode) = self.inodes.remove(&ino) else {
            return;
        };
        self.complete.remove(&ino);
        self.untold.remove(&ino);
        if let Some(name) = inode.name
            && inode.named
        {
            // A listing that was complete no longer is, without this entry.
            self.complete.remove(&inode.parent);
            self.names.remove(&(inode.parent, name));
            if let Some(folder) = self.inodes.get_mut(&inode.parent) {
                folder.lost_entry = Some(Instant::now());
            }
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
