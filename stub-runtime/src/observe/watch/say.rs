//! Lines of this library on standard error.

use std::io::{self, Write};

use s3fs_core::Shown;

use super::bars;

/// Prints a line of this library on standard error.
pub fn say(line: &str) {
    let line = format!("stub: {}\n", legible(line));
    if !bars::above(line.as_bytes()) {
        // There is nobody left to tell if this fails.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

/// Replaces control characters, which a terminal would act on: the text may have names of objects
/// and words of servers.
fn legible(text: &str) -> String {
    let lines = text.split('\n').map(|line| Shown(line).to_string());
    lines.collect::<Vec<_>>().join("\n")
}
