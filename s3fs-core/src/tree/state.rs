//! Contents of the table: inodes, names, and the links between them. Guarded by `table`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::object::EntryName;
use crate::tree::coverage::Coverage;
use crate::tree::inode::Inode;
use crate::tree::kernel_listing::KernelListing;
use crate::tree::listing_order::OrderedNames;
use crate::tree::numbers::Numbers;
use crate::tree::removal::Removals;
use crate::tree::{
    Cached, Entry, EntryAttrs, FileNumber, Ino, Kind, ListingEntry, NodeId, Removed, Reported,
};

/// Minimum number of inodes before expired ones are dropped.
pub(super) const SWEEP: usize = 4096;

/// Maximum age of the answer about an inode that the kernel was never told, where there are many such
/// inodes. The kernel never forgets them, and answers may be valid for the life of a mount.
const UNREPORTED_AGE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct TreeState {
    /// Time for which answers of the store are valid.
    ttl: Duration,
    pub(super) inodes: HashMap<Ino, Inode>,
    /// Names in each folder, in the order in which a bucket lists them.
    pub(super) names: HashMap<Ino, BTreeMap<EntryName, Ino>>,
    /// Names deleted through this mount.
    pub(super) removed: Removals,
    /// Inodes that were never reported to the kernel, which therefore never forgets them.
    pub(super) unreported: HashSet<Ino>,
    pub(super) sweep_unreported_at: usize,
    /// Names that are known to be absent.
    pub(super) coverage: Coverage,
    /// Local entries of each folder, which a listing may lack. A folder that has some is local
    /// itself.
    pub(super) local: HashMap<Ino, HashSet<EntryName>>,
    /// Names in the orders of the kernel's copies of listings.
    pub(super) ordered_names: OrderedNames,
    pub(super) next: u64,
    pub(super) numbers: Numbers,
}

impl TreeState {
    /// Creates a table with only the root. `root` is the number of the corresponding folder in the
    /// bucket. Answers of the store are valid for `ttl`.
    pub(super) fn new(root: FileNumber, ttl: Duration) -> Self {
        let numbers = Numbers::new(root);
        let root = Inode {
            node: NodeId::ROOT,
            number: FileNumber::ROOT,
            parent: Ino::ROOT,
            name: None,
            kind: Kind::Dir,
            attrs: Arc::default(),
            lookups: 1,
            handles: 0,
            valid_until: Instant::now(),
            changed: None,
            is_dirty: true,
            named: true,
            superseded: false,
            lost_entry: None,
            kernel_listing: KernelListing::default(),
        };
        Self {
            ttl,
            inodes: HashMap::from([(Ino::ROOT, root)]),
            names: HashMap::new(),
            removed: Removals::default(),
            unreported: HashSet::new(),
            sweep_unreported_at: SWEEP,
            coverage: Coverage::default(),
            local: HashMap::new(),
            ordered_names: OrderedNames::default(),
            next: 2,
            numbers,
        }
    }

    /// Returns the cached state of a name, if the answers that it is based on are younger than `age`.
    /// `ttl` is the time for which the tree trusts answers.
    pub(super) fn cached(
        &self,
        dir: Ino,
        name: &EntryName,
        ttl: Duration,
        age: Duration,
    ) -> Cached {
        let now = Instant::now();
        let least = now + ttl.saturating_sub(age);
        if let Some(ino) = self.named(dir, name) {
            return match self.inodes.get(&ino) {
                Some(inode) if self.is_local(ino, inode) || inode.valid_until > least => {
                    Cached::Entry(inode.entry(ino))
                }
                _ => Cached::Unknown,
            };
        }
        if self.removed.is_pending(dir, name) {
            return Cached::Absent;
        }
        if self.coverage.is_absent(dir, name, now, ttl.min(age)) {
            Cached::Absent
        } else {
            Cached::Unknown
        }
    }

    pub(super) fn is_local(&self, ino: Ino, inode: &Inode) -> bool {
        inode.is_dirty || self.local.contains_key(&ino)
    }

