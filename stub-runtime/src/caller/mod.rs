//! The caller's side of a call: it starts a supervisor, says what is to be run, and waits.

mod launch;
mod prepare;
mod process;
mod unfinished;
mod verdict;

use std::thread;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::function::Function;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::protocol::Channel;
use crate::spec::CallSpec;

use launch::Launched;

/// Calls a function: evaluates its volumes and secrets here, runs its body in a sandbox, and
/// returns its value, which then is stored as far as it was written to a volume.
///
/// Blocks, from any thread.
///
/// # Errors
/// See [`Error`].
pub fn run(function: &'static Function, input: Payload) -> Result<Payload, Error> {
    let spec = prepare::spec(function)?;
    let label = spec.label();
    let (outcome, value) = Launched::start(spec, Some(input))?.wait()?;
    verdict::value(label, outcome, value)
}

/// Calls a function as [`run`] does, without blocking the thread: in any async runtime.
///
/// A future that is dropped takes its call with it: the body is killed and its uploads aborted.
///
/// # Errors
/// See [`Error`].
pub async fn run_async(function: &'static Function, input: Payload) -> Result<Payload, Error> {
    let spec = prepare::spec(function)?;
    let label = spec.label();
    let launched = Launched::start(spec, Some(input))?;
    let cancel = Cancel(launched.connection()?);
    let (sender, receiver) = oneshot::channel();
    let waiter = thread::Builder::new()
        .name("stub-call".to_owned())
        .spawn(move || {
            // Nobody waits for a call that was dropped.
            let _ = sender.send(launched.wait());
        });
    waiter.map_err(|source| verdict::start(&label, "start a thread", source))?;
    let ended = receiver.await;
    drop(cancel);
    let (outcome, value) = ended.map_err(|_| Error::Lost {
        function: label.clone(),
        reason: "is no longer watched: the thread that waited for it panicked".to_owned(),
    })??;
    verdict::value(label, outcome, value)
}

/// Runs a command in a sandbox; `Outcome` has its exit status or signal, and what could not be
/// stored. Blocks.
///
/// # Errors
/// The command was not run ([`Error::Volume`], [`Error::Sandbox`], [`Error::NotStarted`],
/// [`Error::Start`]), or it is not known how it ended ([`Error::Lost`]).
pub fn run_command(spec: CallSpec) -> Result<Outcome, Error> {
    let (outcome, _) = Launched::start(spec, None)?.wait()?;
    Ok(outcome)
}

/// Ends a call when dropped; one that has ended already doesn't notice.
struct Cancel(Channel);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}
