//! `run NAME`: one call, or a map over the lines of a file.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ArgMatches;
use serde_json::Value;

use super::command::{INPUTS, UNORDERED, WRITE_RESULT, id, is_flag, wrong};
use super::exit::CommandFailure;
use super::print::print;
use super::{begin, inputs, names};
use crate::codec::{Given, Payload};
use crate::declare::Function;
use crate::engines::{Background, Emitted};
use crate::local::interrupt::{CtrlC, INTERRUPTED, until_interrupted};
use crate::observe::watch::say;

/// Runs a function as the command line says.
pub(super) fn run(name: &str, arguments: &ArgMatches) -> Result<ExitCode, CommandFailure> {
    let function = names::find(name)
        .ok_or_else(|| CommandFailure::usage(format!("failed to find function `{name}`")))?;
    begin(arguments)?;
    let result = arguments.get_one::<PathBuf>(WRITE_RESULT);
    if let Some(file) = arguments.get_one::<PathBuf>(INPUTS) {
        let is_ordered = !arguments.get_flag(UNORDERED);
        return inputs::map(function, file, is_ordered, result.map(PathBuf::as_path));
    }
    let given = function.parameters.iter().map(|parameter| {
        let words = arguments.get_many::<String>(&id(parameter));
        let mut words: Vec<String> = words.into_iter().flatten().cloned().collect();
        if words.is_empty() && is_flag(parameter) {
            words.push("false".to_owned());
        }
        Given::Words(words)
    });
    let input = (function.parse)(given.collect())
        .map_err(|error| CommandFailure::usage(wrong(function, &error)))?;
    if function.iterates {
        return emit(function, input, result.map(PathBuf::as_path));
    }
    let call = Background::new(function, None)?;
    let (value, is_interrupted) = until_interrupted(&call, CtrlC::Ends, || call.run(&input, || {}));
    let value = match value {
        Err(error) if is_interrupted => {
            say(&format!("{error:#}"));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        value => value?,
    };
    let value = (function.show)(value)
        .map_err(|error| CommandFailure::new(format!("failed to print its value: {error}")))?;
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text + "\n",
        value => format!("{value:#}\n"),
    };
    match result {
        None => print(&text)?,
        Some(file) => fs::write(file, text).map_err(|error| {
            CommandFailure::new(format!("failed to write `{}`: {error}", file.display()))
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints values as they come, a line each.
fn emit(
    function: &'static Function,
    input: Payload,
    result: Option<&Path>,
) -> Result<ExitCode, CommandFailure> {
    let can_not_write = |error| CommandFailure::new(format!("failed to write the values: {error}"));
    let mut out: Box<dyn Write> = match result {
        None => Box::new(io::stdout()),
        Some(file) => Box::new(fs::File::create(file).map_err(can_not_write)?),
    };
    let mut emitted = Emitted::new(function, input)?;
    let canceller = emitted.canceller();
    // With the values: what is given up ends before signals end the program again.
    let print_all = move || -> Result<(), CommandFailure> {
        while let Some(value) = emitted.next() {
            let value = (function.show)(value?).map_err(|error| {
                CommandFailure::new(format!("failed to print a value: {error}"))
            })?;
            let written = match value {
                Value::String(text) => writeln!(out, "{text}"),
                value => writeln!(out, "{value}"),
            };
            written.and_then(|()| out.flush()).map_err(can_not_write)?;
        }
        Ok(())
    };
    match until_interrupted(&*canceller, CtrlC::Ends, print_all) {
        (Err(failure), true) => {
            failure.report();
            Ok(ExitCode::from(INTERRUPTED))
        }
        (result, _) => result.map(|()| ExitCode::SUCCESS),
    }
}
