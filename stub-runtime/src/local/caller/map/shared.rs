//! State that the slots of a map and its consumer share.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use s3fs_core::NotStored;

use crate::call::{Attempt, Error, ErrorKind};
use crate::codec::Payload;
use crate::local::caller::cancel::Canceller;
use crate::local::caller::launch::Takers;
use crate::local::caller::prepare::Plan;
use crate::observe::report::SandboxId;
use crate::observe::watch::Attempted;

use super::event;
use super::queue::{Queue, QueuedInput, SlotAction};

/// State that the slots of a map share.
#[derive(Debug)]
pub(super) struct SharedMap {
    pub(super) plan: Plan,
    pub(super) canceller: Canceller,
    pub(super) takers: Takers,
    state: Mutex<MapState>,
    changed: Condvar,
}

#[derive(Debug)]
struct MapState {
    queue: Queue,
    /// Number of slots that have begun and not given up.
    slots: usize,
    /// Number of slots that wait for an input.
    idle: usize,
    /// Error of the sandbox, if it would be the same for every other input.
    broken: Option<Error>,
    /// Objects that were written but not stored, while no input was being run.
    left: Vec<NotStored>,
    done: Sender<MapMessage>,
}

/// Place and time of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The sandbox, if it had one and there is a record.
    pub(super) sandbox: Option<SandboxId>,
    pub(super) began: Instant,
}

