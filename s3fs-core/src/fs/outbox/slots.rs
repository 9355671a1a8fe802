//! What each key is to become, and what is being done about it: decided here, done elsewhere.
//!
//! A key with something to be done has a slot. At most one request about a key is on its way, so they
//! take effect in the order in which programs asked; what is asked for in between replaces what was
//! asked for before. So a file that is written, renamed and written again is stored once, and one that
//! is deleted before it was stored costs nothing.

use std::collections::HashMap;

use crate::fs::FsError;
use crate::object::{EntryName, Key};
use crate::tree::Ino;

/// What a key is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Want {
    /// No object; the name it had.
    Absent(Ino, EntryName),
    /// What a file's writer holds.
    File(Ino),
    /// The same bytes, with what the tree keeps of the file.
    Headers(Ino),
    /// The empty object that keeps a folder.
    Marker(Ino),
}

impl Want {
    fn stores(&self) -> bool {
        matches!(self, Self::File(_) | Self::Marker(_))
    }
}

/// The number of a wish: what is asked for later has a larger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u64);

/// What is being done about a key.
#[derive(Debug)]
enum Phase {
    /// Somebody will [`begin`](Slots::begin) with this ticket.
    Waiting(Version),
    /// A request is on its way.
    Running,
    /// An operation does requests about the key by itself.
    Held,
    /// The last attempt failed; what is wanted is still wanted.
    Failed(FsError),
}

#[derive(Debug)]
struct Slot {
    want: Option<Want>,
    /// Of `want`.
    version: Version,
    phase: Phase,
    /// The bucket may have an object here that was deleted, though something else is wanted now.
    shadow: Option<(Ino, EntryName)>,
}

/// The slots of one mount.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: HashMap<Key, Slot>,
    last: u64,
}

/// What follows from a request's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Something else is wanted by now: begin with this ticket.
    Begin(Version),
    /// Nothing, for now.
    Rest,
}

/// What somebody who waits for a key sees.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing is to be done.
    Settled,
    /// Something is being done or waits to be.
    Busy,
    /// It failed.
    Failed(FsError),
}

impl Slots {
    fn next(&mut self) -> Version {
        self.last += 1;
        Version(self.last)
    }

    /// The key's slot; a new one, at rest, if nothing was to be done.
    fn slot(&mut self, key: &Key, version: Version) -> &mut Slot {
        self.slots.entry(key.clone()).or_insert_with(|| Slot {
            want: None,
            version,
            phase: Phase::Failed(FsError::NotFound),
            shadow: None,
        })
    }

    /// The key is to become something else. Returns a ticket if somebody must begin.
    pub(super) fn want(&mut self, key: &Key, want: Want) -> Option<Version> {
        let version = self.next();
        let slot = self.slot(key, version);
        if want.stores()
            && let Some(Want::Absent(dir, name)) = slot.want.take()
        {
            slot.shadow = Some((dir, name));
        }
        // A file's bytes take along what is kept with them.
        let is_part =
            matches!((&slot.want, &want), (Some(Want::File(of)), Want::Headers(ino)) if of == ino);
        if !is_part {
            slot.want = Some(want);
        }
        slot.version = version;
        match slot.phase {
            Phase::Failed(_) => {
                slot.phase = Phase::Waiting(version);
                Some(version)
            }
            Phase::Waiting(_) | Phase::Running | Phase::Held => None,
        }
    }

    /// A new ticket for what waits or failed; the one before is void.
    pub(super) fn again(&mut self, key: &Key) -> Option<Version> {
        let version = self.next();
        let slot = self.slots.get_mut(key)?;
        match slot.phase {
            Phase::Waiting(_) | Phase::Failed(_) => {
                slot.phase = Phase::Waiting(version);
                Some(version)
            }
            Phase::Running | Phase::Held => None,
        }
    }

    /// What to do, for the holder of a ticket that is not void.
    pub(super) fn begin(&mut self, key: &Key, ticket: Version) -> Option<(Want, Version)> {
        let slot = self.slots.get_mut(key)?;
        match slot.phase {
            Phase::Waiting(valid) if valid == ticket => {}
            _ => return None,
        }
        let Some(want) = slot.want.clone() else {
            self.slots.remove(key);
            return None;
        };
        slot.phase = Phase::Running;
        Some((want, slot.version))
    }

