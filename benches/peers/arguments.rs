//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::kind::Kind;
use crate::quantity;
use crate::scale::Scale;
use crate::workload::Workload;

/// Runs workloads on `stub mount` and on other programs in turn.
#[derive(Parser)]
pub struct Arguments {
    #[command(flatten)]
    pub scale: Scale,
    /// Makes every request wait so long, such as 20ms.
    #[arg(long, default_value = "0ms", value_parser = quantity::latency)]
    pub latency: Duration,
    /// Limits the bytes per second of every body, such as 90MiB/s; no limit if absent.
    #[arg(long, value_parser = quantity::bandwidth)]
    pub bandwidth: Option<u64>,
    /// The server makes up its `ETag`s, as S3 does for objects encrypted with KMS keys: then no MD5, which
    /// takes longer than all else here, is on the same processors.
    #[arg(long)]
    pub opaque_etags: bool,
    /// The rounds of which the medians are taken.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// The rounds before that.
    #[arg(long, default_value_t = 1)]
    pub warm_ups: u32,
    /// After so many seconds a run has failed.
    #[arg(long, default_value = "180", value_parser = quantity::seconds)]
    pub timeout: Duration,
    /// Only this workload; may be repeated.
    #[arg(long = "workload", value_enum)]
    workloads: Vec<Workload>,
    /// Only this program; may be repeated.
    #[arg(long = "program", value_enum)]
    programs: Vec<Kind>,
    #[command(flatten)]
    files: Files,
    /// Puts the tables into this document, in place of those of the profile.
    #[arg(long, value_name = "FILE", requires = "profile")]
    pub markdown: Option<PathBuf>,
    /// The name of what is measured in the document.
    #[arg(long = "profile-name", value_name = "NAME")]
    pub profile: Option<String>,
    /// Says that cargo runs this as a benchmark.
    #[arg(long, hide = true)]
    pub bench: bool,
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// Where the programs are.
#[derive(Args)]
struct Files {
    /// The `stub` to measure, instead of one built from here.
    #[arg(long, env = "STUB", value_name = "FILE")]
    stub: Option<PathBuf>,
    /// Mountpoint for Amazon S3, if it is not in the PATH.
    #[arg(
        long,
        env = "MOUNT_S3",
        value_name = "FILE",
        default_value = "mount-s3"
    )]
    mount_s3: PathBuf,
    /// s3fs, if it is not in the PATH.
    #[arg(long, env = "S3FS", value_name = "FILE", default_value = "s3fs")]
    s3fs: PathBuf,
    /// rclone, if it is not in the PATH.
    #[arg(long, env = "RCLONE", value_name = "FILE", default_value = "rclone")]
    rclone: PathBuf,
    /// `GeeseFS`, if it is not in the PATH.
    #[arg(long, env = "GEESEFS", value_name = "FILE", default_value = "geesefs")]
    geesefs: PathBuf,
    /// goofys, if it is not in the PATH.
    #[arg(long, env = "GOOFYS", value_name = "FILE", default_value = "goofys")]
    goofys: PathBuf,
}

/// What else this executable is.
#[derive(Subcommand)]
#[command(hide = true)]
pub enum Role {
    /// The S3 server.
    Serve,
    /// The program that uses a mount; prints the nanoseconds at which it began and ended.
    Work { workload: Workload, folder: PathBuf },
}

impl Arguments {
    /// The workloads to run.
    pub fn workloads(&self) -> &[Workload] {
        if self.workloads.is_empty() {
            Workload::value_variants()
        } else {
            &self.workloads
        }
    }

    /// Whether this program is to be run.
    pub fn wants(&self, program: Kind) -> bool {
        self.programs.is_empty() || self.programs.contains(&program)
    }

    /// Where the program is; nothing for ours, if it is still to be built.
    pub fn file(&self, program: Kind) -> Option<&Path> {
        let files = &self.files;
        match program {
            Kind::Stub => files.stub.as_deref(),
            Kind::Mountpoint => Some(&files.mount_s3),
            Kind::S3fs => Some(&files.s3fs),
            Kind::Rclone => Some(&files.rclone),
            Kind::Geesefs => Some(&files.geesefs),
            Kind::Goofys => Some(&files.goofys),
        }
    }

    /// What is measured, in words.
    pub fn conditions(&self) -> String {
        let Scale {
            size,
            entries,
            folders,
        } = self.scale;
        let (mib, rounds, latency) = (size >> 20, self.rounds, self.latency);
        let pace = match self.bandwidth {
            Some(limit) => format!("{} MiB/s a body", limit >> 20),
            None => "bodies unlimited".to_owned(),
        };
        let etags = if self.opaque_etags {
            "random ETags"
        } else {
            "ETags are MD5"
        };
        format!(
            "Files of {mib} MiB, folders of {entries} entries, trees of {folders} folders; server: \
             latency {latency:?}, {pace}, {etags}; medians of {rounds} rounds."
        )
    }
}
