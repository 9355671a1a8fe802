//! Standard output.

use std::io::{self, Write};

use super::exit::CommandFailure;

/// Prints text, and says so if nobody wants it any more.
pub(super) fn print(text: &str) -> Result<(), CommandFailure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            CommandFailure::new(format!("failed to write to standard output: {error}"))
        })
}
