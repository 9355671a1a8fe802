//! Call whose values come one by one.

use std::sync::Arc;

use crate::call::{Attempt, Error, ErrorKind, GRACE};
use crate::codec::Payload;
use crate::observe::watch::Watch;

use super::cancel::Canceller;
use super::launch::Takers;
use super::prepare::Plan;
use super::running::RunningAttempt;
use super::tries::Tries;
use super::verdict;
use crate::observe::output::Sink;

/// Values of a call, as they come. The sandbox exists from the first request for a value to the last value.
pub(crate) struct Emitted {
    plan: Plan,
    input: Payload,
    tries: Tries,
    takers: Takers,
    canceller: Arc<Canceller>,
    running: Option<RunningAttempt>,
    is_over: bool,
}

impl Emitted {
    /// Creates the call; nothing is started before the first value is asked for. `sink` receives
    /// the job's output; without it, the output goes to this program's own streams.
    pub(crate) fn new(
        plan: Plan,
        input: Payload,
        watch: &Arc<Watch>,
        sink: Option<Arc<dyn Sink>>,
    ) -> Self {
        Self {
            input,
            tries: Tries::new(&plan.options.retries, Arc::clone(watch)),
            takers: Takers {
                sink,
                ..Takers::of(Arc::clone(watch))
            },
            plan,
            canceller: Arc::default(),
            running: None,
            is_over: false,
        }
    }

    /// Returns the handle that ends the call while a value is waited for; what has been written is stored.
    pub(crate) fn canceller(&self) -> Arc<Canceller> {
        Arc::clone(&self.canceller)
    }

    /// Returns the current attempt.
    pub(crate) fn attempt(&self) -> &Attempt {
        self.tries.attempt()
    }

    /// Returns the next value; an error is the last item.
    pub(crate) fn next(&mut self) -> Option<Result<Payload, Error>> {
        let _in_call = self.takers.watch.span().entered();
        while !self.is_over {
            match self.attempt_next() {
                Ok(Some(value)) => {
                    // What was given can't be taken back.
                    self.tries.make_last();
                    return Some(Ok(value));
                }
                Ok(None) => {
                    self.tries.succeeded();
                    self.takers.watch.end(None);
                    self.is_over = true;
                }
                Err(error) => {
                    if let Err(error) = self.tries.failed(error, &self.canceller) {
                        self.takers.watch.end(Some(&error));
                        self.is_over = true;
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    fn attempt_next(&mut self) -> Result<Option<Payload>, Error> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.begin()?,
        };
        if let Some(value) = running.next_value(&self.canceller) {
            self.running = Some(running);
            return Ok(Some(value));
        }
        let (outcome, returned) = running.end()?;
        verdict::value(self.attempt().clone(), outcome, returned).map(|_| None)
    }

    fn begin(&mut self) -> Result<RunningAttempt, Error> {
        let spec = self.plan.spec.clone();
        let running = RunningAttempt::start(spec, Some(&self.input), self.takers.clone())?;
        self.tries.is_in(running.recorded());
        Ok(running)
    }

    /// Ends the body, as no more values are wanted, and stores what it has written. Fails with the
    /// error that occurred until then.
    pub(crate) fn close(mut self) -> Result<(), Error> {
        self.give_up()
    }

    fn give_up(&mut self) -> Result<(), Error> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        self.tries.make_last();
        running.stop(GRACE);
        let ended = running.end();
        let ended = ended
            .and_then(|(outcome, value)| verdict::value(self.attempt().clone(), outcome, value));
        let error = match ended {
            Ok(_) => {
                self.tries.succeeded();
                None
            }
            Err(error) => self.tries.failed(error, &self.canceller).err(),
        };
        self.is_over = true;
        self.takers.watch.end(error.as_ref());
        match error {
            None
            | Some(Error {
                kind: ErrorKind::Cancelled,
                ..
            }) => Ok(()),
            Some(error) => Err(error),
        }
    }
}

impl Drop for Emitted {
    fn drop(&mut self) {
        if let Err(error) = self.give_up() {
            tracing::warn!(%error, "dropped call failed");
        }
    }
}
