//! A call in a sandbox of its own, tried again as its options say.

use std::sync::Arc;

use crate::call::{CallSpec, Error, ErrorKind, Outcome};
use crate::codec::Payload;
use crate::declare::Retries;

use super::cancel::Canceller;
use super::launch::Takers;
use super::running::RunningAttempt;
use super::tries::Tries;
use super::verdict;

/// A call with one value, or a command, in sandboxes of this machine. Blocks, from any thread.
#[derive(Debug)]
pub(crate) struct LocalCall<'a> {
    /// Call that each sandbox carries.
    pub(crate) spec: &'a CallSpec,
    /// Number of attempts, and the time between them.
    pub(crate) retries: &'a Retries,
    /// Ends the call from another thread.
    pub(crate) canceller: &'a Canceller,
    /// Receivers of output and telemetry.
    pub(crate) takers: Takers,
}

impl LocalCall<'_> {
    /// Runs a function until it has a value, or as often as it may be tried. Its value is there
    /// when what it has written is stored.
    pub(crate) fn value(&self, input: &Payload) -> Result<Payload, Error> {
        let watch = &self.takers.watch;
        let result = watch.span().in_scope(|| self.try_value(input));
        watch.end(result.as_ref().err());
        result
    }

    fn try_value(&self, input: &Payload) -> Result<Payload, Error> {
        let mut tries = self.tries();
        loop {
            match self.try_once(input, &mut tries) {
                Ok(value) => {
                    tries.succeeded();
                    return Ok(value);
                }
                Err(error) => tries.failed(error, self.canceller)?,
            }
        }
    }

    fn try_once(&self, input: &Payload, tries: &mut Tries) -> Result<Payload, Error> {
        let attempt = tries.attempt().clone();
        if self.canceller.is_cancelled() {
            return Err(Error::new(attempt, ErrorKind::Cancelled));
        }
        let (outcome, value) = self.run(Some(input), tries)?;
        verdict::value(attempt, outcome, value)
    }

    /// Runs a command until it succeeds and all is stored, or as often as it may be tried.
    pub(crate) fn outcome(&self) -> Result<Outcome, Error> {
        let watch = &self.takers.watch;
        let (ended, error) = watch.span().in_scope(|| self.try_command());
        watch.end(error.as_ref());
        ended
    }

    /// Runs a command up to its last attempt. Returns the outcome of that attempt, and the error of
    /// the command if it was no success.
    fn try_command(&self) -> (Result<Outcome, Error>, Option<Error>) {
        let mut tries = self.tries();
        loop {
            let ended = self.run(None, &mut tries).map(|(outcome, _)| outcome);
            let error = match &ended {
                Ok(outcome) => verdict::command(tries.attempt().clone(), outcome.clone()),
                Err(error) => Some(error.clone()),
            };
            let Some(error) = error else {
                tries.succeeded();
                return (ended, None);
            };
            if let Err(error) = tries.failed(error, self.canceller) {
                return (ended, Some(error));
            }
        }
    }

    fn tries(&self) -> Tries {
        Tries::new(self.retries, Arc::clone(&self.takers.watch))
    }

    /// Runs one attempt in a sandbox, and waits for the end of both.
    fn run(
        &self,
        input: Option<&Payload>,
        tries: &mut Tries,
    ) -> Result<(Outcome, Option<Payload>), Error> {
        let mut running = RunningAttempt::start(self.spec.clone(), input, self.takers.clone())?;
        tries.is_in(running.recorded());
        // A command, and a function with one value, give none before.
        while running.next_value(self.canceller).is_some() {}
        running.end()
    }
}
