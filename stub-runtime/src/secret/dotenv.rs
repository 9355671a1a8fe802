//! Files of `NAME=value` lines.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::SecretError;

/// Reads the `.env` of the current folder or of the nearest one above it.
pub(super) fn nearest() -> Result<BTreeMap<String, String>, SecretError> {
    let from = std::env::current_dir().map_err(|source| SecretError::Unreadable {
        path: PathBuf::from(".env"),
        source,
    })?;
    let Some(path) = from
        .ancestors()
        .map(|folder| folder.join(".env"))
        .find(|p| p.is_file())
    else {
        return Err(SecretError::NoDotenv { from });
    };
    read(&path)
}

/// Reads one file.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>, SecretError> {
    let text = fs::read(path).map_err(|source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|after| SecretError::Malformed {
        path: path.to_owned(),
        after,
    })
}

/// Understands lines. The error is the last name before the first line that is of another form: the
/// parser's own quotes the line, and with it perhaps a secret.
pub(super) fn parse(text: &[u8]) -> Result<BTreeMap<String, String>, Option<String>> {
    let mut entries = BTreeMap::new();
    let mut after = None;
    for entry in dotenvy::from_read_iter(io::Cursor::new(text)) {
        let Ok((name, value)) = entry else {
            return Err(after);
        };
        after = Some(name.clone());
        entries.insert(name, value);
    }
    Ok(entries)
}
