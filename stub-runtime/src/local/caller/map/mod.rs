//! Map of a function over many inputs: sandboxes stay, and their workers run one input after another.
//!
//! `queue`, `depth` and `unconfirmed` decide, without I/O; a `slot` is a thread with one sandbox at
//! a time; a `feeder` takes inputs from an iterator that may wait. `shared` has the state that all of
//! them share with the consumer, which is in this module.

mod depth;
mod event;
mod feeder;
mod queue;
mod shared;
mod slot;
mod unconfirmed;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle, available_parallelism};
use std::time::Duration;

use s3fs_core::memory_of_each;

use crate::call::{Attempt, Error};
use crate::codec::Payload;
use crate::observe::logs::{Plain, Prefixed};
use crate::observe::watch::{Watch, are_shown};

use super::launch::Takers;
use super::prepare::Plan;
use crate::observe::output::Sink;
pub(crate) use event::{Done, MapEvent};
pub(crate) use feeder::Feeder;
pub(crate) use shared::MapMessage;
use shared::SharedMap;

/// Number of inputs per sandbox that may be taken from the iterator before their values are read.
const AHEAD: usize = 64;

/// Upper limit for all sandboxes together, as each input may take a descriptor.
const MOST_AHEAD: usize = 256;

/// Maximum number of inputs taken ahead that do take a descriptor.
const FILES_AHEAD: usize = 64;

/// Maximum size, in bytes, of all inputs taken ahead, unless a sandbox would be idle.
const AHEAD_BYTES: u64 = 256 << 20;

/// A function that is being mapped over inputs.
#[derive(Debug)]
pub(crate) struct Mapped {
    shared: Arc<SharedMap>,
    done: Receiver<MapMessage>,
    slots: Vec<JoinHandle<()>>,
    /// Maximum number of sandboxes at once.
    most: usize,
    /// The next input's number.
    next: u64,
    /// Number of inputs given whose results were not taken yet.
    outstanding: usize,
    bytes: u64,
    /// Inputs among them that take a descriptor.
    files: usize,
    /// Name of the part that has panicked, whose results will never come.
    unwatched: Option<&'static str>,
}

/// Handle that ends a map from another thread.
#[derive(Clone, Debug)]
pub(crate) struct Ender(Arc<SharedMap>);

impl Ender {
    /// Ends the map; stores what has been written.
    pub(crate) fn cancel(&self, grace: Duration) {
        self.0.end(Some(grace));
    }

    /// Ends the map at once.
    pub(crate) fn abandon(&self) {
        self.0.end(None);
    }

    /// Ends the map at once, and names the objects that are not stored.
    pub(crate) fn end_now(&self) {
        self.0.end_now();
    }
}

impl Mapped {
    /// Creates a map. Nothing is started before the first input.
    pub(crate) fn new(plan: Plan, watch: Arc<Watch>) -> Self {
        let most = plan.options.max_containers;
        let most = most.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
        let sink: Option<Arc<dyn Sink>> = match most {
            1 if are_shown() => Some(Arc::new(Plain)),
            1 => None,
            // Prefixes distinguish the lines of concurrent workers.
            _ => Some(Arc::new(Prefixed)),
        };
        Self::with(plan, watch, most, sink)
    }

    /// Creates a map with at most `most` sandboxes at once. `sink` receives the output; without it,
    /// the output goes to this program's own streams.
    pub(crate) fn with(
        mut plan: Plan,
        watch: Arc<Watch>,
        most: usize,
        sink: Option<Arc<dyn Sink>>,
    ) -> Self {
        let takers = Takers {
            sink,
            // It may have the inputs; and workers beside each other would tear it apart.
            no_stdin: true,
            ..Takers::of(watch)
        };
        plan.spec.set_default_volume_memory(memory_of_each(most));
        let (sender, done) = channel();
        Self {
            shared: Arc::new(SharedMap::new(plan, takers, sender)),
            done,
            slots: Vec::new(),
            most,
            next: 0,
            outstanding: 0,
            bytes: 0,
            files: 0,
            unwatched: None,
        }
    }

    /// Returns a sender of events to the consumer.
    pub(crate) fn teller(&self) -> Sender<MapMessage> {
        self.shared.teller()
    }

    /// Returns the handle that ends the map.
    pub(crate) fn ender(&self) -> Ender {
        Ender(Arc::clone(&self.shared))
    }

    /// Returns whether another input should be given now. `held`: number of inputs that have ended
    /// and whose results nobody has asked for yet.
    pub(crate) fn has_room(&self, held: usize) -> bool {
        let all = self.outstanding + held;
        let window = (self.most * AHEAD).min(MOST_AHEAD);
        let is_light = self.bytes < AHEAD_BYTES && self.files < FILES_AHEAD;
        all < self.most || (all < window && is_light)
    }

