//! A call in a sandbox of its own, tried again as its options say.

use std::sync::Arc;
use std::time::Instant;

use crate::attempt::Attempt;
use crate::error::Error;
use crate::options::Retries;
use crate::outcome::{Ended, Outcome};
use crate::payload::Payload;
use crate::protocol::Stop;
use crate::spec::{CallSpec, Work};
use crate::summary::Summary;

use super::cancel::Canceller;
use super::launch::{Heard, Launched, Takers};
use super::output::Sink;
use super::prepare::Plan;
use super::verdict;

/// Calls a function until it has a value, or as often as it may be tried.
pub(super) fn call(
    plan: &Plan,
    input: &Payload,
    canceller: &Canceller,
    sink: Option<&Arc<dyn Sink>>,
) -> Result<Payload, Error> {
    let takers = Takers {
        sink: sink.cloned(),
        summary: Summary::of(&plan.spec.label()),
        no_stdin: false,
    };
    let mut delays = plan.options.retries.delays();
    let mut attempt = Attempt::first(plan.spec.label());
    loop {
        let error = match try_once(plan, input, canceller, &takers, &attempt) {
            Ok(value) => return Ok(value),
            Err(error) => error.in_attempt(&attempt),
        };
        let delay = error.is_worth_retrying().then(|| delays.next()).flatten();
        let Some(delay) = delay else {
            return Err(error);
        };
        tracing::info!(%error, ?delay, "trying again");
        if canceller.sleep(delay) {
            // What was not stored must be told in any case.
            let is_told = matches!(error, Error::NotStored { .. });
            return Err(if is_told {
                error
            } else {
                Error::Cancelled { attempt }
            });
        }
        attempt.number += 1;
    }
}

fn try_once(
    plan: &Plan,
    input: &Payload,
    canceller: &Canceller,
    takers: &Takers,
    attempt: &Attempt,
) -> Result<Payload, Error> {
    if canceller.is_cancelled() {
        return Err(Error::Cancelled {
            attempt: attempt.clone(),
        });
    }
    let (outcome, value) = run(plan.spec.clone(), Some(input), canceller, takers)?;
    verdict::value(attempt.clone(), outcome, value)
}

/// Runs a command until it succeeds and all is stored, or as often as it may be tried.
pub(super) fn command(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
) -> Result<Outcome, Error> {
    let takers = Takers {
        sink: None,
        summary: Summary::of(&spec.label()),
        no_stdin: false,
    };
    let mut delays = retries.delays();
    loop {
        let ended = run(spec.clone(), None, canceller, &takers);
        let may_get_better = match &ended {
            _ if canceller.is_cancelled() => false,
            Ok((outcome, _)) => !outcome.is_success() && outcome.ended != Ended::Cancelled,
            Err(error) => error.is_worth_retrying(),
        };
        let ended = ended.map(|(outcome, _)| outcome);
        let Some(delay) = may_get_better.then(|| delays.next()).flatten() else {
            return ended;
        };
        tracing::info!(?ended, ?delay, "trying again");
        if canceller.sleep(delay) {
            return ended;
        }
    }
}

/// Runs what is to be run in a sandbox, and waits for its end and that of the sandbox.
pub(super) fn run(
    spec: CallSpec,
    input: Option<&Payload>,
    canceller: &Canceller,
    takers: &Takers,
) -> Result<(Outcome, Option<Payload>), Error> {
    let (timeout, work) = (spec.timeout, spec.work.clone());
    let mut launched = Launched::start(spec, takers.clone())?;
    let _registered = canceller.register(launched.connection()?);
    if let (Work::Function { name }, Some(input)) = (&work, input) {
        // One that is gone already is heard of below.
        let _ = launched.give(name, input);
        launched.give_no_more();
    }
    let (mut until, mut report) = (None, None);
    loop {
        match launched.hear(until) {
            // A time beyond what the clock can show never comes.
            Heard::Started => until = timeout.and_then(|time| Instant::now().checked_add(time)),
            Heard::Reported(ended, value) => report = Some((ended, value)),
            Heard::WorkerGone | Heard::Stored(_) | Heard::Emitted(_) => {}
            Heard::TimeUp => {
                until = None;
                let after = timeout.unwrap_or_default();
                launched.stop(Stop::TimedOut { after });
            }
            Heard::Over => break,
        }
    }
    let mut outcome = launched.finish()?;
    // A body that returned in time has a value, even if its process lingered.
    let Some((report, value)) = report else {
        return Ok((outcome, None));
    };
    outcome.ended = report.ended;
    Ok((outcome, value))
}
