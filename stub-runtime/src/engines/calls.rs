//! Calls with a single value.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::call::{Attempt, CallSpec, Error, Outcome};
use crate::cluster::{Remote, Written};
use crate::codec::Payload;
use crate::declare::{EngineName, Function, Options, Retries};
use crate::local::caller::{Canceller, LocalCall, Plan, Takers, begin};
use crate::local::interrupt::Interruptible;
use crate::observe::logs::Plain;
use crate::observe::output::Sink;
use crate::observe::watch::Watch;

use super::choice;

/// Calls a function like [`run`], until the canceller ends it.
pub(crate) fn run_until(
    function: &'static Function,
    input: &Payload,
    canceller: &Canceller,
) -> Result<Payload, Error> {
    Prepared::new(function, None)?.run(input, canceller, || {})
}

/// Calls a function: evaluates its volumes, secrets and options here, runs its body in a sandbox,
/// and returns its value. By then, what the body wrote to its volumes is stored.
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
    let call = Prepared::new(function, None)?;
    let attempt = Attempt::first(Arc::clone(call.watch.label()));
    let canceller = Arc::new(Canceller::default());
    let abandon = Abandon(Arc::clone(&canceller));
    let (sender, receiver) = oneshot::channel();
    let waiter = thread::Builder::new()
        .name("stub-call".to_owned())
        .spawn(move || {
            // Nobody waits for a call that was dropped.
            let _ = sender.send(call.run(&input, &canceller, || {}));
        });
    waiter.map_err(|source| Error::start(attempt.clone(), "start a thread", source))?;
    let ended = receiver.await;
    drop(abandon);
    ended.map_err(|_| Error::unwatched(attempt, "the thread that waited for it"))?
}

