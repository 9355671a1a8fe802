//! Rules of the code base that no compiler checks. Each failure names the file, the line and the rule.
#![allow(
    clippy::unwrap_used,
    reason = "a source file that cannot be read fails the test"
)]

mod cycles;
mod dependencies;
mod documents;
mod floors;
mod homes;
mod imports;
mod names;
mod sizes;
mod source;
mod strip;
mod wording;

/// Fails with all violations of a rule.
#[track_caller]
fn none(rule: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{rule}; {} violations:\n{}",
        violations.len(),
        violations.join("\n")
    );
}
