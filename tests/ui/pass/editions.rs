//! Expansion in a crate of any edition, with another name for `stub` and a prelude with other meanings.
//! Compiled and run once per edition, as documentation tests of `src/lib.rs`.
#![deny(warnings)]
#![allow(dead_code, unused_macros, unused_imports)]

extern crate stub as renamed;

#[derive(Debug)]
struct Vec;
#[derive(Debug)]
struct String;
#[derive(Debug)]
enum Option {
    Some,
    None,
}
#[derive(Debug)]
struct Box;
trait Into {}
trait From {}
mod std {}
mod core {}
mod stub {}
mod serde {}
mod linkme {}
struct Some;
struct None;
macro_rules! line {
    () => {
        compile_error!("not ours")
    };
}
macro_rules! file {
    () => {
        compile_error!("not ours")
    };
}
macro_rules! module_path {
    () => {
        compile_error!("not ours")
    };
}

#[renamed::function(crate = ::renamed)]
fn plain(a: u8) -> u8 {
    a
}

#[renamed::function(crate = renamed, timeout = ::std::time::Duration::from_secs(60))]
async fn later(a: u8) -> ::std::io::Result<u8> {
    ::std::result::Result::Ok(a)
}

#[renamed::function(crate = renamed, volumes = <"/data" => renamed::CloudBucketMount::new("b")>)]
fn mounted() -> ::std::result::Result<(), &'static str> {
    ::std::result::Result::Ok(())
}

fn main() {
    assert_eq!(plain(1).unwrap(), 1);
    drop(later(1));
    mounted::local().unwrap();
    assert_eq!(plain::local(1), 1);
}
