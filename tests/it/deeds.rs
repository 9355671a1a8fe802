//! Bodies for each way to end, and the results that their callers must get.

use std::time::Duration;
use std::{process, thread};

use stub::ErrorKind;

/// Action of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Deed {
    Return,
    Fail,
    Panic,
    Exit,
    Abort,
    Hang,
    BeCancelled,
}

// A panic whose backtrace is printed takes a while on a busy machine.
#[stub::function(timeout = Duration::from_secs(3))]
pub(crate) fn does(n: u64, deed: Deed) -> Result<u64, String> {
    match deed {
        Deed::Return => return Ok(n),
        Deed::Fail => return Err(format!("{n} fails")),
        Deed::Panic => panic!("{n} panics"),
        Deed::Exit => process::exit(3),
        Deed::Abort => process::abort(),
        Deed::Hang | Deed::BeCancelled => thread::sleep(Duration::from_hours(1)),
    }
    Ok(n)
}

/// Runs the same body without a timeout, for busy machines.
#[stub::function]
pub(crate) fn does_in_time(n: u64, deed: Deed) -> Result<u64, String> {
    does::local(n, deed)
}

/// Returns whether a result is the one of an input with this action.
pub(crate) fn is_right(n: u64, deed: Deed, result: &stub::Result<u64>) -> bool {
    match (deed, result.as_ref().map_err(|error| &error.kind)) {
        (Deed::Return, Ok(value)) => *value == n,
        (Deed::Fail, Err(ErrorKind::Failed { source })) => {
            source.to_string() == format!("{n} fails")
        }
        (Deed::Panic, Err(ErrorKind::Panicked { message, .. })) => {
            *message == format!("{n} panics")
        }
        (Deed::Exit, Err(ErrorKind::Exited { code })) => *code == 3,
        (Deed::Abort, Err(ErrorKind::Killed { signal })) => *signal == 6,
        (Deed::Hang, Err(ErrorKind::TimedOut { .. }))
        | (Deed::BeCancelled, Err(ErrorKind::Cancelled)) => true,
        _ => false,
    }
}
