//! A call in a sandbox of its own, tried again as its options say.

use std::sync::Arc;

use crate::call::{CallSpec, Error, Outcome};
use crate::codec::Payload;
use crate::declare::Retries;
use crate::observe::watch::Watch;

use super::cancel::Canceller;
use super::launch::Takers;
use super::prepare::Plan;
use super::running::Running;
use super::tries::Tries;
use super::verdict;
use crate::observe::output::Sink;

/// Calls a function until it has a value, or as often as it may be tried.
pub(super) fn call(
    plan: &Plan,
    input: &Payload,
    canceller: &Canceller,
    sink: Option<&Arc<dyn Sink>>,
    watch: &Arc<Watch>,
) -> Result<Payload, Error> {
    let takers = Takers {
        sink: sink.cloned(),
        ..Takers::of(Arc::clone(watch))
    };
    let result = watch
        .span()
        .in_scope(|| try_all(plan, input, canceller, &takers));
    watch.end(result.as_ref().err());
    result
}

fn try_all(
    plan: &Plan,
    input: &Payload,
    canceller: &Canceller,
    takers: &Takers,
) -> Result<Payload, Error> {
    let mut tries = Tries::new(&plan.options.retries, Arc::clone(&takers.watch));
    loop {
        match try_once(plan, input, canceller, takers, &mut tries) {
            Ok(value) => {
                tries.succeeded();
                return Ok(value);
            }
            Err(error) => tries.failed(error, canceller)?,
        }
    }
}

fn try_once(
    plan: &Plan,
    input: &Payload,
    canceller: &Canceller,
    takers: &Takers,
    tries: &mut Tries,
) -> Result<Payload, Error> {
    let attempt = tries.attempt().clone();
    if canceller.is_cancelled() {
        return Err(Error::Cancelled { attempt });
    }
    let (outcome, value) = run(plan.spec.clone(), Some(input), canceller, takers, tries)?;
    verdict::value(attempt, outcome, value)
}

/// Runs a command until it succeeds and all is stored, or as often as it may be tried.
pub(super) fn command(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
    takers: &Takers,
) -> Result<Outcome, Error> {
    let span = takers.watch.span();
    let (ended, error) = span.in_scope(|| try_command(spec, retries, canceller, takers));
    takers.watch.end(error.as_ref());
    ended
}

/// Runs a command up to its last attempt. Returns the outcome of that attempt, and the error of the command if it was
/// no success.
fn try_command(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
    takers: &Takers,
) -> (Result<Outcome, Error>, Option<Error>) {
    let mut tries = Tries::new(retries, Arc::clone(&takers.watch));
    loop {
        let ended = run(spec.clone(), None, canceller, takers, &mut tries);
        let ended = ended.map(|(outcome, _)| outcome);
        let error = match &ended {
            Ok(outcome) => verdict::command(tries.attempt().clone(), outcome.clone()),
            Err(error) => Some(error.clone()),
        };
        let Some(error) = error else {
            tries.succeeded();
            return (ended, None);
        };
        if let Err(error) = tries.failed(error, canceller) {
            return (ended, Some(error));
        }
    }
}

/// Runs one attempt in a sandbox, and waits for the end of both.
fn run(
    spec: CallSpec,
    input: Option<&Payload>,
    canceller: &Canceller,
    takers: &Takers,
    tries: &mut Tries,
) -> Result<(Outcome, Option<Payload>), Error> {
    let mut running = Running::start(spec, input, takers.clone())?;
    tries.is_in(running.recorded());
    // A command, and a function with one value, give none before.
    while running.next_value(canceller).is_some() {}
    running.end()
}
