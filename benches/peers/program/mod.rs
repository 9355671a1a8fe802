//! Programs of the comparison.

mod build;
mod command;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;

use crate::arguments::Arguments;
use crate::kind::Kind;

/// Program that mounts a bucket.
pub struct Program {
    kind: Kind,
    file: PathBuf,
    version: String,
}

impl Program {
    /// Returns the name in the report.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Stub => "stub mount",
            Kind::Mountpoint => "mount-s3",
            Kind::S3fs => "s3fs",
            Kind::Rclone => "rclone mount",
            Kind::Geesefs => "geesefs",
            Kind::Goofys => "goofys",
        }
    }

    /// Returns whether the others are compared with this one.
    pub fn is_ours(&self) -> bool {
        self.kind == Kind::Stub
    }

    /// Returns the version that the program prints.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Returns `stub`, and then the other requested programs that are installed. Prints the missing ones.
pub fn find(arguments: &Arguments) -> anyhow::Result<Vec<Program>> {
    let mut programs = Vec::new();
    for &kind in Kind::value_variants() {
        if !arguments.wants(kind) {
            continue;
        }
        let file = match arguments.file(kind) {
            Some(file) => file.to_owned(),
            None => build::stub()?,
        };
        match version(&file) {
            Ok(version) => {
                println!("{version}");
                programs.push(Program {
                    kind,
                    file,
                    version,
                });
            }
            Err(error) if kind == Kind::Stub => {
                return Err(error).with_context(|| format!("`{}`", file.display()));
            }
            Err(_) => println!("skipped: there is no `{}`", file.display()),
        }
    }
    Ok(programs)
}

fn version(file: &Path) -> io::Result<String> {
    let output = Command::new(file).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
