//! Errors of secrets; with names, never values.

use std::io;
use std::path::PathBuf;

use crate::host::trusted::Untrusted;

/// Reason for which a secret could not be made or used. Its text has names and never values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// `from_env` was asked for variables that don't exist.
    #[error("not set in the environment: {}", missing.join(", "))]
    NotSet {
        /// Names of the missing variables.
        missing: Vec<String>,
    },
    /// A variable's value is not Unicode.
    #[error("the value of the variable {name} is not Unicode")]
    NotUnicode {
        /// Name of the variable.
        name: String,
    },
    /// Neither the current folder nor one above it has a `.env` file.
    #[error("there is no `.env` file in `{}` or above it", from.display())]
    NoDotenv {
        /// Current folder.
        from: PathBuf,
    },
    /// A file of variables can't be read.
    #[error("failed to read `{}`", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A line of a file of variables is not `NAME=value`.
    #[error("line {line} of `{}` is not `NAME=value`", path.display())]
    Malformed {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, from 1; its text may be a secret.
        line: usize,
    },
    /// Another user made a file of variables, or can change it.
    #[error("failed to read a secret: {reason}")]
    NotTrusted {
        /// Cause and remedy.
        reason: String,
    },
    /// `stub.toml` has no secret of this name.
    #[error("no `stub.toml` has a secret `{name}`{}", listed(.known))]
    NotNamed {
        /// Name of the secret.
        name: String,
        /// Names of the secrets that exist.
        known: Vec<String>,
    },
    /// A named secret lacks names that are needed.
    #[error("the secret `{name}` has no {}", missing.join(", "))]
    Lacks {
        /// Name of the secret.
        name: String,
        /// Names that it lacks.
        missing: Vec<String>,
    },
    /// `stub.toml` can't be parsed.
    #[error(transparent)]
    Settings(Box<dyn std::error::Error + Send + Sync>),
    /// Others may read the file of a secret.
    #[error(
        "`{}` has the mode {mode:04o}, so that others can read the secret\nrun `chmod 600` on it",
        path.display()
    )]
    NotPrivate {
        /// Path of the file.
        path: PathBuf,
        /// Permission bits of the file.
        mode: u32,
    },
    /// The command that prints a secret failed.
    #[error("failed to get secret `{name}`: {reason}")]
    Command {
        /// Name of the secret.
        name: String,
        /// Cause; never the output of the program.
        reason: String,
    },
    /// The function of a secret failed.
    #[error("failed to get a secret from the function at {place}: {reason}")]
    Function {
        /// File, line and column of its [`Secret::from_fn`](crate::Secret::from_fn).
        place: String,
        /// Error of the function, or its panic.
        reason: String,
    },
    /// An AWS profile has no keys.
    #[error("{reason}")]
    Profile {
        /// Profile, cause and remedy.
        reason: String,
    },
    /// The name can't be that of a variable.
    #[error("{name:?} is not the name of a variable: it is empty, or has a `=` or a NUL")]
    NotAName {
        /// Name of the variable.
        name: String,
    },
    /// The value can't be that of a variable.
    #[error("the value of {name} has a NUL character, which no variable can hold")]
    NulInValue {
        /// Name of the variable.
        name: String,
    },
}

impl From<Untrusted> for SecretError {
    fn from(error: Untrusted) -> Self {
        match error {
            Untrusted::Io { path, source } => Self::Unreadable { path, source },
            other => Self::NotTrusted {
                reason: other.to_string(),
            },
        }
    }
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        ": there is no secret at all".to_owned()
    } else {
        format!("; there are: {}", known.join(", "))
    }
}
