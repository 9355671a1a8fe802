//! Function that is being mapped over inputs.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::call::{Attempt, Error, GRACE};
use crate::cluster::{Controls, Remote};
use crate::codec::Payload;
use crate::declare::Function;
use crate::local::caller;
use crate::local::caller::{MapEvent, MapMessage, begin};
use crate::local::interrupt::Interruptible;
use crate::observe::logs::Prefixed;
use crate::observe::output::Sink;

use super::choice;

/// A function that is being mapped over inputs.
#[derive(Debug)]
pub(crate) enum Mapped {
    /// Map in sandboxes of this machine.
    Local(Box<caller::Mapped>),
    /// Map in tasks of a cluster.
    Remote(Box<Remote>),
}

/// Handle that ends a map from another thread.
#[derive(Clone, Debug)]
pub(crate) enum Ender {
    Local(caller::Ender),
    Remote(Arc<Controls>),
}

impl Ender {
    /// Ends the map; stores what has been written.
    pub(crate) fn cancel(&self, grace: Duration) {
        match self {
            Self::Local(ender) => ender.cancel(grace),
            Self::Remote(controls) => controls.cancel(grace),
        }
    }

    /// Ends the map at once.
    pub(crate) fn abandon(&self) {
        match self {
            Self::Local(ender) => ender.abandon(),
            Self::Remote(controls) => controls.abandon(),
        }
    }
}

impl Interruptible for Ender {
    fn end(&self, _signal: i32) {
        self.cancel(GRACE);
    }

    fn end_now(&self) -> bool {
        match self {
            Self::Local(ender) => {
                ender.end_now();
                true
            }
            Self::Remote(_) => false,
        }
    }
}

/// Evaluates the same expression for either variant.
macro_rules! either {
    ($mapped:expr, $one:ident => $body:expr) => {
        match $mapped {
            Mapped::Local($one) => $body,
            Mapped::Remote($one) => $body,
        }
    };
}

impl Mapped {
    /// Evaluates the function's volumes, secrets and options. Nothing is started before the first input.
    pub(crate) fn new(function: &'static Function) -> Result<Self, Error> {
        let (plan, watch) = begin(function)?;
        let engine = choice::current(|| Attempt::first(Arc::clone(watch.label())))?;
        let sink = Some(Arc::new(Prefixed) as Arc<dyn Sink>);
        let remote = Remote::begin(&engine, &plan, false, true, sink, &watch);
        Ok(match remote.inspect_err(|error| watch.refused(error))? {
            Some(remote) => Self::Remote(Box::new(remote)),
            None => Self::Local(Box::new(caller::Mapped::new(plan, watch))),
        })
    }

    /// Returns the handle that ends the map.
    pub(crate) fn ender(&self) -> Ender {
        match self {
            Self::Local(mapped) => Ender::Local(mapped.ender()),
            Self::Remote(remote) => Ender::Remote(remote.controls()),
        }
    }

    /// Returns a sender of events to the consumer.
    pub(crate) fn teller(&self) -> Sender<MapMessage> {
        either!(self, mapped => mapped.teller())
    }

    /// Returns whether another input should be given now. `held`: number of inputs that have ended
    /// and whose results nobody has asked for yet.
    pub(crate) fn has_room(&self, held: usize) -> bool {
        either!(self, mapped => mapped.has_room(held))
    }

    /// Returns the id of the call: unique on this machine, or globally if the call runs on a cluster.
    pub(crate) fn id(&self) -> &str {
        either!(self, mapped => mapped.id())
    }

    /// Returns whether the map was ended from outside.
    pub(crate) fn is_cancelled(&self) -> bool {
        either!(self, mapped => mapped.is_cancelled())
    }

    /// Gives an input; returns its number.
    pub(crate) fn give(&mut self, payload: Payload) -> u64 {
        either!(self, mapped => mapped.give(payload))
    }

    /// Takes a number for an input that can't be given. Returns that number, and the error of the input.
    pub(crate) fn skip(&mut self, why: impl FnOnce(Attempt) -> Error) -> (u64, Error) {
        either!(self, mapped => mapped.skip(why))
    }

    /// Returns the first attempt of the call, without an input.
    pub(crate) fn first_attempt(&self) -> Attempt {
        either!(self, mapped => mapped.first_attempt())
    }

    /// Closes the map to further inputs.
    pub(crate) fn close(&self) {
        either!(self, mapped => mapped.close());
    }

    /// Waits for the next event; returns nothing if all inputs have ended and a feeder has no more.
    pub(crate) fn next(&mut self, is_fed: bool) -> Option<MapEvent> {
        either!(self, mapped => mapped.next(is_fed))
    }

    /// Waits until nothing is left of the map, after all inputs have ended. Returns the error that
    /// is not about one input.
    pub(crate) fn finish(&mut self) -> Option<Error> {
        either!(self, mapped => mapped.finish())
    }

    /// Makes the error for a thread of the feeder that can't be started.
    pub(crate) fn not_fed(&self, error: io::Error) -> Error {
        Error::start(self.first_attempt(), "start a thread", error)
    }
}
