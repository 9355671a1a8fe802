//! Repetitions in printed errors.

use std::collections::HashSet;

/// Returns the part of a text that is said a second time: of a sentence or of a cause.
pub fn repeated(text: &str) -> Option<&str> {
    const SHORTEST: usize = 12;
    let parts = text.split([':', ';', '\n', '(', ')', ',']).map(str::trim);
    let mut said = HashSet::new();
    parts
        .filter(|part| part.len() >= SHORTEST)
        .find(|part| !said.insert(*part))
}
