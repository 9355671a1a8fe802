//! Call whose values come one by one.

use std::sync::Arc;

use crate::call::{Attempt, Error, ErrorKind, GRACE};
use crate::cluster::Remote;
use crate::codec::Payload;
use crate::declare::Function;
use crate::local::caller;
use crate::local::caller::{Canceller, MapEvent, begin};
use crate::observe::logs::Plain;
use crate::observe::output::Sink;

use super::choice;

/// Values of a call, as they come.
pub(crate) enum Emitted {
    /// Values from a sandbox of this machine.
    Local(Box<caller::Emitted>),
    /// Values from a task of a cluster.
    Remote(Box<FromTask>),
}

/// Values that a task returns.
pub(crate) struct FromTask {
    remote: Remote,
    input: Option<Payload>,
    canceller: Arc<Canceller>,
    attempt: Attempt,
    is_over: bool,
}

impl Emitted {
    /// Evaluates the function's volumes, secrets and options.
    pub(crate) fn new(function: &'static Function, input: Payload) -> Result<Self, Error> {
        let (plan, watch) = begin(function)?;
        let attempt = Attempt::first(Arc::clone(watch.label()));
        let engine = choice::current(|| attempt.clone())?;
        let sink = Some(Arc::new(Plain) as Arc<dyn Sink>);
        let remote = Remote::begin(&engine, &plan, true, false, sink, &watch);
        let Some(remote) = remote.inspect_err(|error| watch.refused(error))? else {
            let emitted = caller::Emitted::new(plan, input, &watch, None);
            return Ok(Self::Local(Box::new(emitted)));
        };
        Ok(Self::Remote(Box::new(FromTask {
            remote,
            input: Some(input),
            canceller: Arc::default(),
            attempt,
            is_over: false,
        })))
    }

    /// Returns the handle that ends the call while a value is waited for; what has been written is stored.
    pub(crate) fn canceller(&self) -> Arc<Canceller> {
        match self {
            Self::Local(emitted) => emitted.canceller(),
            Self::Remote(task) => Arc::clone(&task.canceller),
        }
    }

    /// Returns the current attempt.
    pub(crate) fn attempt(&self) -> &Attempt {
        match self {
            Self::Local(emitted) => emitted.attempt(),
            Self::Remote(task) => &task.attempt,
        }
    }

    /// Returns the next value; an error is the last item.
    pub(crate) fn next(&mut self) -> Option<Result<Payload, Error>> {
        match self {
            Self::Local(emitted) => emitted.next(),
            Self::Remote(task) => task.next(),
        }
    }

    /// Ends the body, as no more values are wanted, and stores what it has written. Fails with the
    /// error that occurred until then.
    pub(crate) fn close(self) -> Result<(), Error> {
        match self {
            Self::Local(emitted) => emitted.close(),
            Self::Remote(task) => task.close(),
        }
    }
}

impl FromTask {
    fn next(&mut self) -> Option<Result<Payload, Error>> {
        if self.is_over {
            return None;
        }
        if let Some(input) = self.input.take() {
            self.remote.give(input);
            self.remote.close();
        }
        let _registered = self.remote.ended_by(&self.canceller);
        let mut ended = None;
        loop {
            match self.remote.next(false) {
                Some(MapEvent::Emitted(value)) => return Some(Ok(value)),
                Some(MapEvent::Done(done)) => ended = Some(done.result),
                Some(_) => {}
                None => break,
            }
        }
        self.is_over = true;
        let late = self.remote.finish();
        match ended {
            Some(Err(error)) => Some(Err(error)),
            _ => late.map(Err),
        }
    }

    fn close(mut self) -> Result<(), Error> {
        if self.input.is_some() {
            return Ok(());
        }
        self.remote.controls().cancel(GRACE);
        loop {
            match self.next() {
                Some(Ok(_)) => {}
                Some(Err(Error {
                    kind: ErrorKind::Cancelled,
                    ..
                }))
                | None => return Ok(()),
                Some(Err(error)) => return Err(error),
            }
        }
    }
}

impl Drop for FromTask {
    fn drop(&mut self) {
        if self.is_over || self.input.is_some() {
            return;
        }
        // As on this machine, what it has written is stored.
        self.remote.controls().cancel(GRACE);
        while let Some(next) = self.next() {
            if let Err(error) = next {
                tracing::debug!(%error, "dropped call ended");
            }
        }
    }
}
