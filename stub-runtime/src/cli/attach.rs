//! `attach ID`: a call that an earlier program began on a cluster, with its values as they come.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::exit::{CommandFailure, exit_status};
use crate::call::{Outcome, Result};
use crate::engines::{FoundCall, FoundValue, attach as take_up};
use crate::local::interrupt::{CtrlC, INTERRUPTED, until_interrupted};
use crate::observe::watch::say;

/// Reattaches to a call, and prints its output like the command that began it. The values of a map
/// are printed one per line, with the indices of their inputs. A single value is printed as it is.
/// For a command, only its own output is printed.
///
/// Exit status: that of the command that began the call.
pub fn attach(id: &str) -> ExitCode {
    match print_all(id) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => failure.report(),
    }
}

fn print_all(id: &str) -> std::result::Result<u8, CommandFailure> {
    let found = take_up(id)?;
    let ender = found.ender();
    let (status, is_interrupted) = until_interrupted(&ender, CtrlC::Ends, || print(found));
    match status {
        _ if is_interrupted => Ok(INTERRUPTED),
        status => status,
    }
}

fn print(found: FoundCall) -> std::result::Result<u8, CommandFailure> {
    let is_map = found.is_map();
    let (mut out, mut failed, mut status) = (io::stdout().lock(), 0_u64, 0);
    for (index, value) in found {
        let line = match (index, value) {
            (Some(index), value) if is_map => {
                let line = line(index, value);
                failed += u64::from(line.get("error").is_some());
                line.to_string()
            }
            (_, Err(error)) => return Err(error.into()),
            (_, Ok(FoundValue::Command(outcome))) => {
                status = status_of(&outcome);
                continue;
            }
            (_, Ok(FoundValue::Value(Value::Null))) => continue,
            (_, Ok(FoundValue::Value(Value::String(text)))) => text,
            (_, Ok(FoundValue::Value(value))) => format!("{value:#}"),
        };
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        written
            .map_err(|error| CommandFailure::new(format!("failed to write the values: {error}")))?;
    }
    if failed > 0 {
        say(&format!("{failed} inputs failed"));
        return Ok(1);
    }
    Ok(status)
}

fn line(index: u64, value: Result<FoundValue>) -> Value {
    match value {
        Ok(FoundValue::Value(value)) => json!({ "index": index, "value": value }),
        Ok(FoundValue::Command(outcome)) => json!({ "index": index, "value": status_of(&outcome) }),
        Err(error) => json!({ "index": index, "error": format!("{error:#}") }),
    }
}

/// Returns the exit status of a command. Prints objects that are not stored on standard error.
fn status_of(outcome: &Outcome) -> u8 {
    for lost in &outcome.not_stored {
        say(&format!("not stored: {lost}"));
    }
    exit_status(outcome)
}
