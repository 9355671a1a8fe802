//! Call on a cluster, as its caller sees it: inputs go in, values come out.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::call::{Attempt, Error, ErrorKind};
use crate::codec::Payload;
use crate::declare::Engine;
use crate::host::config;
use crate::local::caller::{Canceller, Done, MapEvent, MapMessage, Plan, Registered};
use crate::observe::output::Sink;
use crate::observe::watch::Watch;

use super::controls::{Controls, Order};
use super::driver::{Driver, Task};
use super::error::ClusterError;
use super::format::{self, Header};
use super::open::{Cluster, For, open, open_to_write};
use super::scheduler::Needs;
use super::seal::{SealKey, random_name};

/// Maximum number of inputs taken from their iterator before their values are read.
const AHEAD: usize = 200_000;

/// Maximum size, in bytes, of the arguments held here before they are in the spool.
const AHEAD_BYTES: u64 = 128 << 20;

/// Maximum size, in bytes, of an input: data in a spool is held in memory as a whole, several times.
const LARGEST: u64 = 1 << 30;

/// Multiple of the target run time after which a task begins no more inputs.
const SLICES: u32 = 4;

/// A call on a cluster.
#[derive(Debug)]
pub(crate) struct Remote {
    controls: Arc<Controls>,
    told: Receiver<MapMessage>,
    teller: Sender<MapMessage>,
    thread: Option<JoinHandle<Option<Error>>>,
    watch: Arc<Watch>,
    id: String,
    is_map: bool,
    /// Number of the next input.
    next: u64,
    /// Number of inputs given whose results were not taken yet.
    outstanding: usize,
    /// True if an earlier caller began the call, so that its number of inputs is unknown.
    is_attached: bool,
    unwatched: Option<&'static str>,
    /// Error of the call, if it has one input.
    failure: Option<Error>,
}

/// A call that was written down instead of started.
#[derive(Debug)]
pub(crate) struct Written {
    /// Id of the call, unique among all calls. A later caller reattaches by it.
    pub(crate) id: String,
    /// Manifest for `kubectl`.
    pub(crate) text: String,
}

impl Remote {
    /// Begins a call on a cluster; returns nothing if the engine is this machine. Nothing is
    /// started before the first input.
    pub(crate) fn begin(
        engine: &Engine,
        plan: &Plan,
        iterates: bool,
        is_map: bool,
        sink: Option<Arc<dyn Sink>>,
        watch: &Arc<Watch>,
    ) -> Result<Option<Self>, Error> {
        if *engine == Engine::Local {
            return Ok(None);
        }
        let failed = |error: ClusterError| error.of_call(engine, watch.label());
        let (id, key) = identity().map_err(failed)?;
        let cluster = open(engine, wanted(plan, &id, &key)).map_err(failed)?;
        let task = task(plan, &cluster, (id, key), iterates, is_map, watch);
        Self::start(task, cluster, sink, watch).map(Some)
    }

    /// Writes down a call of a command, to be run by Kubernetes on the caller's request. The call
    /// can be found again.
    pub(crate) fn write_down(
        engine: &Engine,
        plan: &Plan,
        watch: &Arc<Watch>,
    ) -> Result<Written, Error> {
        let failed = |error: ClusterError| error.of_call(engine, watch.label());
        let (id, key) = identity().map_err(failed)?;
        let (writer, written) = channel();
        let opened = open_to_write(engine, wanted(plan, &id, &key), writer);
        let cluster = opened.map_err(failed)?;
        let task = task(plan, &cluster, (id.clone(), key), false, false, watch);
        let mut remote = Self::start(task, cluster, None, watch)?;
        remote.give(Payload::from_held(bytes::Bytes::new()));
        remote.close();
        remote.wait_until_submitted();
        if let Ok(text) = written.try_recv() {
            remote.leave();
            return Ok(Written { id, text });
        }
        let unwatched = Error::unwatched(remote.first_attempt(), "the thread that wrote it");
        Err(remote.into_value().err().unwrap_or(unwatched))
    }

    /// Waits for the value of a call with one input, which was given, and until nothing is left of the call.
    pub(crate) fn into_value(mut self) -> Result<Payload, Error> {
        let mut result = None;
        while let Some(next) = self.next(false) {
            if let MapEvent::Done(done) = next {
                result = Some(done.result);
            }
        }
        match (result, self.finish()) {
            (Some(Ok(_)) | None, Some(error)) => Err(error),
            (Some(result), _) => result,
            (None, None) => Err(Error::unwatched(
                self.first_attempt(),
                "the thread that waited for it",
            )),
        }
    }