    /// Returns the id of the call: unique among the running calls of this machine.
    pub(crate) fn id(&self) -> &str {
        self.shared.takers.watch.id()
    }

    /// Returns whether the map was ended from outside.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.canceller.is_cancelled()
    }

    /// Returns whether all inputs given so far have ended.
    pub(crate) fn is_idle(&self) -> bool {
        self.outstanding == 0
    }

    /// Gives an input; returns its number.
    pub(crate) fn give(&mut self, payload: Payload) -> u64 {
        let index = self.next;
        self.next += 1;
        self.outstanding += 1;
        self.bytes += payload.length();
        self.files += usize::from(payload.has_descriptor());
        let is_awaited = self.shared.push(index, payload);
        if !is_awaited && self.slots.len() < self.most {
            self.start_slot();
        }
        index
    }

    /// Takes a number for an input that can't be given. Returns that number, and the error of the input.
    pub(crate) fn skip(&mut self, why: impl FnOnce(Attempt) -> Error) -> (u64, Error) {
        let (mut attempt, index) = (self.first_attempt(), self.next);
        attempt.input = Some(index);
        self.next += 1;
        let error = why(attempt);
        self.shared.not_run(index, 1, &error);
        (index, error)
    }

    /// Returns the first attempt of the call, without an input.
    pub(crate) fn first_attempt(&self) -> Attempt {
        self.shared.first_attempt()
    }

    /// Closes the map to further inputs.
    pub(crate) fn close(&self) {
        self.shared.close();
    }

    /// Waits for the next event; returns nothing if all inputs have ended and a feeder has no more.
    pub(crate) fn next(&mut self, is_fed: bool) -> Option<MapEvent> {
        if self.unwatched.is_some() || (self.is_idle() && !is_fed) {
            return None;
        }
        // This end's own sender keeps the channel open.
        match self.done.recv().ok()? {
            MapMessage::Done(done) => {
                self.outstanding -= 1;
                self.files -= usize::from(done.has_descriptor);
                self.bytes = self.bytes.saturating_sub(done.bytes);
                Some(MapEvent::Done(done.into()))
            }
            MapMessage::Emitted(value) => Some(MapEvent::Emitted(value)),
            MapMessage::Input(input) => Some(MapEvent::Input(input)),
            MapMessage::NoMore => Some(MapEvent::NoMore),
            MapMessage::Ended | MapMessage::Over => Some(MapEvent::Ended),
            MapMessage::Unwatched(who) => {
                self.unwatched = Some(who);
                self.outstanding = 0;
                None
            }
        }
    }

    /// Waits for the sandboxes to end, after all inputs have. Returns an error if a part of the map
    /// has panicked, or if objects could not be stored then.
    pub(crate) fn finish(&mut self) -> Option<Error> {
        if self.unwatched.is_some() {
            self.shared.end(None);
        }
        self.shared.close();
        self.join();
        let mut told = self.done.try_iter();
        let late = told.find_map(|told| match told {
            MapMessage::Unwatched(who) => Some(who),
            _ => None,
        });
        let error = match self.unwatched.or(late) {
            Some(who) => Some(Error::unwatched(self.first_attempt(), who)),
            None => self.shared.take_left(),
        };
        let why = error.clone().or_else(|| self.shared.why());
        self.shared.takers.watch.end(why.as_ref());
        error
    }

    fn start_slot(&mut self) {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("stub-slot".to_owned());
        self.shared.join();
        let started = thread.spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| slot::run(&shared))).is_err() {
                shared.unwatched();
            }
        });
        match started {
            Ok(slot) => self.slots.push(slot),
            // The others do it.
            Err(_) if self.shared.leave() => self.most = self.slots.len(),
            Err(error) => {
                let attempt = self.first_attempt();
                let error = Error::start(attempt, "start a thread", error);
                self.shared.broken(error);
                // Nobody else would look.
                let _ = self.shared.try_take();
            }
        }
    }

    fn join(&mut self) {
        for slot in self.slots.drain(..) {
            // One that panicked has said so.
            let _ = slot.join();
        }
    }
}

/// Drops inputs that were not run, and kills those that are running.
impl Drop for Mapped {
    fn drop(&mut self) {
        if !self.slots.is_empty() {
            if !self.is_idle() {
                self.shared.end(None);
            }
            self.shared.close();
            self.join();
        }
        // If it has not ended before.
        self.shared.takers.watch.end(self.shared.why().as_ref());
    }
}
