use std::borrow::Cow;
use std::path::Path;

#[stub::function]
fn text(x: &str) -> usize {
    x.len()
}

#[stub::function]
fn others(a: &[u64], b: &Path, c: &std::ffi::OsStr, d: &mut Vec<String>, e: Option<&str>) {}

#[stub::function]
fn elided(x: Cow<'_, str>) {}

#[stub::function]
fn value() -> &'static str {
    "x"
}

fn main() {
    text("x").unwrap();
    value().unwrap();
}
