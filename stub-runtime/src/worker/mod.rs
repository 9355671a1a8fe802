//! The process that runs a function's body: this program again, inside the finished sandbox.

mod panic;

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::function::{Function, InvokeError};
use crate::payload::Payload;
use crate::protocol::{Channel, ChannelError, FromWorker, ToWorker};
use crate::registry;
use crate::sys;

/// Runs one function and ends the process.
pub(crate) fn main(supervisor: &Channel) -> ! {
    // What Rust's runtime does before `main`, which this process never reaches. If the kernel
    // refuses, the body merely sees the default.
    let _ = sys::ignore_broken_pipes();
    let _ = sys::set_name("stub-worker");
    match run(supervisor) {
        Ok(()) => std::process::exit(0),
        // Nobody is left to be told.
        Err(_) => sys::exit_now(1),
    }
}

fn run(supervisor: &Channel) -> Result<(), ChannelError> {
    let (ToWorker { function }, descriptors) = supervisor.receive()?;
    let (report, value) = match (registry::find(&function), descriptors.into_iter().next()) {
        (Ok(function), Some(arguments)) => invoke(function, Payload::from(arguments)),
        (Ok(_), None) => (
            FromWorker::Codec {
                reason: "the arguments are missing".into(),
            },
            None,
        ),
        (Err(reason), _) => (FromWorker::Codec { reason }, None),
    };
    // Lines that the body printed without an end are seen before the caller goes on.
    let _ = std::io::stdout().flush();
    let value: Option<OwnedFd> = value.map(OwnedFd::from);
    let descriptors: Vec<_> = value.iter().map(AsFd::as_fd).collect();
    supervisor.send(&report, &descriptors)
}

fn invoke(function: &Function, arguments: Payload) -> (FromWorker, Option<Payload>) {
    let record = panic::record();
    // The process ends after this, so nobody sees what a panic left half done.
    match catch_unwind(AssertUnwindSafe(|| (function.invoke)(arguments))) {
        Ok(Ok(value)) => (FromWorker::Returned, Some(value)),
        Ok(Err(InvokeError::Failed(chain))) => (FromWorker::Failed { chain }, None),
        Ok(Err(InvokeError::Codec(reason))) => (FromWorker::Codec { reason }, None),
        Err(payload) => {
            let panic = record.take(payload.as_ref());
            (
                FromWorker::Panicked {
                    message: panic.message,
                    location: panic.location,
                },
                None,
            )
        }
    }
}