    /// Leaves the call running without this program.
    fn leave(mut self) {
        self.controls.order(Order::Leave);
        let _ = self.join();
    }

    /// Starts the thread of the call.
    pub(super) fn start(
        task: Task,
        cluster: Cluster,
        sink: Option<Arc<dyn Sink>>,
        watch: &Arc<Watch>,
    ) -> Result<Self, Error> {
        let (teller, told) = channel();
        let (orders, ordered) = channel();
        let (id, is_map, is_attached) = (task.id.clone(), task.is_map, task.attended.is_some());
        let controls = Arc::new(Controls::new(orders));
        let driver = Driver::new(
            task,
            cluster,
            Arc::clone(&controls),
            ordered,
            teller.clone(),
            sink,
            Arc::clone(watch),
        );
        let (of, at_end) = (Attempt::first(Arc::clone(watch.label())), teller.clone());
        let gate = Arc::clone(&controls);
        let thread = thread::Builder::new().name("stub-cluster".to_owned());
        let started = thread.spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| driver.run()));
            gate.is_over();
            let last = match &ended {
                Ok(_) => MapMessage::Over,
                Err(_) => MapMessage::Unwatched("the thread that waited for it"),
            };
            // Nobody listens to what was dropped.
            let _ = at_end.send(last);
            ended.unwrap_or_default()
        });
        let thread = started.map_err(|error| Error::start(of, "start a thread", error))?;
        Ok(Self {
            controls,
            told,
            teller,
            thread: Some(thread),
            watch: Arc::clone(watch),
            id,
            is_map,
            next: 0,
            outstanding: 0,
            is_attached,
            unwatched: None,
            failure: None,
        })
    }

    /// Returns the id of the call, unique among all calls. A later caller reattaches by it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the handle that ends the call.
    pub(crate) fn controls(&self) -> Arc<Controls> {
        Arc::clone(&self.controls)
    }

    /// Registers the call with the canceller, which can end it as long as the returned value exists.
    pub(crate) fn ended_by<'a>(&self, canceller: &'a Canceller) -> Registered<'a> {
        let controls = self.controls();
        canceller.also(move |grace| match grace {
            Some(grace) => controls.cancel(grace),
            None => controls.abandon(),
        })
    }

    /// Returns a sender of events to the consumer.
    pub(crate) fn teller(&self) -> Sender<MapMessage> {
        self.teller.clone()
    }

    /// Returns whether another input should be given now. `held`: number of inputs that have ended
    /// and whose results nobody has asked for yet.
    pub(crate) fn has_room(&self, held: usize) -> bool {
        let bytes = self.controls.unwritten.load(Ordering::Acquire);
        self.outstanding + held < AHEAD && (bytes < AHEAD_BYTES || self.outstanding == 0)
    }

    /// Returns whether the call was ended from outside.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.controls.is_cancelled()
    }

    /// Returns the first attempt of the call, without an input.
    pub(crate) fn first_attempt(&self) -> Attempt {
        Attempt::first(Arc::clone(self.watch.label()))
    }

    /// Gives an input; returns its number.
    pub(crate) fn give(&mut self, payload: Payload) -> u64 {
        let index = self.next;
        self.next += 1;
        self.outstanding += 1;
        let length = payload.length();
        let arguments = if length > LARGEST {
            Err(io::Error::other(format!(
                "{length} bytes are more than the 1 GiB that go through a spool; put them into a bucket"
            )))
        } else {
            payload.into_bytes()
        };
        match arguments {
            Ok(arguments) => {
                let unwritten = &self.controls.unwritten;
                unwritten.fetch_add(arguments.len() as u64, Ordering::AcqRel);
                self.controls.order(Order::Give(index, arguments));
            }
            Err(error) => {
                let mut attempt = self.first_attempt();
                attempt.input = self.is_map.then_some(index);
                let reason = error.to_string();
                let result = Err(Error::new(attempt, ErrorKind::Arguments { reason }));
                let _ = self
                    .teller
                    .send(MapMessage::Done(Done { index, result }.into()));
            }
        }
        index
    }

    /// Takes a number for an input that can't be given. Returns that number, and the error of the input.
    pub(crate) fn skip(&mut self, why: impl FnOnce(Attempt) -> Error) -> (u64, Error) {
        let (mut attempt, index) = (self.first_attempt(), self.next);
        attempt.input = self.is_map.then_some(index);
        self.next += 1;
        (index, why(attempt))
    }

    /// Closes the call to further inputs.
    pub(crate) fn close(&self) {
        self.controls.order(Order::Close);
    }

    /// Waits until the scheduler has everything that was given, or never will. After that, the call
    /// goes on without this program.
    pub(crate) fn wait_until_submitted(&self) {
        self.controls.wait_until_submitted();
    }

    /// Waits for the next event; returns nothing if all inputs have ended and a feeder has no more.
    pub(crate) fn next(&mut self, is_fed: bool) -> Option<MapEvent> {
        let is_idle = self.outstanding == 0 && !is_fed && !self.is_attached;
        if self.unwatched.is_some() || is_idle {
            return None;
        }
        // This end's own sender keeps the channel open.
        match self.told.recv().ok()? {
            MapMessage::Done(done) => {
                self.outstanding = self.outstanding.saturating_sub(1);
                let done: Done = done.into();
                if !self.is_map {
                    self.failure = done.result.as_ref().err().cloned();
                }
                Some(MapEvent::Done(done))
            }
            MapMessage::Emitted(value) => Some(MapEvent::Emitted(value)),
            MapMessage::Input(input) => Some(MapEvent::Input(input)),
            MapMessage::NoMore => Some(MapEvent::NoMore),
            MapMessage::Ended => Some(MapEvent::Ended),
            MapMessage::Over => {
                self.is_attached = false;
                self.outstanding = 0;
                // The feeder must learn that the call has ended.
                is_fed.then_some(MapEvent::Ended)
            }
            MapMessage::Unwatched(who) => {
                self.unwatched = Some(who);
                None
            }
        }
    }

    /// Waits until nothing is left of the call, after all inputs have ended. Returns the error that
    /// is not about one input.
    pub(crate) fn finish(&mut self) -> Option<Error> {
        self.close();
        let late = self.join();
        let error = match self.unwatched {
            Some(who) => Some(Error::unwatched(self.first_attempt(), who)),
            None => late,
        };
        self.watch.end(self.failure.as_ref().or(error.as_ref()));
        error
    }

    fn join(&mut self) -> Option<Error> {
        // One that panicked has said so.
        self.thread.take()?.join().ok().flatten()
    }
}

