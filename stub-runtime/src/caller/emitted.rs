//! A call whose values come one by one.

use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::attempt::Attempt;
use crate::call::GRACE;
use crate::error::Error;
use crate::function::Function;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::protocol::{Report, Stop};
use crate::summary::Summary;

use super::cancel::Canceller;
use super::launch::{Heard, Launched, Takers};
use super::prepare::{self, Plan};
use super::verdict;

/// The values of a call, as they come. The sandbox is there from the first that is asked for to the last.
pub(crate) struct Emitted {
    plan: Plan,
    input: Payload,
    attempt: Attempt,
    /// Before further attempts, as long as there was no value.
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    takers: Takers,
    canceller: Arc<Canceller>,
    running: Option<Running>,
    is_over: bool,
}

struct Running {
    launched: Launched,
    until: Option<Instant>,
    report: Option<(Report, Option<Payload>)>,
}

impl Running {
    /// Its time is over.
    fn stop(&mut self, timeout: Option<Duration>) {
        self.until = None;
        let after = timeout.unwrap_or_default();
        self.launched.stop(Stop::TimedOut { after });
    }
}

impl Emitted {
    /// Evaluates the function's volumes, secrets and options.
    pub(crate) fn new(function: &'static Function, input: Payload) -> Result<Self, Error> {
        let plan = prepare::plan(function)?;
        Ok(Self {
            input,
            attempt: Attempt::first(plan.spec.label()),
            delays: Box::new(plan.options.retries.delays()),
            takers: Takers {
                sink: None,
                summary: Summary::of(&plan.spec.label()),
                no_stdin: false,
            },
            plan,
            canceller: Arc::default(),
            running: None,
            is_over: false,
        })
    }

    /// What can end it while a value is waited for; what has been written is stored.
    pub(crate) fn canceller(&self) -> Arc<Canceller> {
        Arc::clone(&self.canceller)
    }

    /// Which attempt it is.
    pub(crate) fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// The next value; an error is the last thing that comes.
    pub(crate) fn next(&mut self) -> Option<Result<Payload, Error>> {
        while !self.is_over {
            let error = match self.attempt_next() {
                Ok(Some(value)) => {
                    // What was given can't be taken back, so this is the last attempt.
                    self.delays = Box::new(iter::empty());
                    return Some(Ok(value));
                }
                Ok(None) => {
                    self.is_over = true;
                    return None;
                }
                Err(error) => error.in_attempt(&self.attempt),
            };
            let delay = error
                .is_worth_retrying()
                .then(|| self.delays.next())
                .flatten();
            let Some(delay) = delay else {
                self.is_over = true;
                return Some(Err(error));
            };
            tracing::info!(%error, ?delay, "trying again");
            if self.canceller.sleep(delay) {
                self.is_over = true;
                return Some(Err(error));
            }
            self.attempt.number += 1;
        }
        None
    }

    fn attempt_next(&mut self) -> Result<Option<Payload>, Error> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.begin()?,
        };
        let timeout = self.plan.options.timeout;
        let canceller = self.canceller();
        let _registered = canceller.register(running.launched.connection()?);
        loop {
            match running.launched.hear(running.until) {
                Heard::Started => {
                    running.until = timeout.and_then(|time| Instant::now().checked_add(time));
                }
                Heard::Emitted(value) => {
                    // Values that come without a pause must not hide that the time is over.
                    if running.until.is_some_and(|until| Instant::now() >= until) {
                        running.stop(timeout);
                    }
                    self.running = Some(running);
                    return Ok(Some(value));
                }
                Heard::Reported(report, value) => running.report = Some((report, value)),
                Heard::WorkerGone | Heard::Stored(_) => {}
                Heard::TimeUp => running.stop(timeout),
                Heard::Over => return self.end(running),
            }
        }
    }

    fn begin(&self) -> Result<Running, Error> {
        let launched = Launched::start(self.plan.spec.clone(), self.takers.clone())?;
        // A worker that is gone is heard of.
        let _ = launched.give(&self.plan.spec.label(), &self.input);
        launched.give_no_more();
        Ok(Running {
            launched,
            until: None,
            report: None,
        })
    }

    fn end(&self, running: Running) -> Result<Option<Payload>, Error> {
        let mut outcome: Outcome = running.launched.finish()?;
        let mut value = None;
        if let Some((report, returned)) = running.report {
            outcome.ended = report.ended;
            value = returned;
        }
        verdict::value(self.attempt.clone(), outcome, value).map(|_| None)
    }
}

/// Nobody wants more: the body ends, and what it has written is stored.
impl Drop for Emitted {
    fn drop(&mut self) {
        let Some(Running { mut launched, .. }) = self.running.take() else {
            return;
        };
        launched.stop(Stop::Cancelled { grace: GRACE });
        while !matches!(launched.hear(None), Heard::Over) {}
        if let Err(error) = launched.finish() {
            tracing::warn!(%error, "a call that nobody wanted more of ended badly");
        }
    }
}
