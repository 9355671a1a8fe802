//! A function that is being mapped over inputs.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::attempt::Attempt;
use crate::call::GRACE;
use crate::caller::{self, Next, Sink, Told, begin};
use crate::cluster::{Controls, Remote};
use crate::error::Error;
use crate::function::Function;
use crate::interrupt::End;
use crate::logs::Prefixed;
use crate::payload::Payload;

use super::choice;

/// A function that is being mapped over inputs.
#[derive(Debug)]
pub(crate) enum Mapped {
    /// In sandboxes of this machine.
    Local(Box<caller::Mapped>),
    /// In tasks of a cluster.
    Remote(Box<Remote>),
}

/// What can end a map from another thread.
#[derive(Clone, Debug)]
pub(crate) enum Ender {
    Local(caller::Ender),
    Remote(Arc<Controls>),
}

impl Ender {
    /// Ends it; what has been written is stored.
    pub(crate) fn cancel(&self, grace: Duration) {
        match self {
            Self::Local(ender) => ender.cancel(grace),
            Self::Remote(controls) => controls.cancel(grace),
        }
    }

    /// Ends it at once.
    pub(crate) fn abandon(&self) {
        match self {
            Self::Local(ender) => ender.abandon(),
            Self::Remote(controls) => controls.abandon(),
        }
    }
}

impl End for Ender {
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

/// The same of either.
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

    /// What can end it.
    pub(crate) fn ender(&self) -> Ender {
        match self {
            Self::Local(mapped) => Ender::Local(mapped.ender()),
            Self::Remote(remote) => Ender::Remote(remote.controls()),
        }
    }

    /// Who may tell the consumer of something.
    pub(crate) fn teller(&self) -> Sender<Told> {
        either!(self, mapped => mapped.teller())
    }

    /// Whether another input should be given now. `held`: ended, but not asked for by anybody.
    pub(crate) fn has_room(&self, held: usize) -> bool {
        either!(self, mapped => mapped.has_room(held))
    }

    /// What tells it from the other calls of this machine, or of all if it is run elsewhere.
    pub(crate) fn id(&self) -> &str {
        either!(self, mapped => mapped.id())
    }

    /// Whether it was ended from outside.
    pub(crate) fn is_cancelled(&self) -> bool {
        either!(self, mapped => mapped.is_cancelled())
    }

    /// Gives an input; returns its number.
    pub(crate) fn give(&mut self, payload: Payload) -> u64 {
        either!(self, mapped => mapped.give(payload))
    }

    /// An input that can't be given takes its number all the same. What it ends with, and its number.
    pub(crate) fn skip(&mut self, why: impl FnOnce(Attempt) -> Error) -> (u64, Error) {
        either!(self, mapped => mapped.skip(why))
    }

    /// The first attempt of the call that no input is known of.
    pub(crate) fn first_attempt(&self) -> Attempt {
        either!(self, mapped => mapped.first_attempt())
    }

    /// There are no more inputs.
    pub(crate) fn close(&self) {
        either!(self, mapped => mapped.close());
    }

    /// Waits for what comes next; nothing if all inputs have ended, and none is awaited from a feeder.
    pub(crate) fn next(&mut self, is_fed: bool) -> Option<Next> {
        either!(self, mapped => mapped.next(is_fed))
    }

    /// When all inputs have ended: waits until nothing is left of it. What went wrong that is no input's.
    pub(crate) fn finish(&mut self) -> Option<Error> {
        either!(self, mapped => mapped.finish())
    }

    /// An error of the thread that takes its inputs.
    pub(crate) fn not_fed(&self, error: io::Error) -> Error {
        Error::start(self.first_attempt(), "start a thread", error)
    }
}