/// Drops inputs that were not run, and kills those that are running.
impl Drop for Remote {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.controls.abandon();
            let _ = self.join();
        }
        self.watch.end(None);
    }
}

/// Generates the id and the key of a new call.
fn identity() -> Result<(String, SealKey), ClusterError> {
    let new = random_name().and_then(|id| Ok((id, SealKey::generate()?)));
    new.map_err(ClusterError::Unusable)
}

fn wanted<'a>(plan: &Plan, call: &'a str, key: &'a SealKey) -> For<'a> {
    For {
        call,
        key,
        spool: None,
        cpu: plan.spec.limits.cpu,
    }
}

/// Makes the driver's task of a call.
fn task(
    plan: &Plan,
    cluster: &Cluster,
    (id, key): (String, SealKey),
    iterates: bool,
    is_map: bool,
    watch: &Watch,
) -> Task {
    let slice = cluster.task_time.saturating_mul(SLICES);
    let limits = [
        plan.options.max_containers.filter(|_| is_map),
        cluster.max_tasks,
    ];
    let at_once = limits.into_iter().flatten().min();
    Task {
        id,
        label: Arc::clone(watch.label()),
        is_map,
        header: Some(header(plan, iterates, is_map, at_once, slice)),
        needs: Needs::of(&plan.spec, &plan.options.retries, at_once, slice),
        key,
        retries: plan.options.retries.delays().count(),
        attended: None,
        staged: None,
    }
}

fn header(
    plan: &Plan,
    iterates: bool,
    is_map: bool,
    at_once: Option<usize>,
    slice: Duration,
) -> Header {
    Header {
        spec: format::for_nodes(&plan.spec),
        retries: plan.options.retries,
        max_inputs: plan.options.max_inputs,
        iterates,
        is_map,
        at_once,
        environment: config::for_nodes(),
        credentials: config::credentials_for_nodes(),
        slice,
    }
}
