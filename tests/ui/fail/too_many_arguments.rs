#[stub::function]
fn f(_: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8) {}

#[stub::function]
fn g(#[cfg(unix)] a: u8) {}

fn main() {}
