//! Standard output.

use std::io::{self, Write};

use super::exit::Failure;

/// Prints text, and says so if nobody wants it any more.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(format!("failed to write to standard output: {error}")))
}