    pub(super) fn apply(
        &mut self,
        dir: Ino,
        name: &EntryName,
        seen: ListingEntry,
        asked: Instant,
        valid_until: Instant,
    ) -> Option<Entry> {
        if let Some(ino) = self.named(dir, name)
            && let Some(inode) = self.inodes.get_mut(&ino)
        {
            let is_local = inode.is_dirty || self.local.contains_key(&ino);
            let is_older = inode.outdates(asked) || inode.valid_until > valid_until;
            let same = match (&mut inode.kind, &seen) {
                _ if is_local || is_older => true,
                (Kind::Dir, ListingEntry::Dir) => true,
                (Kind::File(file), ListingEntry::File(meta)) => {
                    let same = file.etag.as_ref() == Some(&meta.etag);
                    if same && file.stored_anew(meta.modified) {
                        // Another client has copied the object onto itself, to change its stored metadata.
                        file.modified = meta.modified;
                        inode.attrs = Arc::default();
                    }
                    same
                }
                _ => false,
            };
            if same {
                inode.valid_until = inode.valid_until.max(valid_until);
                return Some(inode.entry(ino));
            }
            inode.superseded = true;
            self.detach(dir, name);
            self.listing_outdated(dir);
        } else if self.removed.outdates(dir, name, &seen, asked) {
            return None;
        }
        let kind = match seen {
            ListingEntry::Absent => {
                self.coverage.absent(dir, name.clone(), asked);
                return None;
            }
            ListingEntry::Dir => Kind::Dir,
            ListingEntry::File(meta) => Kind::File(meta.into()),
        };
        let ino = self.insert(dir, name, kind, valid_until);
        if let Some(folder) = self.inodes.get_mut(&dir) {
            folder.kernel_listing.has(name);
        }
        Some(self.inodes[&ino].entry(ino))
    }

