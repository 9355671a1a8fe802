//! Files of `NAME=value` lines. All sources of secrets have this syntax, which takes values as they are:
//!
//! - A line is `NAME=value`, `export NAME=value`, empty, or a comment that begins with `#`.
//! - Blanks around the name and around the value don't count.
//! - A value that stands in a pair of the same quotes, `"` or `'`, is what stands between them.
//! - Nothing else has a meaning in a value: no `$`, no `\`, no `#`, no other quotes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::SecretError;
use crate::host::{config, trusted};

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
    // It was looked for, not named: it may be anybody's.
    let (bytes, _) = trusted::read(&path)?;
    of_file(&path, &bytes)
}

/// Reads one file.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>, SecretError> {
    let bytes = fs::read(path).map_err(|source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    of_file(path, &bytes)
}

/// Parses the contents of a file.
pub(super) fn of_file(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, String>, SecretError> {
    parse(bytes).map_err(|line| SecretError::Malformed {
        path: path.to_owned(),
        line,
    })
}

/// Understands lines. The error is the number of the first line that is of another form: the line
/// itself may be a secret.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, usize> {
    let mut entries = BTreeMap::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = str::from_utf8(line).map_err(|_| index + 1)?.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = entry(line).ok_or(index + 1)?;
        entries.insert(name.to_owned(), value.to_owned());
    }
    Ok(entries)
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let exported = name.strip_prefix("export").map(str::trim_start);
    let name = match exported {
        Some(rest) if name.len() > "export".len() + rest.len() => rest,
        _ => name,
    };
    let name = name.trim_end();
    let is_plain = config::is_variable_name(name.as_ref()) && !name.contains(char::is_whitespace);
    is_plain.then(|| (name, without_quotes(value.trim_start())))
}

/// Returns the value between a pair of quotes.
fn without_quotes(value: &str) -> &str {
    let between = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(value)
}
