//! Overhead of a call: `cargo bench --bench call`.
//!
//! The body of an empty function returns the current time. The time from the call to that moment, and
//! from that moment to the call's return, is the overhead of the sandbox. As root it is measured twice:
//! the second time as an ordinary user, whose sandbox also needs a user namespace.
#![allow(clippy::print_stdout, reason = "a benchmark shows its result")]

#[path = "../bucket/mod.rs"]
mod bucket;

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use bucket::Bucket;
use clap::Parser;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Uid;
use stub::{CloudBucketMount, Secret};

/// User ID without privileges, on every Linux.
const NOBODY: u32 = 65_534;

#[derive(Parser)]
struct Arguments {
    /// Number of calls; the median is reported.
    #[arg(long, default_value_t = 50)]
    calls: usize,
    /// Number of inputs of each map.
    #[arg(long, default_value_t = 10_000)]
    inputs: u64,
    /// Flag by which cargo runs this as a benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(hide = true)]
    role: Option<String>,
}

/// Volume of the functions, set in `main`: the expressions of `volumes` are evaluated in the same
/// process, at each call.
static VOLUME: OnceLock<CloudBucketMount> = OnceLock::new();

#[stub::function]
fn empty() -> Duration {
    now()
}

#[stub::function(volumes = <"/bench" => volume()>)]
fn with_a_volume() -> Duration {
    now()
}

#[stub::function]
fn mapped(_: u64) {}

#[stub::function(max_containers = 1)]
fn mapped_alone(_: u64) {}

#[stub::function(volumes = <"/bench" => volume()>)]
fn mapped_with_a_volume(_: u64) {}

fn volume() -> CloudBucketMount {
    let volume = VOLUME.get().cloned();
    volume.unwrap_or_else(|| CloudBucketMount::new(bucket::NAME))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.role.as_deref() == Some(bucket::SERVE) {
        return Ok(bucket::serve(false, None)?);
    }
    if !arguments.bench {
        println!("run by `cargo bench --bench call`");
        return Ok(());
    }
    let calls = arguments.calls.max(1);
    let root = Uid::effective().is_root();
    let user = if root { "root" } else { "an ordinary user" };
    println!("| as {user}, medians of {calls} calls | until the body | after the body |");
    println!("|---|---|---|");
    let bucket = Bucket::start(&[])?;
    VOLUME.get_or_init(|| mount(&bucket));
    measure("an empty function", calls, empty)?;
    measure("with one volume", calls, with_a_volume)?;
    println!();
    println!(
        "| as {user}, {} inputs after {WARM} | wall time an input |",
        arguments.inputs
    );
    println!("|---|---|");
    let inputs = arguments.inputs;
    measure_map(
        "mapped over one worker",
        inputs,
        mapped_alone::map(0..WARM + inputs),
    )?;
    measure_map(
        "mapped over a worker a core",
        inputs,
        mapped::map(0..WARM + inputs),
    )?;
    measure_map(
        "the same, with one volume",
        inputs,
        mapped_with_a_volume::map(0..WARM + inputs),
    )?;
    drop(bucket);
    if root {
        println!();
        if let Err(error) = again_as_nobody(calls) {
            println!("not measured as an ordinary user: {error}");
        }
    }
    Ok(())
}

fn mount(bucket: &Bucket) -> CloudBucketMount {
    CloudBucketMount::new(bucket::NAME)
        .bucket_endpoint_url(&bucket.endpoint_url)
        .region("us-east-1")
        .force_path_style(true)
        .secret(Secret::from_dict([
            ("AWS_ACCESS_KEY_ID", &bucket.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &bucket.secret_access_key),
        ]))
}

fn measure(what: &str, calls: usize, call: fn() -> stub::Result<Duration>) -> stub::Result<()> {
    call()?; // Pages of the executable are read from disk but once.
    let mut until = Vec::with_capacity(calls);
    let mut after = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = now();
        let body = call()?;
        after.push(now().saturating_sub(body));
        until.push(body.saturating_sub(start));
    }
    println!("| {what} | {} | {} |", median(until), median(after));
    Ok(())
}

/// Number of uncounted inputs at the start, while sandboxes are set up.
const WARM: u64 = 200;

fn measure_map(what: &str, inputs: u64, mut map: stub::Map<'_, ()>) -> stub::Result<()> {
    for value in map.by_ref().take(usize::try_from(WARM).unwrap_or(0)) {
        value?;
    }
    let start = now();
    for value in &mut map {
        value?;
    }
    let wall = now().saturating_sub(start);
    let each = wall.as_secs_f64() * 1e6 / f64::from(u32::try_from(inputs).unwrap_or(u32::MAX));
    println!("| {what} | {each:.1} µs |");
    Ok(())
}

fn median(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    format!("{:.1} ms", times[times.len() / 2].as_secs_f64() * 1e3)
}

/// Returns the monotonic time, which is the same in all processes.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

fn again_as_nobody(calls: usize) -> io::Result<()> {
    let status = Command::new(std::env::current_exe()?)
        .args(["--bench", "--calls", &calls.to_string()])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(status.to_string()))
    }
}
