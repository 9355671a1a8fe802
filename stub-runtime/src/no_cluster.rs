//! Room of a program without clusters: the same names, of calls that can't begin. Each error names the feature.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::call::{Attempt, Error, ErrorKind};
use crate::codec::Payload;
use crate::declare::Engine;
use crate::local::caller::{Canceller, MapEvent, MapMessage, Plan, Registered};
use crate::observe::output::Sink;
use crate::observe::watch::Watch;

/// Reason for which no call runs on a cluster.
const REASON: &str = "this program was built without clusters\n\
     enable the feature `cluster` of the crate `stub` (`kubernetes` for Kubernetes)";

/// A call on a cluster; there is none.
#[derive(Debug)]
pub(crate) struct Remote(Infallible);

/// Control of a call on a cluster; there is none.
#[derive(Debug)]
pub(crate) struct Controls(Infallible);

/// A call that was written down; there is none.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// A call that an earlier caller began; there is none.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) remote: Remote,
    pub(crate) is_map: bool,
    pub(crate) is_command: bool,
}

/// Refuses to reattach to a call.
///
/// # Errors
/// Always.
pub(crate) fn attach(id: &str, _: Option<Arc<dyn Sink>>) -> Result<Attached, Error> {
    Err(refused("cluster", Attempt::first(id)))
}

/// Returns: this process is no task.
pub(crate) fn task(_number: &str) {}

fn refused(engine: &str, attempt: Attempt) -> Error {
    let kind = ErrorKind::Engine {
        engine: engine.to_owned(),
        reason: REASON.to_owned(),
    };
    Error::new(attempt, kind)
}

impl Controls {
    pub(crate) fn cancel(&self, _: Duration) {
        match self.0 {}
    }

    pub(crate) fn abandon(&self) {
        match self.0 {}
    }
}

impl Remote {
    /// Refuses a call on a cluster; returns nothing if the engine is this machine.
    pub(crate) fn begin(
        engine: &Engine,
        _: &Plan,
        _iterates: bool,
        _is_map: bool,
        _: Option<Arc<dyn Sink>>,
        watch: &Arc<Watch>,
    ) -> Result<Option<Self>, Error> {
        if *engine == Engine::Local {
            return Ok(None);
        }
        let attempt = Attempt::first(Arc::clone(watch.label()));
        Err(refused(engine.name().as_str(), attempt))
    }

    pub(crate) fn write_down(
        engine: &Engine,
        _: &Plan,
        watch: &Arc<Watch>,
    ) -> Result<Written, Error> {
        let attempt = Attempt::first(Arc::clone(watch.label()));
        Err(refused(engine.name().as_str(), attempt))
    }

    pub(crate) fn id(&self) -> &str {
        match self.0 {}
    }

    pub(crate) fn controls(&self) -> Arc<Controls> {
        match self.0 {}
    }

    pub(crate) fn ended_by<'a>(&self, _: &'a Canceller) -> Registered<'a> {
        match self.0 {}
    }

    pub(crate) fn teller(&self) -> Sender<MapMessage> {
        match self.0 {}
    }

    pub(crate) fn has_room(&self, _held: usize) -> bool {
        match self.0 {}
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn first_attempt(&self) -> Attempt {
        match self.0 {}
    }

    pub(crate) fn give(&mut self, _: Payload) -> u64 {
        match self.0 {}
    }

    pub(crate) fn skip(&mut self, _: impl FnOnce(Attempt) -> Error) -> (u64, Error) {
        match self.0 {}
    }

    pub(crate) fn close(&self) {
        match self.0 {}
    }

    pub(crate) fn wait_until_submitted(&self) {
        match self.0 {}
    }

    pub(crate) fn next(&mut self, _is_fed: bool) -> Option<MapEvent> {
        match self.0 {}
    }

    pub(crate) fn finish(&mut self) -> Option<Error> {
        match self.0 {}
    }

    pub(crate) fn into_value(self) -> Result<Payload, Error> {
        match self.0 {}
    }
}
