//! A bucket that can't be changed: `cargo run --example read_only`.
//!
//! No request that writes is ever sent, so `s3:ListBucket` and `s3:GetObject` are all the
//! permissions needed.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod bucket;

use std::{fs, io};

#[stub::function(volumes = <"/my-mount" => bucket::mount().read_only(true)>)]
fn try_to_write() -> io::Result<(usize, String)> {
    let entries = fs::read_dir("/my-mount")?.count();
    match fs::write("/my-mount/new.txt", "is not written") {
        Ok(()) => Err(io::Error::other("it could be written")),
        Err(refused) => Ok((entries, refused.to_string())),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = bucket::choose();
    let (entries, refused) = try_to_write()?;
    println!("the bucket `{name}` has {entries} entries at its top");
    println!("writing to it is refused: {refused}");
    Ok(())
}