/// Message to the consumer.
#[derive(Debug)]
pub(crate) enum MapMessage {
    Done(Done),
    /// Value of an input that returns several.
    Emitted(Payload),
    /// Next input, or the error of its iterator.
    Input(io::Result<Payload>),
    /// The iterator has ended.
    NoMore,
    /// The map was ended from outside.
    Ended,
    /// No more messages follow.
    Over,
    /// The part of this name has panicked: its results will never come.
    Unwatched(&'static str),
}

/// An input that will not be tried again.
#[derive(Debug)]
pub(crate) struct Done {
    pub(super) index: u64,
    pub(super) result: Result<Payload, Error>,
    /// Size of the input in bytes.
    pub(super) bytes: u64,
    /// True if the input took a descriptor.
    pub(super) has_descriptor: bool,
}

/// Converts the end of an input that is not held here: it counts neither bytes nor descriptors.
impl From<event::Done> for Done {
    fn from(done: event::Done) -> Self {
        Self {
            index: done.index,
            result: done.result,
            bytes: 0,
            has_descriptor: false,
        }
    }
}

impl From<Done> for event::Done {
    fn from(done: Done) -> Self {
        Self {
            index: done.index,
            result: done.result,
        }
    }
}

impl SharedMap {
    pub(super) fn new(plan: Plan, takers: Takers, done: Sender<MapMessage>) -> Self {
        let state = MapState {
            queue: Queue::default(),
            slots: 0,
            idle: 0,
            broken: None,
            left: Vec::new(),
            done,
        };
        Self {
            plan,
            canceller: Canceller::default(),
            takers,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Adds an input. Returns whether a slot waits for it.
    pub(super) fn push(&self, index: u64, payload: Payload) -> bool {
        let mut state = self.lock();
        let is_awaited = state.idle > state.queue.ready();
        state.queue.push(QueuedInput {
            index,
            payload,
            attempt: 1,
        });
        drop(state);
        self.changed.notify_one();
        is_awaited
    }

    /// Closes the map to further inputs.
    pub(super) fn close(&self) {
        self.lock().queue.close();
        self.changed.notify_all();
    }

    /// Ends everything: with a grace period, so that what has been written is stored, or at once without one.
    pub(super) fn end(&self, grace: Option<Duration>) {
        match grace {
            Some(grace) => self.canceller.cancel(grace),
            None => self.canceller.abandon(),
        }
        self.tell_of_end();
    }

    /// Ends everything at once, and names the objects that are not stored.
    pub(super) fn end_now(&self) {
        self.canceller.end_now();
        self.tell_of_end();
    }

    fn tell_of_end(&self) {
        // Nobody is between having looked and waiting. The consumer may wait for an input.
        let _ = self.lock().done.send(MapMessage::Ended);
        self.changed.notify_all();
    }

    /// Returns a sender of messages to the consumer.
    pub(super) fn teller(&self) -> Sender<MapMessage> {
        self.lock().done.clone()
    }

    /// Returns the next input, if there is one now.
    pub(super) fn try_take(&self) -> Option<QueuedInput> {
        match self.lock().next(self) {
            SlotAction::Run(task) => Some(task),
            _ => None,
        }
    }

    /// Waits for the next input; returns nothing if there are no more.
    pub(super) fn take(&self) -> Option<QueuedInput> {
        self.take_in(self.lock()).1
    }

    /// Waits for the next input like [`take`](Self::take). If there are no more, the slot leaves,
    /// and no longer counts for inputs that come later.
    pub(super) fn take_or_leave(&self) -> Option<QueuedInput> {
        let (mut state, task) = self.take_in(self.lock());
        state.slots -= usize::from(task.is_none());
        task
    }

    fn take_in<'a>(
        &'a self,
        mut state: MutexGuard<'a, MapState>,
    ) -> (MutexGuard<'a, MapState>, Option<QueuedInput>) {
        loop {
            let until = match state.next(self) {
                SlotAction::Run(task) => return (state, Some(task)),
                SlotAction::End => return (state, None),
                SlotAction::Wait => None,
                SlotAction::WaitUntil(at) => Some(at),
            };
            state.idle += 1;
            state = match until {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    let woken = self.changed.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.idle -= 1;
        }
    }

    /// Puts back an input that was taken and not begun.
    pub(super) fn put_back(&self, task: QueuedInput) {
        self.lock().queue.put_back(task);
        self.changed.notify_one();
    }

    /// Registers one more slot.
    pub(super) fn join(&self) {
        self.lock().slots += 1;
    }

    /// Removes a slot that can't begin. Returns whether there are others.
    pub(super) fn leave(&self) -> bool {
        let mut state = self.lock();
        state.slots -= 1;
        state.slots > 0
    }

    /// Removes a slot that has no sandbox, if it `may` leave and others can run its input. Returns the input
    /// otherwise.
    pub(super) fn leave_to_others(&self, task: QueuedInput, may: bool) -> Option<QueuedInput> {
        let mut state = self.lock();
        if !may || state.slots < 2 {
            return Some(task);
        }
        state.slots -= 1;
        state.queue.put_back(task);
        drop(state);
        self.changed.notify_one();
        None
    }

    /// Reports to the consumer that a slot has panicked.
    pub(super) fn unwatched(&self) {
        // Nobody listens to a map that was dropped.
        let _ = self
            .lock()
            .done
            .send(MapMessage::Unwatched("a thread that ran its inputs"));
    }

    /// Records an input that was not run, and will not be.
    pub(super) fn not_run(&self, input: u64, number: u32, error: &Error) {
        let attempted = Attempted::not_run(Some(input), number, error);
        self.takers.watch.attempted(attempted);
    }

    /// Records the end of an attempt: the input is tried again, or done.
    pub(super) fn ended(&self, mut task: QueuedInput, run: &Run, result: Result<Payload, Error>) {
        let result = result.map_err(|error| error.in_attempt(&self.attempt(&task)));
        let error = result.as_ref().err();
        let delay = error.and_then(|error| self.delay(&task, error));
        let again = delay.and_then(|delay| Instant::now().checked_add(delay));
        self.takers.watch.attempted(Attempted {
            input: Some(task.index),
            number: task.attempt,
            sandbox: run.sandbox,
            began: run.began,
            ended: Instant::now(),
            error,
            is_retried: again.is_some(),
            is_abandoned: self.canceller.is_abandoned(),
        });
        if let (Some(error), Some(at)) = (error, again) {
            tracing::info!(%error, ?delay, "attempt failed: retrying");
            task.attempt += 1;
            self.lock().queue.try_again(task, at);
            // Waiting slots must take the time of the retry into account.
            self.changed.notify_all();
            return;
        }
        self.lock().done(&task, result);
    }

    fn delay(&self, task: &QueuedInput, error: &Error) -> Option<Duration> {
        if !error.is_worth_retrying() || self.canceller.is_cancelled() {
            return None;
        }
        let tries = usize::try_from(task.attempt).unwrap_or(usize::MAX);
        self.plan.options.retries.delays().nth(tries - 1)
    }

    /// Records that no sandbox can be started, for this or any other input.
    pub(super) fn broken(&self, error: Error) {
        self.lock().broken.get_or_insert(error);
        self.changed.notify_all();
    }

    /// Records objects that could not be stored, and were written while no input was being run.
    pub(super) fn left(&self, objects: Vec<NotStored>) {
        self.lock().left.extend(objects);
    }

    /// Returns the error about those objects, after all slots have ended.
    pub(super) fn take_left(&self) -> Option<Error> {
        let objects = std::mem::take(&mut self.lock().left);
        let attempt = self.first_attempt();
        (!objects.is_empty()).then_some(Error::new(
            attempt,
            ErrorKind::NotStored {
                objects,
                cause: None,
            },
        ))
    }

    /// Returns the reason why inputs were not run, if there is one.
    pub(super) fn why(&self) -> Option<Error> {
        let broken = self.lock().broken.clone();
        let cancelled = || Error::new(self.first_attempt(), ErrorKind::Cancelled);
        broken.or_else(|| self.canceller.is_cancelled().then(cancelled))
    }

    /// Returns the first attempt of the call, without an input.
    pub(super) fn first_attempt(&self) -> Attempt {
        Attempt::first(Arc::clone(self.takers.watch.label()))
    }

    /// Returns the current attempt of an input.
    pub(super) fn attempt(&self, task: &QueuedInput) -> Attempt {
        let mut attempt = self.first_attempt();
        attempt.input = Some(task.index);
        attempt.number = task.attempt;
        attempt
    }

    fn lock(&self) -> MutexGuard<'_, MapState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MapState {
    fn next(&mut self, shared: &SharedMap) -> SlotAction {
        if self.broken.is_some() || shared.canceller.is_cancelled() {
            self.give_up(shared);
        }
        self.queue.next(Instant::now())
    }

    /// Ends all waiting inputs without running them.
    fn give_up(&mut self, shared: &SharedMap) {
        let waiting: Vec<QueuedInput> = self.queue.drain().collect();
        for task in waiting {
            let attempt = shared.attempt(&task);
            let error = match &self.broken {
                Some(error) => error.clone().in_attempt(&attempt),
                None => Error::new(attempt, ErrorKind::Cancelled),
            };
            if self.broken.is_some() {
                shared.not_run(task.index, task.attempt, &error);
            }
            self.done(&task, Err(error));
        }
    }

    fn done(&self, task: &QueuedInput, result: Result<Payload, Error>) {
        let done = Done {
            index: task.index,
            result,
            bytes: task.payload.length(),
            has_descriptor: task.payload.has_descriptor(),
        };
        // Nobody listens to a map that was dropped.
        let _ = self.done.send(MapMessage::Done(done));
    }
}
