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

use crate::call::Error;
use crate::declare::{Function, registry};
use crate::observe::watch::Watch;

pub use cancel::Canceller;
pub(crate) use cancel::Registered;
pub(crate) use emitted::Emitted;
pub(crate) use launch::Takers;
pub(crate) use map::{Done, Ender, Feeder, MapEvent, MapMessage, Mapped};
pub(crate) use prepare::{Plan, volumes};
pub(crate) use single::LocalCall;

/// Evaluates a function's volumes, secrets and options for a call, which is watched from then on,
/// also if it can't begin.
pub(crate) fn begin(function: &'static Function) -> Result<(Plan, Arc<Watch>), Error> {
    let watch = Watch::of(registry::name(function));
    let plan = prepare::plan(function).inspect_err(|error| watch.refused(error))?;
    Ok((plan, watch))
}
