//! Named secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::file::Source;
use crate::secret::{Secret, SecretError};

/// The bits of everyone but the owner.
const OTHERS: u32 = 0o077;

/// Gets a secret from where the file says. Relative paths begin at the file's folder.
pub(super) fn get(name: &str, source: &Source, folder: &Path) -> Result<Secret, SecretError> {
    match source {
        Source::Env(names) => Secret::from_env(names.iter().cloned()),
        Source::File(path) => {
            let path = folder.join(path);
            check_private(&path)?;
            Secret::from_dotenv_path(path)
        }
        Source::Profile(profile) => Secret::from_profile(profile),
        Source::Command(words) => from_command(name, words, folder),
    }
}

/// What others can read is no secret.
fn check_private(path: &Path) -> Result<(), SecretError> {
    let metadata = path.metadata().map_err(|source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(SecretError::NotPrivate {
        path: path.to_owned(),
        mode,
    })
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
    Secret::from_dotenv_bytes(&output.stdout).ok_or_else(|| {
        failed(format!(
            "`{program}` printed a line that is not `NAME=value`"
        ))
    })
}
