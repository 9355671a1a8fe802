//! Files and programs that secrets come from, to be read again when a bucket refuses the keys.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use s3fs_core::KeySource;

use super::program::{self, Limit};
use super::{Secret, SecretError, SecretSource, dotenv};
use crate::host::trusted;
use crate::host::trusted::Untrusted;

/// Permission bits of everyone but the owner.
const OTHERS: u32 = 0o077;

/// Maximum duration of a program when it is run again.
const LONGEST_RUN: Duration = Duration::from_mins(1);

/// Reads a secret from its source.
pub(crate) fn read(source: &KeySource) -> Result<Secret, SecretError> {
    read_within(source, Limit::None)
}

/// Reads a secret again while its volume is mounted, when no user waits for a program's questions.
pub(crate) fn read_again(source: &KeySource) -> Result<Secret, SecretError> {
    read_within(source, Limit::After(LONGEST_RUN))
}

fn read_within(source: &KeySource, limit: Limit) -> Result<Secret, SecretError> {
    let entries = match source {
        KeySource::File(path) => dotenv::read(path)?,
        KeySource::PrivateFile(path) => dotenv::of_file(path, &read_private(path)?)?,
        KeySource::Command {
            name,
            words,
            folder,
        } => {
            let output = output(name, words, folder, limit)?;
            dotenv::parse(&output).map_err(|line| SecretError::Command {
                name: name.clone(),
                reason: format!(
                    "line {line} that `{}` printed is not `NAME=value`",
                    words.first().map_or("", String::as_str)
                ),
            })?
        }
        KeySource::Function { place } => {
            return Err(SecretError::Function {
                place: place.clone(),
                reason: "only its own process can call it".to_owned(),
            });
        }
    };
    Ok(Secret {
        entries,
        source: Some(SecretSource::Place(source.clone())),
    })
}

/// Reads a file that only this user can read and change: others must not know a secret, nor replace it.
fn read_private(path: &Path) -> Result<Vec<u8>, SecretError> {
    let not_private = |mode| SecretError::NotPrivate {
        path: path.to_owned(),
        mode,
    };
    match trusted::read(path) {
        Ok((_, status)) if status.mode & OTHERS != 0 => Err(not_private(status.mode)),
        Ok((bytes, _)) => Ok(bytes),
        Err(Untrusted::Writable { path: what, mode }) if what == path => Err(not_private(mode)),
        Err(error) => Err(error.into()),
    }
}

/// Returns the standard output of a program.
fn output(
    name: &str,
    words: &[String],
    folder: &Path,
    limit: Limit,
) -> Result<Vec<u8>, SecretError> {
    let failed = |reason: String| SecretError::Command {
        name: name.to_owned(),
        reason,
    };
    let Some((program, arguments)) = words.split_first() else {
        return Err(failed("it has no program".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let (status, printed) =
        program::output(&mut command, limit).map_err(|error| match (error.kind(), limit) {
            (ErrorKind::TimedOut, Limit::After(limit)) => {
                failed(format!("`{program}` has not ended within {limit:?}"))
            }
            _ => failed(format!("`{program}` can't be run: {error}")),
        })?;
    if !status.success() {
        return Err(failed(format!("`{program}` failed: {status}")));
    }
    Ok(printed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;

    use super::*;

    #[test]
    fn a_file_and_a_program_are_read_again_as_they_are_by_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.env");
        let command = KeySource::Command {
            name: "work".into(),
            words: vec!["cat".into(), "keys.env".into()],
            folder: folder.path().to_owned(),
        };
        for source in [KeySource::File(path.clone()), command] {
            for value in ["1", "2"] {
                fs::write(&path, format!("A={value}\n")).unwrap();
                let secret = read(&source).unwrap();
                assert_eq!(secret, Secret::from_dict([("A", value)]));
                assert_eq!(secret.source().as_ref(), Some(&source));
            }
            fs::write(&path, "hunter2").unwrap();
            let error = read(&source).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
