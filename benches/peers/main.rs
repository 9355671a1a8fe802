//! Comparison of `stub mount` with other programs that mount buckets: `cargo bench --bench peers`.
//!
//! Each workload is run with each program in turn, round after round. Each run has a fresh mount,
//! because a mount keeps read data in the page cache. The server and the programs that read and write
//! are separate processes: this process itself touches no mount.
#![allow(clippy::print_stdout, reason = "a benchmark shows its result")]

mod album;
mod arguments;
#[path = "../bucket/mod.rs"]
mod bucket;
mod connection;
mod contestant;
mod disk;
mod document;
mod interrupt;
mod kind;
mod mounted;
mod picture;
mod program;
mod quantity;
mod report;
mod scale;
mod usage;
mod worker;
mod workload;

use std::fmt::Write;

use album::Album;
use arguments::{Arguments, Role};
use bucket::Bucket;
use clap::Parser;
use contestant::{Contestant, Run};
use document::Document;
use program::Program;
use report::Report;
use workload::{Procedure, Workload};

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.role {
        Some(Role::Serve) => {
            let certificate = arguments.https.as_deref();
            return Ok(bucket::serve(arguments.opaque_etags, certificate)?);
        }
        Some(Role::Work { workload, folder }) => {
            println!("{}", workload.work(folder, arguments.scale)?.to_words());
            return Ok(());
        }
        Some(Role::ReadShared { share }) => return Ok(workload::read_shared(*share)?),
        None => {}
    }
    if !arguments.bench {
        println!("run by `cargo bench --bench peers`");
        return Ok(());
    }
    interrupt::note()?;
    let document = match (&arguments.markdown, &arguments.profile) {
        (Some(file), Some(name)) => Some(Document::open(file, name)?),
        _ => None,
    };
    let programs = program::find(&arguments)?;
    let mut bucket = Bucket::start(&arguments.of_server())?;
    bucket.set_pace(arguments.latency, arguments.bandwidth)?;
    let mut text = conditions(&arguments, &programs);
    println!("{text}");
    let mut album = Album::default();
    for &workload in arguments.workloads() {
        let report = compare(&programs, workload, &arguments, &mut bucket)?;
        let section = format!("\n**{workload}**: {}\n\n{report}", workload.summary());
        println!("{section}");
        text.push_str(&section);
        album.add(workload, &report);
    }
    if let (Some(folder), Some(profile)) = (&arguments.pictures, &arguments.profile) {
        album.write(folder, profile)?;
    }
    match document {
        Some(document) => document.write(&text),
        None => Ok(()),
    }
}

fn conditions(arguments: &Arguments, programs: &[Program]) -> String {
    let mut text = arguments.conditions();
    for program in programs {
        // Writing to a string can't fail.
        let _ = write!(text, "\n{}: {}.", program.name(), program.version());
    }
    text.push('\n');
    text
}

/// Runs one workload with all programs in turn; a program that fails is not run again.
fn compare(
    programs: &[Program],
    workload: Workload,
    arguments: &Arguments,
    bucket: &mut Bucket,
) -> anyhow::Result<Report> {
    let mut contestants: Vec<_> = programs.iter().map(Contestant::Program).collect();
    if workload.procedure() == Procedure::FromCache {
        contestants.push(Contestant::LocalFile);
    }
    let names = contestants.iter().map(|c| (c.name(), c.is_ours()));
    let mut report = Report::new(names, workload.bytes(arguments.scale));
    fill(programs, workload, arguments, bucket)?;
    for round in 0..arguments.warm_ups + arguments.rounds {
        for (n, contestant) in contestants.iter().enumerate() {
            if report.has_failed(n) {
                continue;
            }
            let mut run = Run {
                workload,
                arguments,
                bucket,
            };
            match contestant.measure(&mut run) {
                Ok(measure) if round >= arguments.warm_ups => report.add(n, measure),
                Ok(_) => {}
                Err(error) => {
                    interrupt::check()?;
                    report.fail(n, format!("{error:#}"));
                    // It may have left something half done.
                    fill(programs, workload, arguments, bucket)?;
                }
            }
        }
    }
    Ok(report)
}

/// Gives all programs the files of a workload.
fn fill(
    programs: &[Program],
    workload: Workload,
    arguments: &Arguments,
    bucket: &mut Bucket,
) -> anyhow::Result<()> {
    workload.fill(bucket, arguments.scale)?;
    programs
        .iter()
        .try_for_each(|program| program.copy_objects(bucket, arguments))
}
