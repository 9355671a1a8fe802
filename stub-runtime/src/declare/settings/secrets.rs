//! Named secrets.

use std::path::Path;
use std::process::{Command, Stdio};

use super::file::Source;
use crate::declare::secret::{Secret, SecretError};
use crate::host::trusted;
use crate::host::trusted::Untrusted;

/// The bits of everyone but the owner.
const OTHERS: u32 = 0o077;

/// Gets a secret from where the file says. Relative paths begin at the file's folder.
pub(super) fn get(name: &str, source: &Source, folder: &Path) -> Result<Secret, SecretError> {
    match source {
        Source::Env(names) => Secret::from_env(names.iter().cloned()),
        Source::File(path) => {
            let path = folder.join(path);
            let bytes = read_private(&path)?;
            Secret::from_lines(&path, &bytes)
        }
        Source::Profile(profile) => Secret::from_profile(profile),
        Source::Command(words) => from_command(name, words, folder),
    }
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

fn from_command(name: &str, words: &[String], folder: &Path) -> Result<Secret, SecretError> {
    let failed = |reason: String| SecretError::Command {
        name: name.to_owned(),
        reason,
    };
    let Some((program, arguments)) = words.split_first() else {
        return Err(failed("it has no program".to_owned()));
    };
    // What it asks or complains about goes to the user.
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("`{program}` can't be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("`{program}` failed: {}", output.status)));
    }
    Secret::from_output(&output.stdout).map_err(|line| {
        failed(format!(
            "line {line} that `{program}` printed is not `NAME=value`"
        ))
    })
}
