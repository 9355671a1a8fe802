//! `serve`: functions that have a schedule, at their times.

use std::process::ExitCode;

use super::exit::CommandFailure;
use super::names;
use super::schedules::{Entry, serve as run_all};
use crate::call::{Attempt, Error, ErrorKind};
use crate::declare::{Function, Schedule, registry};
use crate::engines::run_until;
use crate::local::caller::Canceller;
use crate::local::interrupt::{CtrlC, until_interrupted};
use crate::observe::watch::{announce, say};

/// Runs them until a signal.
pub(super) fn serve() -> Result<ExitCode, CommandFailure> {
    let (mut entries, mut labels) = (Vec::new(), Vec::new());
    for (name, function) in names::all() {
        if let Some(schedule) = schedule(&name, function)? {
            labels.push(registry::name(function));
            entries.push(Entry {
                name: name.clone(),
                schedule,
                run: Box::new(move |canceller| run(function, canceller)),
            });
        }
    }
    if entries.is_empty() {
        return Err(CommandFailure::usage(
            "failed to serve functions: none has a schedule\nwrite `#[stub::function(schedule = Cron(\"0 3 * * *\"))]`",
        ));
    }
    announce(labels.iter().map(String::as_str));
    for entry in &entries {
        say(&format!("{}: {}", entry.name, entry.schedule));
    }
    let canceller = Canceller::default();
    until_interrupted(&canceller, CtrlC::Ends, || {
        run_all(&entries, &canceller, &|line| say(line));
    });
    Ok(ExitCode::SUCCESS)
}

fn schedule(name: &str, function: &Function) -> Result<Option<Schedule>, CommandFailure> {
    let refused = |reason: String| {
        let attempt = Attempt::first(name);
        CommandFailure::from(Error::new(attempt, ErrorKind::Options { reason }))
    };
    match (function.options)().schedule {
        None => Ok(None),
        Some(Err(error)) => Err(refused(error.to_string())),
        Some(Ok(_)) if !function.parameters.is_empty() => Err(refused(
            "it has a `schedule` and arguments, which nobody would give".to_owned(),
        )),
        Some(Ok(schedule)) => Ok(Some(schedule)),
    }
}

fn run(function: &'static Function, canceller: &Canceller) -> String {
    let call = || {
        let nothing = (function.parse)(Vec::new()).map_err(|error| error.reason)?;
        run_until(function, &nothing, canceller).map_err(|error| format!("{error:#}"))
    };
    match call() {
        Ok(_) => "ended well".to_owned(),
        Err(error) => format!("failed: {error}"),
    }
}