/// Guard that ends a call when dropped; no effect on a call that has ended.
struct Abandon(Arc<Canceller>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Runs a command in a sandbox, which the canceller can end, and again if it fails. `Outcome` has
/// its exit status or signal, and the objects that could not be stored. Blocks.
///
/// # Errors
/// The command was not run, or it is not known how it ended
/// ([`ErrorKind::Lost`](crate::ErrorKind::Lost)).
pub fn run_command(
    spec: &CallSpec,
    retries: &Retries,
    canceller: &Canceller,
) -> Result<Outcome, Error> {
    let engine = choice::current(|| Attempt::first(spec.label()))?;
    let watch = Watch::of(spec.label());
    let plan = of_command(spec, retries);
    let sink = Some(Arc::new(Plain) as Arc<dyn Sink>);
    match Remote::begin(&engine, &plan, false, false, sink, &watch)? {
        None => {
            let takers = Takers::of(watch);
            let call = LocalCall {
                spec,
                retries,
                canceller,
                takers,
            };
            call.outcome()
        }
        Some(remote) => {
            let nothing = Payload::from_held(bytes::Bytes::new());
            let ended = run_remote(remote, nothing, canceller, || {})?;
            let attempt = || Attempt::first(spec.label());
            ended
                .decode()
                .map_err(|error| Error::value(attempt(), &error))
        }
    }
}

/// Manifest of a command's call for a cluster with Kubernetes, written down instead of started there.
#[derive(Debug)]
pub struct Manifest {
    /// Id of the call, unique among all calls: `stub jobs attach` finds it by this id.
    pub id: String,
    /// Secret and Job, as a JSON document that `kubectl apply -f -` takes.
    pub text: String,
}

fn of_command(spec: &CallSpec, retries: &Retries) -> Plan {
    let options = Options {
        retries: *retries,
        ..Options::default()
    };
    Plan {
        spec: spec.clone(),
        options,
    }
}

/// Writes a command's data to the spool of the engine `kubernetes`, and returns the manifest of the
/// Job that runs it. The caller must apply the manifest, and attach to the call for its outcome.
///
/// # Errors
/// The spool can't be written, or the settings are wrong ([`Engine`](crate::ErrorKind::Engine),
/// [`Options`](crate::ErrorKind::Options)).
pub fn manifest(spec: &CallSpec, retries: &Retries) -> Result<Manifest, Error> {
    let engine = choice::named(EngineName::Kubernetes, || Attempt::first(spec.label()))?;
    let watch = Watch::of(spec.label());
    let plan = of_command(spec, retries);
    let Written { id, text } = Remote::write_down(&engine, &plan, &watch)?;
    Ok(Manifest { id, text })
}

/// Runs a call on a cluster and returns its value. The canceller can end it. `begun` is called once
/// the call would go on without this program.
fn run_remote(
    mut remote: Remote,
    input: Payload,
    canceller: &Canceller,
    begun: impl FnOnce(),
) -> Result<Payload, Error> {
    let _registered = remote.ended_by(canceller);
    remote.give(input);
    remote.close();
    remote.wait_until_submitted();
    begun();
    remote.into_value()
}

/// A call that has not begun.
#[derive(Debug)]
struct Prepared {
    plan: Plan,
    watch: Arc<Watch>,
    sink: Option<Arc<dyn Sink>>,
    /// Call on a cluster; none if the call runs on this machine.
    remote: Option<Remote>,
}

impl Prepared {
    /// Evaluates the function's volumes, secrets and options. `sink` receives the output; without
    /// it, the output goes to this program's own streams.
    fn new(function: &'static Function, sink: Option<Arc<dyn Sink>>) -> Result<Self, Error> {
        let (plan, watch) = begin(function)?;
        let engine = choice::current(|| Attempt::first(Arc::clone(watch.label())))?;
        let there = sink.clone().unwrap_or_else(|| Arc::new(Plain));
        let remote = Remote::begin(
            &engine,
            &plan,
            function.iterates,
            false,
            Some(there),
            &watch,
        );
        let remote = remote.inspect_err(|error| watch.refused(error))?;
        Ok(Self {
            plan,
            watch,
            sink,
            remote,
        })
    }

    /// Runs the call to its end. `begun` is called once it has begun here, or would go on without
    /// this program.
    fn run(
        self,
        input: &Payload,
        canceller: &Canceller,
        begun: impl FnOnce(),
    ) -> Result<Payload, Error> {
        let Self {
            plan,
            watch,
            sink,
            remote,
        } = self;
        let Some(remote) = remote else {
            begun();
            let call = LocalCall {
                spec: &plan.spec,
                retries: &plan.options.retries,
                canceller,
                takers: Takers {
                    sink,
                    ..Takers::of(watch)
                },
            };
            return call.value(input);
        };
        let input = input.try_clone();
        let input = input.map_err(|error| Error::value(remote.first_attempt(), &error))?;
        run_remote(remote, input, canceller, begun)
    }
}

/// A call that another thread runs.
#[derive(Debug)]
pub(crate) struct Background {
    call: Mutex<Option<Prepared>>,
    canceller: Canceller,
    label: Arc<str>,
    id: String,
}

impl Background {
    /// Evaluates the function's volumes, secrets and options. `sink` receives the output; without
    /// it, the output goes to this program's own streams.
    pub(crate) fn new(
        function: &'static Function,
        sink: Option<Arc<dyn Sink>>,
    ) -> Result<Self, Error> {
        let call = Prepared::new(function, sink)?;
        let id = call.remote.as_ref().map_or(call.watch.id(), Remote::id);
        Ok(Self {
            id: id.to_owned(),
            label: Arc::clone(call.watch.label()),
            canceller: Canceller::default(),
            call: Mutex::new(Some(call)),
        })
    }

    /// Returns the id of the call: unique on this machine, or globally if the call runs on a cluster.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Runs the call to its end, once. `begun` is called once it would go on without this program, if ever.
    pub(crate) fn run(&self, input: &Payload, begun: impl FnOnce()) -> Result<Payload, Error> {
        let call = self
            .call
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(call) = call else {
            let attempt = Attempt::first(Arc::clone(&self.label));
            return Err(Error::unwatched(attempt, "whoever ran it before"));
        };
        call.run(input, &self.canceller, begun)
    }

    /// Ends the call from another thread; stores what has been written.
    pub(crate) fn cancel(&self, grace: Duration) {
        self.canceller.cancel(grace);
    }
}

impl Interruptible for Background {
    fn end(&self, signal: i32) {
        Interruptible::end(&self.canceller, signal);
    }

    fn end_now(&self) -> bool {
        Interruptible::end_now(&self.canceller)
    }
}
