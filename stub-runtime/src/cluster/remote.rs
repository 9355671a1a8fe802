//! A call on a cluster, as its caller sees it: inputs go in, values come out.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::attempt::Attempt;
use crate::caller::{Canceller, Done, Next, Plan, Registered, Sink, Told};
use crate::config;
use crate::error::Error;
use crate::options::Engine;
use crate::payload::Payload;
use crate::watch::Watch;

use super::controls::{Controls, Order};
use super::driver::{Driver, Task};
use super::error::ClusterError;
use super::format::Header;
use super::open::{Cluster, For, open, open_to_write};
use super::scheduler::Needs;
use super::seal::{SealKey, random_name};

/// So many inputs are taken from their iterator before their values are.
const AHEAD: usize = 200_000;

/// And so many bytes of arguments are held here, before they are in the spool.
const AHEAD_BYTES: u64 = 128 << 20;

/// One input has no more: what goes through a spool is in memory as a whole, several times.
const LARGEST: u64 = 1 << 30;

/// A task begins no more inputs after so many times the time that it should last.
const SLICES: u32 = 4;

/// A call on a cluster.
#[derive(Debug)]
pub(crate) struct Remote {
    controls: Arc<Controls>,
    told: Receiver<Told>,
    teller: Sender<Told>,
    thread: Option<JoinHandle<Option<Error>>>,
    watch: Arc<Watch>,
    id: String,
    is_map: bool,
    /// The next input's number.
    next: u64,
    /// Given and not taken back.
    outstanding: usize,
    /// Nobody knows how many inputs it has.
    is_attached: bool,
    unwatched: Option<&'static str>,
    /// Why it has no value, if it has one input.
    failure: Option<Error>,
}

/// A call that was written down.
#[derive(Debug)]
pub(crate) struct Written {
    /// What tells it from all other calls: with this it is found again.
    pub(crate) id: String,
    /// For `kubectl`.
    pub(crate) text: String,
}

impl Remote {
    /// Begins a call on a cluster; nothing if the engine is this machine. Nothing is started before the first input.
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

    /// Writes a call of a command down for whoever has Kubernetes run it, and leaves it to be found again.
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

    /// The value of a call with one input, which was given: waits for it, and until nothing is left of the call.
    pub(crate) fn into_value(mut self) -> Result<Payload, Error> {
        let mut result = None;
        while let Some(next) = self.next(false) {
            if let Next::Done(done) = next {
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

    /// Lets it go on without this program.
    fn leave(mut self) {
        self.controls.order(Order::Leave);
        let _ = self.join();
    }

    /// Starts the thread that does it.
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
                Ok(_) => Told::Over,
                Err(_) => Told::Unwatched("the thread that waited for it"),
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

    /// What tells it from all other calls: with this it is found again.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What can end it.
    pub(crate) fn controls(&self) -> Arc<Controls> {
        Arc::clone(&self.controls)
    }

    /// As long as what this returns exists, the canceller can end it.
    pub(crate) fn ended_by<'a>(&self, canceller: &'a Canceller) -> Registered<'a> {
        let controls = self.controls();
        canceller.also(move |grace| match grace {
            Some(grace) => controls.cancel(grace),
            None => controls.abandon(),
        })
    }

    /// Who may tell the consumer of something.
    pub(crate) fn teller(&self) -> Sender<Told> {
        self.teller.clone()
    }

    /// Whether another input should be given now. `held`: ended, but not asked for by anybody.
    pub(crate) fn has_room(&self, held: usize) -> bool {
        let bytes = self.controls.unwritten.load(Ordering::Acquire);
        self.outstanding + held < AHEAD && (bytes < AHEAD_BYTES || self.outstanding == 0)
    }

    /// Whether it was ended from outside.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.controls.is_cancelled()
    }

    /// The first attempt of the call that no input is known of.
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
                let result = Err(Error::Arguments { attempt, reason });
                let _ = self.teller.send(Told::Done(Done { index, result }.into()));
            }
        }
        index
    }

    /// An input that can't be given takes its number all the same. What it ends with, and its number.
    pub(crate) fn skip(&mut self, why: impl FnOnce(Attempt) -> Error) -> (u64, Error) {
        let (mut attempt, index) = (self.first_attempt(), self.next);
        attempt.input = self.is_map.then_some(index);
        self.next += 1;
        (index, why(attempt))
    }

    /// There are no more inputs.
    pub(crate) fn close(&self) {
        self.controls.order(Order::Close);
    }

    /// Waits until the scheduler has what was given, so that it goes on when this program has ended; or never will.
    pub(crate) fn wait_until_submitted(&self) {
        self.controls.wait_until_submitted();
    }

    /// Waits for what comes next; nothing if all inputs have ended, and none is awaited from a feeder.
    pub(crate) fn next(&mut self, is_fed: bool) -> Option<Next> {
        let is_idle = self.outstanding == 0 && !is_fed && !self.is_attached;
        if self.unwatched.is_some() || is_idle {
            return None;
        }
        // This end's own sender keeps the channel open.
        match self.told.recv().ok()? {
            Told::Done(done) => {
                self.outstanding = self.outstanding.saturating_sub(1);
                let done: Done = done.into();
                if !self.is_map {
                    self.failure = done.result.as_ref().err().cloned();
                }
                Some(Next::Done(done))
            }
            Told::Emitted(value) => Some(Next::Emitted(value)),
            Told::Input(input) => Some(Next::Input(input)),
            Told::NoMore => Some(Next::NoMore),
            Told::Ended => Some(Next::Ended),
            Told::Over => {
                self.is_attached = false;
                self.outstanding = 0;
                // Whoever feeds it must hear that it was ended.
                is_fed.then_some(Next::Ended)
            }
            Told::Unwatched(who) => {
                self.unwatched = Some(who);
                None
            }
        }
    }

    /// When all inputs have ended: waits until nothing is left of it. What went wrong besides.
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

/// What was not asked for is not run, and what is being run is killed.
impl Drop for Remote {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.controls.abandon();
            let _ = self.join();
        }
        self.watch.end(None);
    }
}

/// A new call's id and key.
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

/// What is to be run.
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
        spec: plan.spec.clone(),
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
