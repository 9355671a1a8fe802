//! The attempts of a call, one after another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::{Attempt, Error, ErrorKind};
use crate::declare::Retries;
use crate::observe::report::SandboxId;
use crate::observe::watch::{Attempted, Watch};

use super::cancel::Canceller;

/// Current attempt of a call, and the delays before further ones.
pub(super) struct Tries {
    attempt: Attempt,
    began: Instant,
    /// Sandbox of the current attempt, if there is a record.
    sandbox: Option<SandboxId>,
    /// Delay before each further attempt.
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    watch: Arc<Watch>,
}

impl Tries {
    /// Begins the first attempt.
    pub(super) fn new(retries: &Retries, watch: Arc<Watch>) -> Self {
        Self {
            attempt: Attempt::first(Arc::clone(watch.label())),
            began: Instant::now(),
            sandbox: None,
            delays: Box::new(retries.delays()),
            watch,
        }
    }

    /// Returns the current attempt.
    pub(super) fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// Records the sandbox of the current attempt.
    pub(super) fn is_in(&mut self, sandbox: Option<SandboxId>) {
        self.sandbox = sandbox;
    }

    /// Makes the current attempt the last one, whatever its result.
    pub(super) fn make_last(&mut self) {
        self.delays = Box::new(std::iter::empty());
    }

    /// Records the success of the current attempt.
    pub(super) fn succeeded(&self) {
        self.watch.attempted(self.ended());
    }

    /// Records the failure of the current attempt. Waits until the next one begins; if there is
    /// none, fails with the error of the call.
    pub(super) fn failed(&mut self, error: Error, canceller: &Canceller) -> Result<(), Error> {
        let error = error.in_attempt(&self.attempt);
        let ended = Attempted {
            error: Some(&error),
            is_abandoned: canceller.is_abandoned(),
            ..self.ended()
        };
        let may_get_better = error.is_worth_retrying();
        let Some(delay) = may_get_better.then(|| self.delays.next()).flatten() else {
            self.watch.attempted(ended);
            return Err(error);
        };
        tracing::info!(%error, ?delay, "attempt failed: retrying");
        let is_cancelled = canceller.sleep(delay);
        self.watch.attempted(Attempted {
            is_retried: !is_cancelled,
            ..ended
        });
        if is_cancelled {
            // What was not stored must be told in any case.
            let is_told = matches!(error.kind, ErrorKind::NotStored { .. });
            let attempt = self.attempt.clone();
            return Err(if is_told {
                error
            } else {
                Error::new(attempt, ErrorKind::Cancelled)
            });
        }
        self.attempt.number += 1;
        self.began = Instant::now();
        self.sandbox = None;
        Ok(())
    }

    /// Returns the record of an attempt that ends now, with success.
    fn ended(&self) -> Attempted<'static> {
        Attempted {
            input: None,
            number: self.attempt.number,
            sandbox: self.sandbox,
            began: self.began,
            ended: Instant::now(),
            error: None,
            is_retried: false,
            is_abandoned: false,
        }
    }
}
