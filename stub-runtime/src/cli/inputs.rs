//! Command `run NAME --inputs FILE`: a line of JSON in, a line of JSON out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map as Object, Value, json};

use super::command::wrong;
use super::exit::CommandFailure;
use crate::api::Payloads;
use crate::call::{Attempt, Error, Result};
use crate::codec::{Given, Payload};
use crate::declare::Function;
use crate::engines::Mapped;
use crate::local::interrupt::{CtrlC, INTERRUPTED, until_interrupted};
use crate::observe::watch::{InputsBar, say};

/// Maps a function over the lines of a file.
pub(super) fn map(
    function: &'static Function,
    inputs: &Path,
    is_ordered: bool,
    result: Option<&Path>,
) -> std::result::Result<ExitCode, CommandFailure> {
    if function.iterates {
        return Err(CommandFailure::usage(
            "a function that returns an iterator or a stream has one input: give its arguments",
        ));
    }
    let lines = open(inputs)?;
    let mut out = create(result)?;
    // Before the map, which prints beside it.
    let progress = InputsBar::new(|| count(inputs));
    let mapped = Mapped::new(function)?;
    let ender = mapped.ender();
    let given = lines.map(move |line| input(function, line));
    let mut payloads = Payloads::beside(Ok(mapped), given, is_ordered);
    let (written, is_interrupted) =
        until_interrupted(&ender, CtrlC::Ends, || -> io::Result<u64> {
            let mut failed = 0;
            while let Some((index, payload)) = payloads.next() {
                let line = line(function, index, payload);
                failed += u64::from(line.get("error").is_some());
                progress.one_more(failed);
                writeln!(out, "{line}")?;
                if payloads.is_waiting() {
                    out.flush()?;
                }
            }
            out.flush()?;
            Ok(failed)
        });
    progress.end();
    let failed = written
        .map_err(|error| CommandFailure::new(format!("failed to write the values: {error}")))?;
    if is_interrupted {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if failed > 0 {
        say(&format!("{failed} inputs failed"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

type Lines = Box<dyn Iterator<Item = io::Result<String>> + Send>;

fn open(path: &Path) -> std::result::Result<Lines, CommandFailure> {
    let reader: Box<dyn BufRead + Send> = if path == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = File::open(path);
        let file = file.map_err(|error| {
            CommandFailure::usage(format!("failed to read `{}`: {error}", path.display()))
        })?;
        Box::new(BufReader::new(file))
    };
    // An empty line is none.
    let is_something =
        |line: &io::Result<String>| !line.as_ref().is_ok_and(|l| l.trim().is_empty());
    Ok(Box::new(reader.lines().filter(is_something)))
}

/// Counts the inputs in a file that can be read twice.
fn count(path: &Path) -> Option<u64> {
    if !path.is_file() {
        return None;
    }
    let lines = open(path).ok()?;
    Some(lines.count() as u64)
}

fn create(path: Option<&Path>) -> std::result::Result<Box<dyn Write>, CommandFailure> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    };
    let file = File::create(path).map_err(|error| {
        CommandFailure::new(format!("failed to write `{}`: {error}", path.display()))
    })?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Parses the arguments in a line.
fn input(function: &Function, line: io::Result<String>) -> io::Result<Payload> {
    let value = serde_json::from_str(&line?)
        .map_err(|error| io::Error::other(format!("the line is not JSON: {error}")))?;
    let given = given(function, value).map_err(io::Error::other)?;
    (function.parse)(given).map_err(|error| io::Error::other(wrong(function, &error)))
}

/// Splits JSON into arguments: the value of the only one, or else a list of all, or an object with
/// their names.
fn given(function: &Function, value: Value) -> std::result::Result<Vec<Given>, String> {
    let names: Vec<_> = function
        .parameters
        .iter()
        .map(|parameter| parameter.name)
        .collect();
    let is_named = |object: &Object<String, Value>| {
        object.keys().all(|key| names.contains(&key.as_str()))
            && (names.len() != 1 || object.len() == 1)
    };
    match value {
        Value::Object(mut object) if is_named(&object) => Ok(names
            .iter()
            .map(|name| Given::Json(object.remove(*name).unwrap_or(Value::Null)))
            .collect()),
        value if names.len() == 1 => Ok(vec![Given::Json(value)]),
        Value::Array(list) if list.len() == names.len() => {
            Ok(list.into_iter().map(Given::Json).collect())
        }
        _ => Err(format!(
            "a list of {} values, or an object with {}, is needed",
            names.len(),
            names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

fn line(function: &Function, index: u64, payload: Result<Payload>) -> Value {
    let shown = payload.and_then(|payload| {
        (function.show)(payload)
            .map_err(|error| Error::value(Attempt::first(function.path()), &error))
    });
    match shown {
        Ok(value) => json!({ "index": index, "value": value }),
        Err(error) => json!({ "index": index, "error": format!("{error:#}") }),
    }
}
