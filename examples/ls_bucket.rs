//! Lists a bucket as a folder: `cargo run --example ls_bucket`.
//!
//! Without arguments the bucket is on a server inside this process; `--bucket NAME` uses one of yours.
//! The folder exists only for the function and its child processes.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod bucket;

use std::io;
use std::path::Path;
use std::process::Command;

#[stub::function(volumes = <"/my-mount" => bucket::mount()>)]
fn list() -> io::Result<()> {
    let status = Command::new("ls").arg("-lR").arg("/my-mount").status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("ls: {status}")))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = bucket::choose();
    println!("the bucket `{name}` as the folder /my-mount:\n");
    list()?;
    println!(
        "\nthe function has returned; /my-mount exists here: {}",
        Path::new("/my-mount").exists()
    );
    Ok(())
}
