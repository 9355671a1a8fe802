//! Errors of files of settings.

use std::io;
use std::path::{Path, PathBuf};

use crate::declare::nearest::nearest;

/// Reason for which `stub.toml` can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file can't be read.
    #[error("failed to read `{}`", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Another user made the file, or can change it, and so could choose the commands that are run here.
    #[error("failed to read settings: {reason}")]
    NotTrusted {
        /// Path of the file.
        path: PathBuf,
        /// Cause and remedy.
        reason: String,
    },
    /// The file can't be parsed.
    #[error("failed to read `{}`: line {line}: {reason}", path.display())]
    Malformed {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Cause, and the key that was probably meant. Never a value: the file may hold secrets.
        reason: String,
    },
}

impl SettingsError {
    pub(super) fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text[..start].matches('\n').count() + 1;
        Self::Malformed {
            path: path.to_owned(),
            line,
            reason: with_suggestion(&without_values(error.message())),
        }
    }
}

/// Removes values from a message: a value of the wrong type or kind may be a secret.
fn without_values(message: &str) -> String {
    let wrong = [
        "unknown variant ",
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
    ];
    match message.split_once(", expected ") {
        Some((begin, expected)) if wrong.iter().any(|words| begin.starts_with(words)) => {
            format!("expected {expected}")
        }
        _ => message.to_owned(),
    }
}

/// Adds a suggestion to the message of an unknown key: the nearest of the known ones, which it names.
fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = message
        .starts_with("unknown ")
        .then(|| quoted.next())
        .flatten()
    else {
        return message.to_owned();
    };
    match nearest(unknown, quoted) {
        Some(known) => format!("{message}; did you mean `{known}`?"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{with_suggestion, without_values};

    #[test]
    fn values_are_not_shown() {
        for message in [
            "unknown variant `hunter2`, expected one of `env`, `file`",
            "invalid type: string \"hunter2\", expected a sequence",
        ] {
            let shown = without_values(message);
            assert!(
                shown.starts_with("expected ") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_slip_is_recognised() {
        let message = "unknown field `volume`, expected one of `command`, `volumes`";
        assert!(with_suggestion(message).ends_with("did you mean `volumes`?"));
        let other = "unknown field `gpu`, expected one of `command`, `volumes`";
        assert_eq!(with_suggestion(other), other);
        assert_eq!(
            with_suggestion("missing field `command`"),
            "missing field `command`"
        );
    }
}
