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
    /// An operation does requests about the key by itself. With the ticket of whoever waits to begin.
    Held(Option<Version>),
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
    /// Last wish that has an answer, and the answer: of the request that was to fulfil it.
    answered: (Version, Result<(), FsError>),
}

/// The slots of one mount.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: HashMap<Key, Slot>,
    last: u64,
}

/// Result of a request that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Fulfilled {
    /// The wish is fulfilled.
    Done,
    /// A later wish asks for the same.
    PassedOn,
}

/// What follows from a request's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Something else is wanted by now: begin with this ticket.
    Begin(Version),
    /// Nothing, for now.
    Rest,
}

/// A wish that somebody waits for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) key: Key,
    version: Version,
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
            answered: (Version(version.0.saturating_sub(1)), Ok(())),
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
            Phase::Waiting(_) | Phase::Running | Phase::Held(_) => None,
        }
    }

    /// The latest wish about a key, and a new ticket for what waits or failed; the one before is void.
    pub(super) fn again(&mut self, key: &Key) -> Option<(Wish, Option<Version>)> {
        let version = self.next();
        let slot = self.slots.get_mut(key)?;
        let ticket = match slot.phase {
            Phase::Waiting(_) => Some(version),
            Phase::Failed(_) => {
                // What failed is the answer to the wish before.
                slot.version = version;
                Some(version)
            }
            Phase::Running | Phase::Held(_) => None,
        };
        if let Some(ticket) = ticket {
            slot.phase = Phase::Waiting(ticket);
        }
        let wish = Wish {
            key: key.clone(),
            version: slot.version,
        };
        Some((wish, ticket))
    }

    /// The latest wish about each key, but for those that have failed.
    pub(super) fn under_way(&self) -> Vec<Wish> {
        let slots = self.slots.iter();
        let busy = slots.filter(|(_, slot)| !matches!(slot.phase, Phase::Failed(_)));
        let wishes = busy.map(|(key, slot)| Wish {
            key: key.clone(),
            version: slot.version,
        });
        wishes.collect()
    }

    /// What to do, for the holder of a ticket that is not void.
    pub(super) fn begin(&mut self, key: &Key, ticket: Version) -> Option<(Want, Version)> {
        let slot = self.slots.get_mut(key)?;
        match slot.phase {
            Phase::Waiting(valid) if valid == ticket => {}
            Phase::Held(Some(valid)) if valid == ticket => {
                slot.phase = Phase::Held(None);
                return None;
            }
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
        result: Result<Fulfilled, FsError>,
    ) -> Next {
        let ticket = self.next();
        let Some(slot) = self.slots.get_mut(key) else {
            return Next::Rest;
        };
        if slot.version != version && slot.want.is_some() {
            if result.is_ok() {
                slot.shadow = None;
            }
            match result {
                Ok(Fulfilled::PassedOn) => {}
                Ok(Fulfilled::Done) => slot.answered = (version, Ok(())),
                Err(error) => slot.answered = (version, Err(error)),
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
        let queued = match slot.phase {
            Phase::Waiting(ticket) => Some(ticket),
            Phase::Failed(_) => None,
            Phase::Running | Phase::Held(_) => return false,
        };
        slot.phase = Phase::Held(queued);
        true
    }

    /// The operation that held the key has ended. Returns a ticket if somebody must begin: nobody who waited
    /// before has to wait anew, or a key that is held again and again would have no turn.
    pub(super) fn let_go(&mut self, key: &Key) -> Option<Version> {
        let version = self.next();
        let slot = self.slots.get_mut(key)?;
        if slot.want.is_none() {
            self.slots.remove(key);
            return None;
        }
        let queued = match slot.phase {
            Phase::Held(queued) => queued,
            _ => None,
        };
        slot.phase = Phase::Waiting(queued.unwrap_or(version));
        queued.is_none().then_some(version)
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
            Phase::Running | Phase::Held(_) => (taken, None),
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

    /// The answer to a wish, or to a later one of its key; nothing while it has none. Wishes that follow
    /// without a pause put no answer off.
    pub(super) fn answer(&self, wish: &Wish) -> Option<Result<(), FsError>> {
        let Some(slot) = self.slots.get(&wish.key) else {
            return Some(Ok(()));
        };
        let (answered, answer) = &slot.answered;
        match &slot.phase {
            _ if wish.version <= *answered => Some(answer.clone()),
            Phase::Failed(error) => Some(Err(error.clone())),
            Phase::Waiting(_) | Phase::Running | Phase::Held(_) => None,
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
#[path = "slots_tests.rs"]
mod tests;
