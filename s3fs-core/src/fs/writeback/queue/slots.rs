//! Desired state of each key and the state of its request: pure decisions, without I/O.
//!
//! Each queued key has a slot. At most one request about a key is under way, so requests take
//! effect in the order in which programs asked. A newer desired state replaces one whose request
//! has not started. So a file that is written, renamed and written again is stored once. A file
//! that is deleted before it was stored costs no request.

use std::collections::HashMap;

use crate::fs::FsError;
use crate::fs::writeback::queue::desired::{DesiredState, Flushed};
use crate::fs::writeback::queue::interruptions::Interruptions;
use crate::object::{EntryName, Key};
use crate::tree::Ino;
use crate::write::FlushNeed;

/// Number of a wish; a later one has a larger number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u64);

/// State of the request about a key.
#[derive(Debug)]
enum Phase {
    /// Queued: a task will [`begin`](Slots::begin) with this ticket.
    Waiting(Version),
    /// A request is under way.
    Running,
    /// An operation makes requests about the key itself. Has the ticket of the task that waits to
    /// begin.
    Held(Option<Version>),
    /// The last attempt failed; the state is still desired.
    Failed(FsError),
}

#[derive(Debug)]
struct Slot {
    want: Option<DesiredState>,
    /// Number of the wish `want`.
    version: Version,
    phase: Phase,
    /// Folder and name of a deleted object that the bucket may still have, though something else is
    /// wanted now.
    shadow: Option<(Ino, EntryName)>,
    /// Last answered wish, and the answer of its request.
    answered: (Version, Result<(), FsError>),
    /// True if an operation waits, or has waited, for the key.
    is_awaited: bool,
    /// True if the task that waits to begin does so without a delay.
    is_prompt: bool,
}

/// Slots of one mount.
#[derive(Debug, Default)]
pub(super) struct Slots {
    by_key: HashMap<Key, Slot>,
    interruptions: Interruptions,
    last: u64,
}

/// Next step after the end of a request or a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotStep {
    /// Begin with this ticket: the desired state has changed.
    Begin(Version),
    /// Begin with this ticket after a delay.
    Later(Version),
    /// Do nothing for now.
    Rest,
}

/// Wish that a caller waits for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) key: Key,
    version: Version,
}

impl Slot {
    /// Queues the slot with a new ticket, for a task that begins at once if it is prompt.
    fn wait(&mut self, ticket: Version, is_prompt: bool) -> SlotStep {
        self.phase = Phase::Waiting(ticket);
        self.is_prompt = is_prompt;
        if is_prompt {
            SlotStep::Begin(ticket)
        } else {
            SlotStep::Later(ticket)
        }
    }
}

impl Slots {
    fn next(&mut self) -> Version {
        self.last += 1;
        Version(self.last)
    }

    /// Returns the key's slot. Makes a new one, at rest, if the key is not queued.
    fn slot(&mut self, key: &Key, version: Version) -> &mut Slot {
        self.by_key.entry(key.clone()).or_insert_with(|| Slot {
            want: None,
            version,
            phase: Phase::Failed(FsError::NotFound),
            shadow: None,
            answered: (Version(version.0.saturating_sub(1)), Ok(())),
            is_awaited: false,
            is_prompt: false,
        })
    }

