//! The `stub` program.
fn main() {}
