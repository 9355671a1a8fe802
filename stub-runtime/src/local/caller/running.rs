//! Attempt of a call, in a sandbox of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::{CallSpec, Error, Outcome, Work};
use crate::codec::Payload;
use crate::observe::report::SandboxId;
use crate::protocol::{Channel, Report, Stop};
use crate::sys;

use super::cancel::Canceller;
use super::launch::{Heard, Launched, Takers};

/// Minimum time that a sandbox has to reach its buckets and to start its work.
const LEAST_TO_START: Duration = Duration::from_secs(5);

/// Returns the deadline for a sandbox launched now to start its work. The time until then is not
/// the work's own, but is limited by the same timeout.
pub(super) fn start_limit(timeout: Option<Duration>) -> Option<Instant> {
    Instant::now().checked_add(timeout?.max(LEAST_TO_START))
}

/// A running attempt.
pub(super) struct RunningAttempt {
    launched: Launched,
    /// Connection through which it can be ended from outside.
    connection: Arc<Channel>,
    timeout: Option<Duration>,
    /// Deadline: first for the start, then for the end.
    until: Option<Instant>,
    report: Option<(Report, Option<Payload>)>,
}

impl RunningAttempt {
    /// Starts the sandbox. `input`: the arguments of a function.
    pub(super) fn start(
        spec: CallSpec,
        input: Option<&Payload>,
        takers: Takers,
    ) -> Result<Self, Error> {
        let (timeout, work) = (spec.timeout, spec.work.clone());
        let (launched, connection) = Launched::start(spec, takers)?;
        if let (Work::Function { name }, Some(input)) = (&work, input) {
            // One that is gone already is heard of.
            let _ = launched.give(name, input);
            launched.give_no_more();
        }
        Ok(Self {
            launched,
            connection,
            timeout,
            until: start_limit(timeout),
            report: None,
        })
    }

    /// Waits for the next of several values; returns nothing if the attempt is over. The canceller can end it
    /// meanwhile.
    pub(super) fn next_value(&mut self, canceller: &Canceller) -> Option<Payload> {
        let _registered = canceller.register(Arc::clone(&self.connection));
        loop {
            match self.launched.hear(self.until) {
                // A time beyond what the clock can show never comes.
                Heard::Started => {
                    self.until = self
                        .timeout
                        .and_then(|time| Instant::now().checked_add(time));
                }
                Heard::Emitted(value) => {
                    // Values that come without a pause must not hide that the time is over.
                    if self.until.is_some_and(|until| Instant::now() >= until) {
                        self.time_is_up();
                    }
                    return Some(value);
                }
                Heard::Reported(report, value) => self.report = Some((report, value)),
                Heard::WorkerGone | Heard::Stored(_) => {}
                Heard::TimeUp => self.time_is_up(),
                Heard::Over => return None,
            }
        }
    }

    /// Returns the sandbox's id in the record, if there is a record.
    pub(super) fn recorded(&self) -> Option<SandboxId> {
        self.launched.recorded()
    }

    fn time_is_up(&mut self) {
        self.until = None;
        let after = self.timeout.unwrap_or_default();
        self.launched.stop(Stop::TimedOut { after });
    }

    /// Ends the attempt; stores what it has written.
    pub(super) fn stop(&mut self, grace: Duration) {
        let signal = sys::SIGTERM;
        self.launched.stop(Stop::Cancelled { grace, signal });
        while !matches!(self.launched.hear(None), Heard::Over) {}
    }

    /// Returns the outcome after the end, and the value if there is one.
    pub(super) fn end(self) -> Result<(Outcome, Option<Payload>), Error> {
        let mut outcome = self.launched.finish()?;
        // A body that returned in time has a value, even if its process lingered.
        let Some((report, value)) = self.report else {
            return Ok((outcome, None));
        };
        outcome.ended = report.ended;
        Ok((outcome, value))
    }
}
