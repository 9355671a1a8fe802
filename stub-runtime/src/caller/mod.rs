//! The caller's side of a call: it starts a supervisor, says what is to be run, and waits.

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
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::attempt::Attempt;
use crate::error::Error;
use crate::function::Function;
use crate::options::Retries;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::registry;
use crate::spec::CallSpec;
use crate::watch::Watch;

pub use cancel::Canceller;
pub(crate) use emitted::Emitted;
pub(crate) use map::{Done, Ender, Feeder, Mapped, Next};
pub(crate) use output::{Sink, Stream as OutputStream};
pub(crate) use prepare::volumes;

/// As [`run`], until the canceller ends it.
pub(crate) fn run_until(
    function: &'static Function,
    input: &Payload,
    canceller: &Canceller,
) -> Result<Payload, Error> {
    let (plan, watch) = begin(function)?;
    single::call(&plan, input, canceller, None, &watch)
}

/// Evaluates a function's volumes, secrets and options for a call, which is watched from then on, also if it can't
/// begin.
fn begin(function: &'static Function) -> Result<(prepare::Plan, Arc<Watch>), Error> {
    let watch = Watch::of(registry::name(function));
    let plan = prepare::plan(function).inspect_err(|error| watch.refused(error))?;
    Ok((plan, watch))
}

/// Calls a function: evaluates its volumes, secrets and options here, runs its body in a sandbox, and
/// returns its value, which then is stored as far as it was written to a volume.
///
/// Blocks, from any thread.
///
/// # Errors
/// See [`Error`].
pub fn run(function: &'static Function, input: &Payload) -> Result<Payload, Error> {
    run_until(function, input, &Canceller::default())
}

/// Calls a function as [`run`] does, without blocking the thread: in any async runtime.
///
/// A future that is dropped takes its call with it: the body is killed and its uploads aborted.
///
/// # Errors
/// See [`Error`].
pub async fn run_async(function: &'static Function, input: Payload) -> Result<Payload, Error> {
    let (plan, watch) = begin(function)?;
    let attempt = Attempt::first(Arc::clone(watch.label()));
    let canceller = Arc::new(Canceller::default());
    let abandon = Abandon(Arc::clone(&canceller));
    let (sender, receiver) = oneshot::channel();
    let waiter = thread::Builder::new()
        .name("stub-call".to_owned())
        .spawn(move || {
            // Nobody waits for a call that was dropped.
            let _ = sender.send(single::call(&plan, &input, &canceller, None, &watch));
        });
    waiter.map_err(|source| Error::start(attempt.clone(), "start a thread", source))?;
    let ended = receiver.await;
    drop(abandon);
    ended.map_err(|_| Error::unwatched(attempt, "the thread that waited for it"))?
}

/// Runs a command in a sandbox, which the canceller can end, and again if it fails; `Outcome` has its exit
/// status or signal, and what could not be stored. Blocks.
///
/// # Errors
/// The command was not run ([`Error::Volume`], [`Error::Sandbox`], [`Error::NotStarted`],
/// [`Error::Start`]), or it is not known how it ended ([`Error::Lost`]).
pub fn run_command(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
) -> Result<Outcome, Error> {
    single::command(spec, retries, canceller)
}

/// A call that another thread runs.
#[derive(Debug)]
pub(crate) struct Background {
    plan: prepare::Plan,
    canceller: Canceller,
    watch: Arc<Watch>,
}

impl Background {
    /// Evaluates the function's volumes, secrets and options.
    pub(crate) fn new(function: &'static Function) -> Result<Self, Error> {
        let (plan, watch) = begin(function)?;
        Ok(Self {
            plan,
            canceller: Canceller::default(),
            watch,
        })
    }

    /// What tells it from the other calls of this machine.
    pub(crate) fn id(&self) -> &str {
        self.watch.id()
    }

    /// Runs it to its end. `sink` takes what it prints; else it goes to this program's own streams.
    pub(crate) fn run(
        &self,
        input: &Payload,
        sink: Option<&Arc<dyn Sink>>,
    ) -> Result<Payload, Error> {
        single::call(&self.plan, input, &self.canceller, sink, &self.watch)
    }

    /// Ends it, from another thread; what has been written is stored.
    pub(crate) fn cancel(&self, grace: Duration) {
        self.canceller.cancel(grace);
    }
}

/// Ends a call when dropped; one that has ended already doesn't notice.
struct Abandon(Arc<Canceller>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
