//! Errors of the SDK as text.

use std::error::Error as StdError;

/// Returns an error with all its sources in one line. The SDK hides the cause several levels deep,
/// and writes a line for each place where it looked for credentials.
pub(in crate::store) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" | ")
}