    /// What was begun has ended.
    pub(super) fn ended(
        &mut self,
        key: &Key,
        version: Version,
        result: Result<(), FsError>,
    ) -> Next {
        let ticket = self.next();
        let Some(slot) = self.slots.get_mut(key) else {
            return Next::Rest;
        };
        if slot.version != version && slot.want.is_some() {
            if result.is_ok() {
                slot.shadow = None;
            }
            slot.phase = Phase::Waiting(ticket);
            return Next::Begin(ticket);
        }
        match result {
            Err(error) if slot.want.is_some() => slot.phase = Phase::Failed(error),
            _ => drop(self.slots.remove(key)),
        }
        Next::Rest
    }

    /// Takes the key for an operation that does requests about it by itself, with what is wanted of
    /// it; false while somebody else has it.
    pub(super) fn hold(&mut self, key: &Key) -> bool {
        let version = self.next();
        let slot = self.slot(key, version);
        let is_free = matches!(slot.phase, Phase::Waiting(_) | Phase::Failed(_));
        if is_free {
            slot.phase = Phase::Held;
        }
        is_free
    }

    /// The operation that held the key has ended. Returns a ticket if something is to be done.
    pub(super) fn let_go(&mut self, key: &Key) -> Option<Version> {
        let version = self.next();
        let slot = self.slots.get_mut(key)?;
        if slot.want.is_none() {
            self.slots.remove(key);
            return None;
        }
        slot.phase = Phase::Waiting(version);
        Some(version)
    }

    /// What is wanted of the key.
    pub(super) fn wanted(&self, key: &Key) -> Option<&Want> {
        self.slots.get(key)?.want.as_ref()
    }

    /// What was wanted of the key is not wanted any more: the file has gone elsewhere. What the
    /// bucket may have under the key, though it was deleted, is still to be deleted. Returns what was
    /// wanted, and a ticket if somebody must begin.
    pub(super) fn take(&mut self, key: &Key) -> (Option<Want>, Option<Version>) {
        let version = self.next();
        let Some(slot) = self.slots.get_mut(key) else {
            return (None, None);
        };
        if matches!(slot.want, Some(Want::Absent(..))) {
            return (None, None);
        }
        let taken = slot.want.take();
        slot.version = version;
        if let Some((dir, name)) = slot.shadow.take() {
            slot.want = Some(Want::Absent(dir, name));
        }
        let has_more = slot.want.is_some();
        match slot.phase {
            Phase::Waiting(_) | Phase::Failed(_) if has_more => {
                slot.phase = Phase::Waiting(version);
                (taken, Some(version))
            }
            Phase::Waiting(_) | Phase::Failed(_) => {
                self.slots.remove(key);
                (taken, None)
            }
            Phase::Running | Phase::Held => (taken, None),
        }
    }

    /// Nothing is wanted of the key any more.
    pub(super) fn forget(&mut self, key: &Key) {
        let version = self.next();
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        slot.want = None;
        slot.shadow = None;
        slot.version = version;
        if matches!(slot.phase, Phase::Waiting(_) | Phase::Failed(_)) {
            self.slots.remove(key);
        }
    }

    /// Whether a request about the key may be on its way, or the bucket may have what was deleted.
    pub(super) fn may_exist(&self, key: &Key) -> bool {
        self.slots.get(key).is_some_and(|slot| {
            slot.shadow.is_some()
                || matches!(slot.phase, Phase::Running)
                || matches!(slot.want, Some(Want::Absent(..)))
        })
    }

    /// How it is about the key.
    pub(super) fn state(&self, key: &Key) -> State {
        match self.slots.get(key).map(|slot| &slot.phase) {
            None => State::Settled,
            Some(Phase::Failed(error)) => State::Failed(error.clone()),
            Some(_) => State::Busy,
        }
    }

