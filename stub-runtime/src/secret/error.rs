//! Why a secret could not be made or used; names, never values.

use std::io;
use std::path::PathBuf;

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
    #[error(
        "`{}` has a line{} that is not `NAME=value` (quote values that hold spaces)",
        path.display(),
        after.as_ref().map(|name| format!(" after `{name}`")).unwrap_or_default()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The last name before that line; the line itself may hold a secret.
        after: Option<String>,
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
