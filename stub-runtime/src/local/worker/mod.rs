//! The process that runs a function's body: this program again, inside the finished sandbox. It runs
//! one input after another, until the caller has no more.

mod inputs;
mod panic;

use std::io::Write;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::call::Ended;
use crate::codec::{Emit, InvokeError, Payload};
use crate::declare::{Function, registry};
use crate::protocol::{Channel, ChannelError, FromWorker, Input, Report};
use crate::sys;

use inputs::ReceivedInputs;
use panic::PanicRecord;

/// Runs the inputs that the caller sends, and ends the process.
pub(crate) fn main(caller: &Channel) -> ! {
    // What Rust's runtime does before `main`, which this process never reaches. If the kernel
    // refuses, the body merely sees the default.
    let _ = sys::ignore_broken_pipes();
    // At a terminal, Ctrl-C comes here as well: what it means is the caller's to say.
    let _ = sys::outlive_interrupts();
    let _ = sys::set_name("stub-worker");
    match serve(caller) {
        Ok(()) => std::process::exit(0),
        // Nobody is left to be told.
        Err(_) => sys::exit_now(1),
    }
}

fn serve(caller: &Channel) -> Result<(), ChannelError> {
    let (record, mut inputs) = (panic::record(), ReceivedInputs::new(caller));
    while let Some((input, beside)) = inputs.next()? {
        let prints_apart = input.prints_apart;
        let (ended, value) = run_emitting(caller, &record, input, beside);
        // Lines that the body printed without an end are seen before the caller goes on.
        let _ = std::io::stdout().flush();
        // Nobody shall see what a panic left half done.
        let is_last = matches!(ended, Ended::Panicked { .. });
        let has_printed = prints_apart && inputs.hold_if_printed();
        report(caller, ended, value.as_ref(), has_printed)?;
        if is_last {
            break;
        }
    }
    Ok(())
}

/// Runs an input, and sends its values as they come, if there are several.
fn run_emitting(
    caller: &Channel,
    record: &PanicRecord,
    input: Input,
    beside: Vec<OwnedFd>,
) -> (Ended, Option<Payload>) {
    let mut failure = None;
    let mut emit = |value: Payload| match emit(caller, &value) {
        Ok(()) => true,
        // Nobody wants more.
        Err(ChannelError::Closed) => false,
        Err(error) => {
            failure = Some(error.to_string());
            false
        }
    };
    match (run(record, input, beside, &mut emit), failure) {
        (_, Some(reason)) => (Ended::Codec { reason }, None),
        (ended, None) => ended,
    }
}

fn report(
    caller: &Channel,
    ended: Ended,
    value: Option<&Payload>,
    has_printed: bool,
) -> Result<(), ChannelError> {
    let (value, beside) = value.map(Payload::pack).unzip();
    let beside: Vec<_> = beside.flatten().into_iter().collect();
    let report = Report {
        ended,
        value,
        has_printed,
    };
    caller.send(&FromWorker::Ended(report), &beside)
}

/// Sends one of several values.
fn emit(caller: &Channel, value: &Payload) -> Result<(), ChannelError> {
    let (value, beside) = value.pack();
    let beside: Vec<_> = beside.into_iter().collect();
    caller.send(&FromWorker::Emitted(value), &beside)
}

fn run(
    record: &PanicRecord,
    input: Input,
    beside: Vec<OwnedFd>,
    emit: Emit<'_>,
) -> (Ended, Option<Payload>) {
    let refused = |reason| (Ended::Codec { reason }, None);
    match (
        registry::find(&input.function),
        Payload::unpack(input.arguments, beside),
    ) {
        (Ok(function), Some(arguments)) => invoke(record, function, arguments, emit),
        (Ok(_), None) => refused("the arguments are missing".to_owned()),
        (Err(reason), _) => refused(reason),
    }
}

fn invoke(
    record: &PanicRecord,
    function: &Function,
    arguments: Payload,
    emit: Emit<'_>,
) -> (Ended, Option<Payload>) {
    match catch_unwind(AssertUnwindSafe(|| (function.invoke)(arguments, emit))) {
        Ok(Ok(value)) => (Ended::Returned, Some(value)),
        Ok(Err(InvokeError::Failed(chain))) => (Ended::Failed { chain }, None),
        Ok(Err(InvokeError::Codec(reason))) => (Ended::Codec { reason }, None),
        Err(payload) => {
            let panic = record.take(payload.as_ref());
            let ended = Ended::Panicked {
                message: panic.message,
                location: panic.location,
            };
            (ended, None)
        }
    }
}
