//! Numbers of files, as programs and the kernel see them.
//!
//! Programs see a number (`st_ino`, `d_ino`) that is a function of the object's key. It is the same
//! on every mount, and after the kernel has forgotten the file. Two live files never share a
//! number: the second gets the next one of its name. A renamed file keeps its number while it is
//! mounted.
//!
//! The kernel sees the same number in the protocol, unless it still knows another version by it.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::object::{EntryName, Prefix};
use crate::tree::{FileNumber, Ino, NodeId};

/// Maximum number of remembered names whose number is not the first of their name.
const REMEMBERED: usize = 32 << 10;

/// Maximum number of a name's first numbers that are tried before one that was never tried.
const TRIED: u32 = 4;

/// Number of a folder, and a name in it.
type NumberedName = (FileNumber, EntryName);

/// Returns the number of a name: the first eight bytes of a SHA-256. It covers the number of the
/// folder, the count of taken numbers of that name, and the name.
pub(super) fn number_of(folder: FileNumber, name: &str, taken: u32) -> FileNumber {
    let mut hash = Sha256::new();
    hash.update(folder.0.to_be_bytes());
    hash.update(taken.to_be_bytes());
    hash.update(name.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    FileNumber(u64::from_be_bytes(first))
}

/// Returns the number of the folder that a prefix names.
pub(super) fn number_of_prefix(prefix: &Prefix) -> FileNumber {
    let components = prefix.as_str().split_terminator('/');
    components.fold(FileNumber::ROOT, |folder, name| number_of(folder, name, 0))
}

/// Numbers in use.
#[derive(Debug)]
pub(super) struct Numbers {
    /// Number from which the numbers of the root's entries are derived.
    root: FileNumber,
    nodes: HashMap<NodeId, Ino>,
    /// Inodes that the kernel knows by another number than programs do.
    displaced: HashMap<FileNumber, Ino>,
    next: u64,
    /// Last position that was tried after the first numbers of a name. No two names share one.
    untried: u32,
    given: Given,
    /// Number of references, per node, that the kernel returns without having been given them.
    owed: HashMap<NodeId, u64>,
}

impl Numbers {
    /// Creates a table in which only the root has a number.
    pub(super) fn new(root: FileNumber) -> Self {
        Self {
            root,
            nodes: HashMap::from([(NodeId::ROOT, Ino::ROOT)]),
            displaced: HashMap::new(),
            next: NodeId::ROOT.0,
            untried: TRIED,
            given: Given::default(),
            owed: HashMap::new(),
        }
    }

    /// Returns the number from which the numbers of the root's entries are derived.
    pub(super) fn root(&self) -> FileNumber {
        self.root
    }

    /// Returns the inode that the kernel knows by a number.
    pub(super) fn ino(&self, node: NodeId) -> Option<Ino> {
        self.nodes.get(&node).copied()
    }

    /// Returns the inodes that have, or had, a number.
    fn holders(&self, number: FileNumber) -> impl Iterator<Item = Ino> {
        let node = self.nodes.get(&NodeId(number.0));
        node.into_iter().chain(self.displaced.get(&number)).copied()
    }

    /// Chooses the number of a name in a folder. `is_taken` tells whether an inode that has a number
    /// is alive.
    pub(super) fn choose(
        &mut self,
        folder: FileNumber,
        name: &EntryName,
        is_taken: impl Fn(Ino, FileNumber) -> bool,
    ) -> FileNumber {
        let place = (folder, name.clone());
        let is_free = |numbers: &Self, number: FileNumber| {
            let mut holders = numbers.holders(number);
            number.is_usable()
                && !holders.any(|ino| is_taken(ino, number))
                && numbers.given.place(number).is_none_or(|at| *at == place)
        };
        if let Some(number) = self.given.number(&place)
            && is_free(self, number)
        {
            return number;
        }
        let mut taken = 0;
        loop {
            let number = number_of(folder, name.as_str(), taken);
            if is_free(self, number) {
                self.remember(place, number, taken);
                return number;
            }
            taken = self.next_position(taken);
        }
    }

    /// Returns the position to try next. The first numbers of a temporary name belong to files that
    /// were renamed and are alive. Trying all of them would make each new file slower than the last.
    fn next_position(&mut self, taken: u32) -> u32 {
        if taken < TRIED - 1 {
            return taken + 1;
        }
        self.untried = self.untried.checked_add(1).unwrap_or(TRIED);
        self.untried
    }

    fn remember(&mut self, place: NumberedName, number: FileNumber, taken: u32) {
        if taken == 0 {
            self.given.forget(&place);
        } else {
            self.given.insert(place, number);
        }
    }

    /// Records that an inode was renamed; it keeps its number.
    pub(super) fn moved(&mut self, from: &NumberedName, to: NumberedName, number: FileNumber) {
        self.given.forget(from);
        self.given.forget(&to);
        if number_of(to.0, to.1.as_str(), 0) != number {
            self.given.insert(to, number);
        }
    }

    /// Forgets the number of a name: its next inode gets a number derived from the name.
    pub(super) fn forget_name(&mut self, folder: FileNumber, name: &EntryName) {
        if !self.given.is_empty() {
            self.given.forget(&(folder, name.clone()));
        }
    }

    /// Chooses the number by which the kernel knows an inode.
    pub(super) fn enter(&mut self, ino: Ino, number: FileNumber) -> NodeId {
        let mut node = NodeId(number.0);
        if self.nodes.contains_key(&node) {
            self.displaced.insert(number, ino);
            while self.nodes.contains_key(&node) {
                self.next += 1;
                node = NodeId(self.next);
            }
        }
        self.nodes.insert(node, ino);
        node
    }

    /// Removes an inode that the kernel no longer knows.
    pub(super) fn leave(&mut self, ino: Ino, node: NodeId, number: FileNumber) {
        self.nodes.remove(&node);
        if self.displaced.get(&number) == Some(&ino) {
            self.displaced.remove(&number);
        }
    }

    /// Records that the kernel will return a reference that it was not given.
    pub(super) fn owe(&mut self, node: NodeId) {
        *self.owed.entry(node).or_default() += 1;
    }

    /// Accounts for references that the kernel returns; returns how many of them it was given.
    pub(super) fn given_back(&mut self, node: NodeId, count: u64) -> u64 {
        let Some(owed) = self.owed.get_mut(&node) else {
            return count;
        };
        let paid = count.min(*owed);
        *owed -= paid;
        if *owed == 0 {
            self.owed.remove(&node);
        }
        count - paid
    }
}

/// Names whose number is not the first of their name, the oldest first.
#[derive(Debug, Default)]
struct Given {
    numbers: HashMap<NumberedName, FileNumber>,
    places: HashMap<FileNumber, NumberedName>,
    order: VecDeque<NumberedName>,
}

impl Given {
    fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    fn number(&self, place: &NumberedName) -> Option<FileNumber> {
        self.numbers.get(place).copied()
    }

    fn place(&self, number: FileNumber) -> Option<&NumberedName> {
        self.places.get(&number)
    }

    fn insert(&mut self, place: NumberedName, number: FileNumber) {
        self.forget(&place);
        if let Some(other) = self.places.insert(number, place.clone()) {
            self.numbers.remove(&other);
        }
        self.numbers.insert(place.clone(), number);
        self.order.push_back(place);
        while self.numbers.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(&oldest);
        }
        if self.order.len() > 2 * REMEMBERED {
            self.order.retain(|place| self.numbers.contains_key(place));
        }
    }

    fn forget(&mut self, place: &NumberedName) {
        if let Some(number) = self.numbers.remove(place) {
            self.places.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashSet;

    use super::*;

    fn name(name: &str) -> EntryName {
        EntryName::from_component(name).unwrap()
    }

    fn numbers() -> Numbers {
        Numbers::new(FileNumber::ROOT)
    }

    #[test]
    fn a_number_follows_from_the_key_alone() {
        let folder = number_of(FileNumber::ROOT, "a", 0);
        assert_eq!(folder, FileNumber(0xfe78_b993_3898_9003));
        let prefix = Prefix::new("a/b/").unwrap();
        assert_eq!(number_of_prefix(&prefix), number_of(folder, "b", 0));
        assert_eq!(number_of_prefix(&Prefix::root()), FileNumber::ROOT);
        let chosen = numbers().choose(FileNumber::ROOT, &name("a"), |_, _| false);
        assert_eq!(chosen, folder);
    }

    #[test]
    fn a_number_that_is_taken_is_not_given_again() {
        let mut numbers = numbers();
        let (root, file) = (FileNumber::ROOT, name("f"));
        let first = numbers.choose(root, &file, |_, _| false);
        let node = numbers.enter(Ino(2), first);
        assert_eq!(node.0, first.0);
        let is_alive = |ino, _| ino == Ino(2);
        let second = numbers.choose(root, &file, is_alive);
        assert_eq!(second, number_of(root, "f", 1));
        // Remembered, whatever is alive by then.
        assert_eq!(numbers.choose(root, &file, |_, _| false), second);
        numbers.forget_name(root, &file);
        assert_eq!(numbers.choose(root, &file, |_, _| false), first);
        // Its version before is known to the kernel still.
        let node = numbers.enter(Ino(3), first);
        assert_ne!(node.0, first.0);
        assert_eq!(numbers.ino(node), Some(Ino(3)));
        assert_eq!(numbers.choose(root, &file, |ino, _| ino == Ino(3)), second);
        numbers.leave(Ino(3), node, first);
        numbers.leave(Ino(2), NodeId(first.0), first);
        assert_eq!(numbers.enter(Ino(4), first).0, first.0);
    }

    #[test]
    fn a_number_is_kept_under_another_name() {
        let mut numbers = numbers();
        let (root, old, new) = (FileNumber::ROOT, name("old"), name("new"));
        let number = numbers.choose(root, &old, |_, _| false);
        numbers.moved(&(root, old.clone()), (root, new.clone()), number);
        assert_eq!(numbers.choose(root, &new, |_, _| false), number);
        let next = numbers.choose(root, &old, |_, _| false);
        assert_eq!(next, number_of(root, "old", 1));
        numbers.moved(&(root, new), (root, old.clone()), number);
        assert_eq!(numbers.choose(root, &old, |_, _| false), number);
        assert!(numbers.given.is_empty());
    }

    #[test]
    fn a_temporary_name_gets_a_number_after_few_probes() {
        const FILES: u64 = 50_000;
        let mut numbers = numbers();
        let (root, temporary) = (FileNumber::ROOT, name("tmp"));
        let (mut seen, probes) = (HashSet::new(), Cell::new(0));
        for n in 0..FILES {
            let number = numbers.choose(root, &temporary, |_, _| {
                probes.set(probes.get() + 1);
                assert!(probes.get() <= FILES * u64::from(TRIED), "file {n}");
                true
            });
            assert!(seen.insert(number), "file {n}");
            numbers.enter(Ino(n + 2), number);
            let to = (root, name(&format!("f{n}")));
            numbers.moved(&(root, temporary.clone()), to, number);
        }
    }

    #[test]
    fn few_names_are_remembered() {
        let mut given = Given::default();
        for n in 0..3 * REMEMBERED as u64 {
            let place = (FileNumber::ROOT, name(&n.to_string()));
            given.insert(place.clone(), FileNumber(n));
            if n % 2 == 0 {
                given.forget(&place);
            }
        }
        assert_eq!(given.numbers.len(), REMEMBERED);
        assert_eq!(given.places.len(), REMEMBERED);
        assert!(given.order.len() <= 2 * REMEMBERED);
    }

    #[test]
    fn references_that_were_never_given_are_given_back_first() {
        let mut numbers = numbers();
        numbers.owe(NodeId(7));
        numbers.owe(NodeId(7));
        assert_eq!(numbers.given_back(NodeId(8), 1), 1);
        assert_eq!(numbers.given_back(NodeId(7), 3), 1);
        assert_eq!(numbers.given_back(NodeId(7), 3), 3);
    }
}
