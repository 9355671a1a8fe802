//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::workload::Workload;

/// Runs workloads on `stub mount` and on other programs in turn.
#[derive(Parser)]
pub struct Arguments {
    /// The bytes that a run moves, in whole MiB, such as 512MiB or 1GiB.
    #[arg(long, default_value = "1GiB", value_parser = size)]
    pub size: u64,
    /// Makes every request wait so long, such as 20ms.
    #[arg(long, default_value = "0ms", value_parser = latency)]
    pub latency: Duration,
    /// Limits the bytes per second of every body, such as 90MiB/s; no limit if absent.
    #[arg(long, value_parser = bandwidth)]
    pub bandwidth: Option<u64>,
    /// The rounds of which the medians are taken.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// The rounds before that.
    #[arg(long, default_value_t = 1)]
    pub warm_ups: u32,
    /// After so many seconds a run is given up, and the benchmark with it.
    #[arg(long, default_value = "180", value_parser = seconds)]
    pub timeout: Duration,
    /// Only this workload; may be repeated.
    #[arg(long = "workload", value_enum)]
    workloads: Vec<Workload>,
    /// The `stub` to measure, instead of one built from here.
    #[arg(long, env = "STUB", value_name = "FILE")]
    pub stub: Option<PathBuf>,
    /// Mountpoint for Amazon S3, if it is not in the PATH.
    #[arg(
        long,
        env = "MOUNT_S3",
        value_name = "FILE",
        default_value = "mount-s3"
    )]
    pub mount_s3: PathBuf,
    /// s3fs, if it is not in the PATH.
    #[arg(long, env = "S3FS", value_name = "FILE", default_value = "s3fs")]
    pub s3fs: PathBuf,
    /// Says that cargo runs this as a benchmark.
    #[arg(long, hide = true)]
    pub bench: bool,
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// What else this executable is.
#[derive(Subcommand)]
#[command(hide = true)]
pub enum Role {
    /// The S3 server.
    Serve,
    /// The program that reads or writes; prints the nanoseconds it took.
    Work {
        workload: Workload,
        folder: PathBuf,
        size: u64,
    },
}

impl Arguments {
    /// The workloads to run.
    pub fn workloads(&self) -> Vec<Workload> {
        if self.workloads.is_empty() {
            Workload::ALL.to_vec()
        } else {
            self.workloads.clone()
        }
    }

    /// What was measured, in words.
    pub fn conditions(&self) -> String {
        let mib = self.size >> 20;
        let rounds = self.rounds;
        let latency = self.latency;
        let pace = match self.bandwidth {
            Some(limit) => format!("{} MiB/s a body", limit >> 20),
            None => "bodies unlimited".to_owned(),
        };
        format!("{mib} MiB a run, medians of {rounds} rounds; server: latency {latency:?}, {pace}")
    }
}

fn size(text: &str) -> Result<u64, String> {
    let units = [("MiB", 20), ("GiB", 30)];
    let found = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_shl(*shift).filter(|&size| size > 0)
    });
    found.ok_or_else(|| "write 512MiB or 1GiB".to_owned())
}

fn bandwidth(text: &str) -> Result<u64, String> {
    text.strip_suffix("/s")
        .and_then(|text| size(text).ok())
        .ok_or_else(|| "write 90MiB/s".to_owned())
}

fn latency(text: &str) -> Result<Duration, String> {
    text.strip_suffix("ms")
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_millis)
        .ok_or_else(|| "write 20ms".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "write a number of seconds")?;
    Ok(Duration::from_secs(seconds))
}
