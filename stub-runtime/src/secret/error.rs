//! Why a secret could not be made or used; names, never values.

use std::io;
use std::path::PathBuf;

use crate::trusted::Untrusted;

/// Why a secret could not be made or used. Its text holds names and never values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// `from_env` was asked for variables that don't exist.
    #[error("not set in the environment: {}", missing.join(", "))]
    NotSet {
        /// All of them.
        missing: Vec<String>,
    },
    /// A variable's value is not Unicode.
    #[error("the value of the variable {name} is not Unicode")]
    NotUnicode {
        /// The variable.
        name: String,
    },
    /// Neither the current folder nor one above it has a `.env` file.
    #[error("there is no `.env` file in `{}` or above it", from.display())]
    NoDotenv {
        /// The current folder.
        from: PathBuf,
    },
    /// A file of variables can't be read.
    #[error("can't read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A line of a file of variables is not `NAME=value`.
    #[error("line {line} of `{}` is not `NAME=value`", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; its text may be a secret.
        line: usize,
    },
    /// Another user made a file of variables, or can change it.
    #[error("failed to read a secret: {reason}")]
    NotTrusted {
        /// The reason, and what to do.
        reason: String,
    },
    /// `stub.toml` has no secret of this name.
    #[error("no `stub.toml` has a secret `{name}`{}", listed(.known))]
    NotNamed {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A named secret lacks names that are needed.
    #[error("the secret `{name}` has no {}", missing.join(", "))]
    Lacks {
        /// The secret.
        name: String,
        /// All that it lacks.
        missing: Vec<String>,
    },
    /// `stub.toml` is not understood.
    #[error("{0}")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Others may read the file of a secret.
    #[error(
        "`{}` has the mode {mode:04o}, so that others can read the secret; run `chmod 600` on it",
        path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The program that gives a secret doesn't.
    #[error("the secret `{name}` can't be had: {reason}")]
    Command {
        /// The secret.
        name: String,
        /// The reason; never what the program printed.
        reason: String,
    },
    /// An AWS profile has no keys.
    #[error("{reason}")]
    Profile {
        /// Which profile, the reason, and what to do.
        reason: String,
    },
    /// A name that no environment can hold.
    #[error("{name:?} is not the name of a variable: it is empty, or has a `=` or a NUL")]
    NotAName {
        /// The name.
        name: String,
    },
    /// A value that no environment can hold.
    #[error("the value of {name} has a NUL character, which no variable can hold")]
    NulInValue {
        /// The name.
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
