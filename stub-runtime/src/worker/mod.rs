//! The process that runs a function's body: this program again, inside the finished sandbox. It runs
//! one input after another, until the caller has no more.

mod panic;

use std::collections::VecDeque;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::function::{Emit, Function, InvokeError};
use crate::outcome::Ended;
use crate::payload::Payload;
use crate::protocol::{Channel, ChannelError, FromWorker, Inbox, Input, Report, ToWorker};
use crate::registry;
use crate::sys;

use panic::Record;

/// Runs what the caller sends and ends the process.
pub(crate) fn main(caller: &Channel) -> ! {
    // What Rust's runtime does before `main`, which this process never reaches. If the kernel
    // refuses, the body merely sees the default.
    let _ = sys::ignore_broken_pipes();
    let _ = sys::set_name("stub-worker");
    match serve(caller) {
        Ok(()) => std::process::exit(0),
        // Nobody is left to be told.
        Err(_) => sys::exit_now(1),
    }
}

fn serve(caller: &Channel) -> Result<(), ChannelError> {
    let (record, mut inbox) = (panic::record(), Inbox::default());
    // Those that were given ahead of the word to go on.
    let mut waiting = VecDeque::new();
    let mut may_go_on = true;
    loop {
        let (input, beside) = match may_go_on.then(|| waiting.pop_front()).flatten() {
            Some(next) => next,
            None => match inbox.receive::<ToWorker>(caller) {
                Err(ChannelError::Closed) => return Ok(()),
                Err(error) => return Err(error),
                Ok((ToWorker::GoOn, _)) => {
                    may_go_on = true;
                    continue;
                }
                Ok((ToWorker::Run(input), beside)) if may_go_on => (input, beside),
                Ok((ToWorker::Run(input), beside)) => {
                    waiting.push_back((input, beside));
                    continue;
                }
            },
        };
        let prints_apart = input.prints_apart;
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
        let (ended, value) = match (run(&record, input, beside, &mut emit), failure) {
            (_, Some(reason)) => (Ended::Codec { reason }, None),
            (ended, None) => ended,
        };
        // Lines that the body printed without an end are seen before the caller goes on.
        let _ = std::io::stdout().flush();
        // Nobody shall see what a panic left half done.
        let is_last = matches!(ended, Ended::Panicked { .. });
        may_go_on = !(prints_apart && has_printed());
        report(caller, ended, value.as_ref(), !may_go_on)?;
        if is_last {
            return Ok(());
        }
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

/// Whether something that was printed is not read yet.
fn has_printed() -> bool {
    sys::unread(std::io::stdout()) + sys::unread(std::io::stderr()) > 0
}

/// Sends one of several values.
fn emit(caller: &Channel, value: &Payload) -> Result<(), ChannelError> {
    let (value, beside) = value.pack();
    let beside: Vec<_> = beside.into_iter().collect();
    caller.send(&FromWorker::Emitted(value), &beside)
}

fn run(
    record: &Record,
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
    record: &Record,
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
