//! Caller's side of a call on this machine: it starts a supervisor, sends it the specification, and waits.

mod cancel;
mod emitted;
mod launch;
mod map;
mod output;
mod prepare;
mod process;
mod running;
mod single;
mod tries;
mod unfinished;
mod verdict;

use std::sync::Arc;

use crate::call::{CallSpec, Error, Outcome};
use crate::codec::Payload;
use crate::declare::{Function, Retries, registry};
use crate::observe::output::Sink;
use crate::observe::watch::Watch;

use launch::Takers;

pub use cancel::Canceller;
pub(crate) use cancel::Registered;
pub(crate) use emitted::Emitted;
pub(crate) use map::{Done, Ender, Feeder, Mapped, Next, Told};
pub(crate) use prepare::{Plan, volumes};

/// Evaluates a function's volumes, secrets and options for a call, which is watched from then on, also if it can't
/// begin.
pub(crate) fn begin(function: &'static Function) -> Result<(Plan, Arc<Watch>), Error> {
    let watch = Watch::of(registry::name(function));
    let plan = prepare::plan(function).inspect_err(|error| watch.refused(error))?;
    Ok((plan, watch))
}

/// Runs a function's body in a sandbox, until the canceller ends it. Returns its value after the files that it has
/// written are stored. `sink` receives the output; without it, the output goes to this program's own streams. Blocks,
/// from any thread.
pub(crate) fn call(
    plan: &Plan,
    input: &Payload,
    canceller: &Canceller,
    sink: Option<&Arc<dyn Sink>>,
    watch: &Arc<Watch>,
) -> Result<Payload, Error> {
    single::call(plan, input, canceller, sink, watch)
}

/// Runs a command in a sandbox, and again if it fails. Blocks.
pub(crate) fn run_command(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
) -> Result<Outcome, Error> {
    run_command_watched(spec, retries, canceller, &Watch::of(spec.label()))
}

/// Runs a command like [`run_command`], with telemetry that the caller has started.
pub(crate) fn run_command_watched(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
    watch: &Arc<Watch>,
) -> Result<Outcome, Error> {
    let takers = Takers::of(Arc::clone(watch));
    single::command(spec, retries, canceller, &takers)
}

/// Runs a command like [`run_command_watched`], without standard input. `sink` receives the output.
pub(crate) fn run_command_here(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
    sink: Arc<dyn Sink>,
    watch: &Arc<Watch>,
) -> Result<Outcome, Error> {
    let takers = Takers {
        sink: Some(sink),
        no_stdin: true,
        ..Takers::of(Arc::clone(watch))
    };
    single::command(spec, retries, canceller, &takers)
}