    /// The keys with something to be done that begin so.
    pub(super) fn below(&self, prefix: &str) -> Vec<Key> {
        let keys = self.slots.keys();
        keys.filter(|key| key.as_str().starts_with(prefix))
            .cloned()
            .collect()
    }

    /// How many keys have something to be done that has not failed.
    pub(super) fn busy(&self) -> usize {
        let slots = self.slots.values();
        slots
            .filter(|slot| !matches!(slot.phase, Phase::Failed(_)))
            .count()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::new("d/f")
    }

    fn absent() -> Want {
        Want::Absent(Ino::ROOT, EntryName::from_component("f").unwrap())
    }

    const FILE: Want = Want::File(Ino(7));

    #[test]
    fn what_is_wanted_later_takes_the_place_of_what_has_not_begun() {
        let mut slots = Slots::default();
        let ticket = slots.want(&key(), FILE).unwrap();
        assert_eq!(slots.want(&key(), absent()), None, "one begins");
        let (want, version) = slots.begin(&key(), ticket).unwrap();
        assert_eq!(want, absent());
        assert_eq!(slots.begin(&key(), ticket), None, "once");
        assert_eq!(slots.ended(&key(), version, Ok(())), Next::Rest);
        assert!(matches!(slots.state(&key()), State::Settled));
    }

    #[test]
    fn what_is_wanted_while_a_request_is_on_its_way_comes_after_it() {
        let mut slots = Slots::default();
        let ticket = slots.want(&key(), FILE).unwrap();
        let (_, version) = slots.begin(&key(), ticket).unwrap();
        assert!(slots.may_exist(&key()));
        assert_eq!(slots.want(&key(), absent()), None);
        let Next::Begin(ticket) = slots.ended(&key(), version, Ok(())) else {
            panic!("the deletion is to be done");
        };
        assert_eq!(slots.begin(&key(), ticket).unwrap().0, absent());
    }

    #[test]
    fn a_file_that_goes_elsewhere_leaves_the_deletion_that_it_had_covered() {
        let mut slots = Slots::default();
        slots.want(&key(), absent()).unwrap();
        slots.want(&key(), FILE);
        assert!(slots.may_exist(&key()));
        let (taken, ticket) = slots.take(&key());
        assert_eq!(taken, Some(FILE));
        assert_eq!(slots.begin(&key(), ticket.unwrap()).unwrap().0, absent());
        assert_eq!(slots.take(&key()), (None, None), "a deletion stays");
        slots.want(&Key::new("new"), FILE);
        assert_eq!(slots.take(&Key::new("new")), (Some(FILE), None));
        assert!(matches!(slots.state(&Key::new("new")), State::Settled));
    }

    #[test]
    fn what_failed_is_wanted_still() {
        let mut slots = Slots::default();
        let ticket = slots.want(&key(), FILE).unwrap();
        let (_, version) = slots.begin(&key(), ticket).unwrap();
        slots.ended(&key(), version, Err(FsError::BadHandle));
        assert!(matches!(slots.state(&key()), State::Failed(_)));
        let ticket = slots.again(&key()).unwrap();
        assert_eq!(slots.begin(&key(), ticket).unwrap().0, FILE);
    }

    #[test]
    fn a_held_key_waits_for_whoever_holds_it() {
        let mut slots = Slots::default();
        let void = slots.want(&key(), FILE).unwrap();
        assert!(slots.hold(&key()));
        assert!(!slots.hold(&key()));
        assert_eq!(slots.begin(&key(), void), None);
        let ticket = slots.let_go(&key()).unwrap();
        assert_eq!(slots.begin(&key(), ticket).unwrap().0, FILE);
        assert!(slots.hold(&Key::new("other")));
        assert_eq!(slots.let_go(&Key::new("other")), None);
    }

    #[test]
    fn what_is_kept_with_a_file_goes_with_its_bytes() {
        let mut slots = Slots::default();
        let ticket = slots.want(&key(), FILE).unwrap();
        slots.want(&key(), Want::Headers(Ino(7)));
        assert_eq!(slots.begin(&key(), ticket).unwrap().0, FILE);
    }
}