    /// Sets a new desired state of the key. Returns a ticket if a task must begin.
    pub(super) fn want(&mut self, key: &Key, want: DesiredState) -> Option<Version> {
        let version = self.next();
        let slot = self.slot(key, version);
        if want.stores()
            && let Some(DesiredState::Absent(dir, name)) = slot.want.take()
        {
            slot.shadow = Some((dir, name));
        }
        // Storing a file's bytes stores its headers too.
        let is_part = matches!((&slot.want, &want), (Some(DesiredState::File(of)), DesiredState::Headers(ino)) if of == ino);
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

    /// Returns the latest wish about a key. If it waits or has failed, returns a new ticket too;
    /// the previous ticket is void.
    pub(super) fn again(&mut self, key: &Key) -> Option<(Wish, Option<Version>)> {
        let version = self.next();
        let slot = self.by_key.get_mut(key)?;
        slot.is_awaited = true;
        let ticket = match slot.phase {
            Phase::Waiting(_) => Some(version),
            Phase::Failed(_) => {
                // The failure is the answer to the previous wish.
                slot.version = version;
                Some(version)
            }
            Phase::Running | Phase::Held(_) => None,
        };
        if let Some(ticket) = ticket {
            slot.phase = Phase::Waiting(ticket);
            slot.is_prompt = true;
        }
        let wish = Wish {
            key: key.clone(),
            version: slot.version,
        };
        Some((wish, ticket))
    }

    /// Returns the latest wish about each key, except failed ones.
    pub(super) fn under_way(&mut self) -> Vec<Wish> {
        let slots = self.by_key.iter_mut();
        let busy = slots.filter(|(_, slot)| !matches!(slot.phase, Phase::Failed(_)));
        let wishes = busy.map(|(key, slot)| {
            slot.is_awaited = true;
            Wish {
                key: key.clone(),
                version: slot.version,
            }
        });
        wishes.collect()
    }

    /// Returns the need of the request about the key.
    pub(super) fn need(&self, key: &Key) -> FlushNeed {
        match self.by_key.get(key) {
            Some(slot) if slot.is_awaited => FlushNeed::Urgent,
            Some(slot) if matches!(slot.phase, Phase::Running) => {
                if self.interruptions.is_due(key) {
                    FlushNeed::Due
                } else {
                    FlushNeed::Background
                }
            }
            _ => FlushNeed::Due,
        }
    }

    /// Returns whether a task with this ticket is still needed.
    pub(super) fn is_valid(&self, key: &Key, ticket: Version) -> bool {
        self.by_key.get(key).is_some_and(|slot| match slot.phase {
            Phase::Waiting(valid) | Phase::Held(Some(valid)) => valid == ticket,
            Phase::Running | Phase::Held(None) | Phase::Failed(_) => false,
        })
    }

    /// Returns whether a task with this ticket may wait longer: no operation waits for the key.
    pub(super) fn may_put_off(&self, key: &Key, ticket: Version) -> bool {
        self.is_valid(key, ticket) && self.by_key.get(key).is_some_and(|slot| !slot.is_awaited)
    }

    /// Begins the request of a ticket. Returns its desired state and number, unless the ticket is
    /// void, the key is held, or nothing is desired.
    pub(super) fn begin(&mut self, key: &Key, ticket: Version) -> Option<(DesiredState, Version)> {
        let slot = self.by_key.get_mut(key)?;
        match slot.phase {
            Phase::Waiting(valid) if valid == ticket => {}
            Phase::Held(Some(valid)) if valid == ticket => {
                slot.phase = Phase::Held(None);
                return None;
            }
            _ => return None,
        }
        let Some(want) = slot.want.clone() else {
            self.by_key.remove(key);
            return None;
        };
        slot.phase = Phase::Running;
        slot.is_prompt = false;
        Some((want, slot.version))
    }

    /// Records the result of a request. Returns the next step.
    pub(super) fn ended(
        &mut self,
        key: &Key,
        version: Version,
        result: Result<Flushed, FsError>,
    ) -> SlotStep {
        let ticket = self.next();
        match result {
            Ok(Flushed::Interrupted) => self.interruptions.add(key),
            Ok(Flushed::Stored) => self.interruptions.stored(key),
            _ => {}
        }
        let Some(slot) = self.by_key.get_mut(key) else {
            return SlotStep::Rest;
        };
        if matches!(result, Ok(Flushed::Interrupted)) && slot.want.is_some() {
            // An operation may have begun to wait since.
            return slot.wait(ticket, slot.is_awaited);
        }
        if matches!(result, Ok(Flushed::Stored | Flushed::Done)) {
            slot.shadow = None;
        }
        if slot.version != version && slot.want.is_some() {
            match result {
                Ok(Flushed::Stored | Flushed::Done | Flushed::Nameless) => {
                    slot.answered = (version, Ok(()));
                }
                Ok(Flushed::PassedOn | Flushed::Interrupted) => {}
                Err(error) => slot.answered = (version, Err(error)),
            }
            return slot.wait(ticket, true);
        }
        if matches!(result, Ok(Flushed::Nameless))
            && let Some((dir, name)) = slot.shadow.take()
        {
            // Nothing has replaced the object that was deleted before.
            slot.want = Some(DesiredState::Absent(dir, name));
            return slot.wait(ticket, true);
        }
        match result {
            Err(error) if slot.want.is_some() => slot.phase = Phase::Failed(error),
            _ => drop(self.by_key.remove(key)),
        }
        SlotStep::Rest
    }

    /// Holds the key and its desired state for an operation that makes requests about it itself.
    /// Returns false while a request is under way or the key is held.
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

    /// Releases a held key. A task that waited before keeps its ticket: otherwise a key that is often
    /// held would have no turn. But if an operation waits for the key, a task begins at once.
    pub(super) fn let_go(&mut self, key: &Key) -> SlotStep {
        let version = self.next();
        let Some(slot) = self.by_key.get_mut(key) else {
            return SlotStep::Rest;
        };
        if slot.want.is_none() {
            self.by_key.remove(key);
            return SlotStep::Rest;
        }
        if let Phase::Held(Some(queued)) = slot.phase
            && (slot.is_prompt || !slot.is_awaited)
        {
            slot.phase = Phase::Waiting(queued);
            return SlotStep::Rest;
        }
        slot.wait(version, slot.is_awaited)
    }

    /// Returns the desired state of the key.
    pub(super) fn wanted(&self, key: &Key) -> Option<&DesiredState> {
        self.by_key.get(key)?.want.as_ref()
    }

    /// Takes the desired state of a key whose file has moved. A deletion that was requested before
    /// remains. Returns the state, and a ticket if a task must begin.
    pub(super) fn take(&mut self, key: &Key) -> (Option<DesiredState>, Option<Version>) {
        let version = self.next();
        let Some(slot) = self.by_key.get_mut(key) else {
            return (None, None);
        };
        if matches!(slot.want, Some(DesiredState::Absent(..))) {
            return (None, None);
        }
        let taken = slot.want.take();
        slot.version = version;
        if let Some((dir, name)) = slot.shadow.take() {
            slot.want = Some(DesiredState::Absent(dir, name));
        }
        let has_more = slot.want.is_some();
        match slot.phase {
            Phase::Waiting(_) | Phase::Failed(_) if has_more => {
                slot.phase = Phase::Waiting(version);
                (taken, Some(version))
            }
            Phase::Waiting(_) | Phase::Failed(_) => {
                self.by_key.remove(key);
                (taken, None)
            }
            Phase::Running | Phase::Held(_) => (taken, None),
        }
    }

    /// Drops the desired state of the key and any deletion.
    pub(super) fn forget(&mut self, key: &Key) {
        let version = self.next();
        let Some(slot) = self.by_key.get_mut(key) else {
            return;
        };
        slot.want = None;
        slot.shadow = None;
        slot.version = version;
        if matches!(slot.phase, Phase::Waiting(_) | Phase::Failed(_)) {
            self.by_key.remove(key);
        }
    }

    /// Returns whether a request about the key may be under way, or a deleted object may still
    /// exist.
    pub(super) fn may_exist(&self, key: &Key) -> bool {
        self.by_key.get(key).is_some_and(|slot| {
            slot.shadow.is_some()
                || matches!(slot.phase, Phase::Running)
                || matches!(slot.want, Some(DesiredState::Absent(..)))
        })
    }

    /// Returns the answer to a wish or to a later one of its key, or `None` while there is none. A
    /// series of wishes without a pause delays no answer.
    pub(super) fn answer(&self, wish: &Wish) -> Option<Result<(), FsError>> {
        let Some(slot) = self.by_key.get(&wish.key) else {
            return Some(Ok(()));
        };
        let (answered, answer) = &slot.answered;
        match &slot.phase {
            _ if wish.version <= *answered => Some(answer.clone()),
            Phase::Failed(error) => Some(Err(error.clone())),
            Phase::Waiting(_) | Phase::Running | Phase::Held(_) => None,
        }
    }

    /// Returns the queued keys with this prefix.
    pub(super) fn below(&self, prefix: &str) -> Vec<Key> {
        let keys = self.by_key.keys();
        keys.filter(|key| key.as_str().starts_with(prefix))
            .cloned()
            .collect()
    }

    /// Returns the number of queued keys whose last request has not failed.
    pub(super) fn busy(&self) -> usize {
        let slots = self.by_key.values();
        slots
            .filter(|slot| !matches!(slot.phase, Phase::Failed(_)))
            .count()
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
