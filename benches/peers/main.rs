//! `stub mount` beside other programs that mount buckets: `cargo bench --bench peers`.
//!
//! Each workload is run with each program in turn, round after round, each time on a fresh mount,
//! because a mount keeps what was read in the page cache. The server is a process of its own, and so
//! are the programs that read and write: this process itself touches no mount.
#![allow(clippy::print_stdout, reason = "a benchmark shows its result")]

mod arguments;
#[path = "../bucket/mod.rs"]
mod bucket;
mod connection;
mod mounted;
mod program;
mod report;
mod usage;
mod workload;

use anyhow::Context;
use arguments::{Arguments, Role};
use bucket::Bucket;
use clap::Parser;
use mounted::{Ended, Mounted};
use program::Program;
use report::{Measure, Report};
use workload::Workload;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.role {
        Some(Role::Serve) => return Ok(bucket::serve()?),
        Some(Role::Work {
            workload,
            folder,
            size,
        }) => {
            println!("{}", workload.work(folder, *size)?.as_nanos());
            return Ok(());
        }
        None => {}
    }
    if !arguments.bench {
        println!("run by `cargo bench --bench peers`");
        return Ok(());
    }
    let programs = program::find(&arguments)?;
    let mut bucket = Bucket::start()?;
    for workload in Workload::ALL {
        for (key, size) in workload.objects(arguments.size) {
            bucket.put(&key, size)?;
        }
    }
    bucket.set_pace(arguments.latency, arguments.bandwidth)?;
    println!("{}", arguments.conditions());
    for workload in arguments.workloads() {
        compare(&programs, workload, &arguments, &mut bucket)?;
    }
    Ok(())
}

/// Runs one workload A B A B … and prints what came out.
fn compare(
    programs: &[Program],
    workload: Workload,
    arguments: &Arguments,
    bucket: &mut Bucket,
) -> anyhow::Result<()> {
    let mut report = Report::new(programs);
    for round in 0..arguments.warm_ups + arguments.rounds {
        for (n, program) in programs.iter().enumerate() {
            let measure = measure(program, workload, arguments, bucket);
            let measure = measure.with_context(|| format!("{workload} with {}", program.name()))?;
            if round >= arguments.warm_ups {
                report.add(n, measure);
            }
        }
    }
    println!("\n### {workload}\n\n{report}");
    Ok(())
}

/// One run on a fresh mount.
fn measure(
    program: &Program,
    workload: Workload,
    arguments: &Arguments,
    bucket: &mut Bucket,
) -> anyhow::Result<Measure> {
    let mounted = Mounted::new(program, bucket)?;
    let before = mounted.usage()?;
    bucket.requests()?;
    let wall = workload.run(&mounted, arguments)?;
    let after = mounted.usage()?;
    let requests = bucket.requests()?;
    if mounted.unmount()? == Ended::Killed {
        println!("{} had to be killed after it was unmounted", program.name());
    }
    if let Some(key) = workload.writes() {
        bucket.take(key, arguments.size)?;
    }
    Ok(Measure {
        wall,
        cpu: after.cpu.saturating_sub(before.cpu),
        peak_memory: after.peak_memory,
        requests,
    })
}
