//! Programs of the comparison.

mod build;
mod command;
mod volume;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;

use crate::arguments::Arguments;
use crate::bucket::Bucket;
use crate::kind::Kind;
use crate::workload::Workload;
use volume::Volume;

/// Program that mounts a bucket.
pub struct Program {
    kind: Kind,
    file: PathBuf,
    version: String,
    /// Volume with a layout of its own, if the program does not show the objects of a bucket.
    volume: Option<Volume>,
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
            Kind::Juicefs => "juicefs",
        }
    }

    /// Returns whether the others are compared with this one.
    pub fn is_ours(&self) -> bool {
        self.kind == Kind::Stub
    }

    /// Returns whether the objects of the bucket are the program's files.
    pub fn shows_objects(&self) -> bool {
        self.volume.is_none()
    }

    /// Replaces the files that the program shows by those of the workload.
    pub fn fill(
        &self,
        workload: Workload,
        bucket: &mut Bucket,
        arguments: &Arguments,
    ) -> anyhow::Result<()> {
        workload.fill(bucket, arguments.scale)?;
        self.copy_objects(bucket, arguments)
    }

    /// Copies the objects of the bucket into the program's volume, if it has one.
    pub fn copy_objects(&self, bucket: &mut Bucket, arguments: &Arguments) -> anyhow::Result<()> {
        match &self.volume {
            Some(volume) => volume.copy_objects(&self.file, bucket, arguments),
            None => Ok(()),
        }
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
                    volume: (kind == Kind::Juicefs).then(Volume::new).transpose()?,
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
