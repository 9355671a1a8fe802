//! Command line of the benchmark.

use std::ffi::OsStr;
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
    /// Makes every request wait this long, such as 20ms.
    #[arg(long, default_value = "0ms", value_parser = quantity::latency)]
    pub latency: Duration,
    /// Limits the bytes per second of every body, such as 90MiB/s; no limit if absent.
    #[arg(long, value_parser = quantity::bandwidth)]
    pub bandwidth: Option<u64>,
    /// Lets the server generate random `ETag`s, as S3 does for objects encrypted with KMS keys. No MD5,
    /// the slowest step here, then uses the same processors.
    #[arg(long)]
    pub opaque_etags: bool,
    /// Serves HTTPS, with a certificate that is made now and written to this file. The programs are told of it by
    /// `AWS_CA_BUNDLE` and `SSL_CERT_FILE`.
    #[arg(long, value_name = "FILE")]
    pub https: Option<PathBuf>,
    /// Measured rounds; the medians are reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Warm-up rounds before them.
    #[arg(long, default_value_t = 1)]
    pub warm_ups: u32,
    /// Seconds after which a run has failed.
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
    /// Writes the tables into this document, replacing those of the profile.
    #[arg(long, value_name = "FILE", requires = "profile")]
    pub markdown: Option<PathBuf>,
    /// Name of the measured profile in the document.
    #[arg(long = "profile-name", value_name = "NAME")]
    pub profile: Option<String>,
    /// Draws a picture of each family of workloads into this folder, as `PROFILE-FAMILY.svg`.
    #[arg(long, value_name = "DIR", requires = "profile")]
    pub pictures: Option<PathBuf>,
    /// Flag by which cargo runs this as a benchmark.
    #[arg(long, hide = true)]
    pub bench: bool,
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// Paths of the programs.
#[derive(Args)]
struct Files {
    /// `stub` to measure, instead of one built from this workspace.
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
    /// `JuiceFS`, if it is not in the PATH.
    #[arg(long, env = "JUICEFS", value_name = "FILE", default_value = "juicefs")]
    juicefs: PathBuf,
}

/// Other roles of this executable.
#[derive(Subcommand)]
#[command(hide = true)]
pub enum Role {
    /// S3 server.
    Serve,
    /// Program that uses a mount; prints the nanoseconds at which it began and ended.
    Work { workload: Workload, folder: PathBuf },
    /// Process of `blocks-shared`; the file is its standard input.
    ReadShared { share: usize },
}

impl Arguments {
    /// Returns the workloads to run.
    pub fn workloads(&self) -> &[Workload] {
        if self.workloads.is_empty() {
            Workload::value_variants()
        } else {
            &self.workloads
        }
    }

    /// Returns whether this program is to be run.
    pub fn wants(&self, program: Kind) -> bool {
        self.programs.is_empty() || self.programs.contains(&program)
    }

    /// Returns the path of the program; `None` for `stub` if it must be built first.
    pub fn file(&self, program: Kind) -> Option<&Path> {
        let files = &self.files;
        match program {
            Kind::Stub => files.stub.as_deref(),
            Kind::Mountpoint => Some(&files.mount_s3),
            Kind::S3fs => Some(&files.s3fs),
            Kind::Rclone => Some(&files.rclone),
            Kind::Geesefs => Some(&files.geesefs),
            Kind::Goofys => Some(&files.goofys),
            Kind::Juicefs => Some(&files.juicefs),
        }
    }

    /// Returns the arguments of the process that is the server.
    pub fn of_server(&self) -> Vec<&OsStr> {
        let mut arguments = Vec::new();
        if self.opaque_etags {
            arguments.push(OsStr::new("--opaque-etags"));
        }
        if let Some(file) = &self.https {
            arguments.extend([OsStr::new("--https"), file.as_os_str()]);
        }
        arguments
    }

    /// Describes the conditions of the measurement.
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
        let scheme = if self.https.is_some() {
            "HTTPS"
        } else {
            "HTTP"
        };
        format!(
            "Files of {mib} MiB, folders of {entries} entries, trees of {folders} folders; server: \
             {scheme}, latency {latency:?}, {pace}, {etags}; medians of {rounds} rounds."
        )
    }
}