    /// Creates an entry made through this mount, replacing any entry of that name.
    pub(super) fn create(
        &mut self,
        dir: Ino,
        name: &EntryName,
        kind: Kind,
        attrs: EntryAttrs,
    ) -> Entry {
        self.detach(dir, name);
        self.removed.undo(dir, name, Removed::from(&kind));
        let ino = self.insert(dir, name, kind, Instant::now());
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.attrs = Arc::new(attrs);
        }
        self.set_local(ino, true);
        self.touch(ino);
        self.inodes[&ino].entry(ino)
    }

    pub(super) fn insert(
        &mut self,
        dir: Ino,
        name: &EntryName,
        kind: Kind,
        valid_until: Instant,
    ) -> Ino {
        let ino = Ino(self.next);
        self.next += 1;
        let (folder, inodes) = (self.number_of_folder(dir), &self.inodes);
        let number = self.numbers.choose(folder, name, |holder, number| {
            let holder = inodes.get(&holder);
            holder.is_some_and(|inode| inode.number == number && inode.is_alive())
        });
        let inode = Inode {
            node: self.numbers.enter(ino, number),
            number,
            parent: dir,
            name: Some(name.clone()),
            kind,
            attrs: Arc::default(),
            lookups: 0,
            handles: 0,
            valid_until,
            changed: None,
            is_dirty: false,
            named: true,
            superseded: false,
            lost_entry: None,
            kernel_listing: KernelListing::default(),
        };
        if self.unreported.len() >= self.sweep_unreported_at {
            self.sweep(Instant::now());
            self.sweep_unreported_at = SWEEP.max(2 * self.unreported.len());
        }
        self.coverage.forget_name(dir, name);
        self.unreported.insert(ino);
        self.inodes.insert(ino, inode);
        self.names.entry(dir).or_default().insert(name.clone(), ino);
        ino
    }

    /// Records that a folder has other names than the kernel's copy of its listing may have.
    pub(super) fn listing_outdated(&mut self, dir: Ino) {
        if let Some(inode) = self.inodes.get_mut(&dir) {
            inode.kernel_listing.outdated();
        }
    }

    /// Returns the number from which the numbers of a folder's entries are derived.
    pub(super) fn number_of_folder(&self, dir: Ino) -> FileNumber {
        match self.inodes.get(&dir) {
            Some(inode) if dir != Ino::ROOT => inode.number,
            _ => self.numbers.root(),
        }
    }

    /// Returns the inode that has the name.
    pub(super) fn named(&self, dir: Ino, name: &EntryName) -> Option<Ino> {
        self.names.get(&dir)?.get(name).copied()
    }

    pub(super) fn unname(&mut self, dir: Ino, name: &EntryName) -> Option<Ino> {
        let names = self.names.get_mut(&dir)?;
        let ino = names.remove(name);
        if names.is_empty() {
            self.names.remove(&dir);
        }
        ino
    }

    /// Removes a name that was deleted through this mount: its next entry is another file.
    pub(super) fn remove(&mut self, dir: Ino, name: &EntryName) {
        let folder = self.number_of_folder(dir);
        self.numbers.forget_name(folder, name);
        self.detach(dir, name);
    }

    /// Takes the name away from its present inode, if it has one.
    pub(super) fn detach(&mut self, dir: Ino, name: &EntryName) {
        if let Some(ino) = self.unname(dir, name) {
            if let Some(inode) = self.inodes.get_mut(&ino) {
                inode.named = false;
            }
            self.set_local(ino, false);
            self.coverage.forget(ino);
            self.drop_if_unused(ino);
        }
    }

    pub(super) fn set_local(&mut self, ino: Ino, local: bool) {
        let Some(inode) = self.inodes.get_mut(&ino) else {
            return;
        };
        let Some(name) = inode.name.clone() else {
            return;
        };
        if !inode.named && local {
            return;
        }
        inode.is_dirty = local;
        let (dir, named) = (inode.parent, inode.named);
        let has_local = named && (local || self.local.contains_key(&ino));
        self.list_local(dir, name, has_local);
    }

    /// Records whether an entry of a folder is local, which makes the folder local too.
    pub(super) fn list_local(&mut self, dir: Ino, name: EntryName, local: bool) {
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
            let (above, local) = (inode.parent, inode.is_dirty || !is_empty);
            self.list_local(above, name, local);
        }
        if is_empty {
            // The kernel may have forgotten it while an entry was being stored.
            self.drop_if_unused(dir);
        }
    }

    /// Drops expired and old inodes that were never reported to the kernel.
    pub(super) fn sweep(&mut self, now: Instant) {
        let oldest = now + self.ttl.saturating_sub(UNREPORTED_AGE);
        let inodes = &self.inodes;
        let old = |ino: &&Ino| {
            inodes
                .get(ino)
                .is_none_or(|inode| inode.valid_until <= oldest && inode.lookups == 0)
        };
        let mut old: Vec<Ino> = self.unreported.iter().filter(old).copied().collect();
        // Entries before their folders.
        old.sort_unstable_by(|a, b| b.cmp(a));
        for ino in old {
            self.drop_if_unused(ino);
        }
    }

    pub(super) fn touch(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.changed = Some(Instant::now());
        }
    }

    /// Records the result of offering an entry to the kernel.
    pub(super) fn reported(&mut self, entry: &Entry, reported: Reported) {
        match reported {
            Reported::Yes => self.reference(entry.ino),
            Reported::Owed => self.numbers.owe(NodeId(entry.number.0)),
            Reported::No | Reported::Full => {}
        }
    }

    pub(super) fn reference(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.lookups += 1;
            self.unreported.remove(&ino);
        }
    }

    pub(super) fn drop_if_unused(&mut self, ino: Ino) {
        let Some(inode) = self.inodes.get(&ino) else {
            return;
        };
        if ino == Ino::ROOT || inode.lookups > 0 || self.is_local(ino, inode) {
            return;
        }
        let Some(inode) = self.inodes.remove(&ino) else {
            return;
        };
        self.numbers.leave(ino, inode.node, inode.number);
        self.coverage.forget(ino);
        self.unreported.remove(&ino);
        if let Some(name) = inode.name
            && inode.named
        {
            // A listing that was complete no longer is, without this entry.
            self.coverage.forget(inode.parent);
            self.unname(inode.parent, &name);
            if let Some(folder) = self.inodes.get_mut(&inode.parent) {
                folder.lost_entry = Some(Instant::now());
            }
        }
    }
}
