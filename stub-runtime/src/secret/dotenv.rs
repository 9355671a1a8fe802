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
    let mut entries = BTreeMap::new();
    let mut after = None;
    for entry in dotenvy::from_read_iter(io::Cursor::new(text)) {
        // The parser's own error quotes the line, and with it perhaps a secret: it is dropped.
        let Ok((name, value)) = entry else {
            return Err(SecretError::Malformed {
                path: path.to_owned(),
                after,
            });
        };
        after = Some(name.clone());
        entries.insert(name, value);
    }
    Ok(entries)
}
