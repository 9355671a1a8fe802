//! `stub jobs`: the jobs of `stub.toml`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use stub_runtime::engine::{Job, Settings};

use crate::arguments::{JobArguments, JobsCommand};
use crate::run;

/// Lists them, or runs one.
pub(crate) fn jobs(command: JobsCommand) -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    match command {
        JobsCommand::List { json } => list(&settings.jobs(), json),
        JobsCommand::Run(arguments) => run_job(&settings, arguments),
    }
}

fn list(jobs: &[Job], json: bool) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    if json {
        let jobs: Vec<_> = jobs.iter().map(describe).collect();
        serde_json::to_writer_pretty(&mut out, &jobs)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = jobs.iter().map(|job| job.name.chars().count()).max();
    for job in jobs {
        let what = match job.description() {
            "" => job.command().join(" "),
            description => description.to_owned(),
        };
        writeln!(
            out,
            "{:width$}  {what}",
            job.name,
            width = width.unwrap_or(0)
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(job: &Job) -> serde_json::Value {
    serde_json::json!({
        "name": job.name,
        "description": job.description(),
        "command": job.command(),
        "file": job.file,
    })
}

fn run_job(settings: &Settings, arguments: JobArguments) -> anyhow::Result<ExitCode> {
    let jobs = settings.jobs();
    let Some(job) = jobs.iter().find(|job| job.name == arguments.name) else {
        bail!("{}", absent(&arguments.name, &jobs));
    };
    let spec = job
        .spec(settings, arguments.more)
        .with_context(|| format!("the job `{}`", job.name))?;
    run::run_spec(&spec, &job.retries())
}

fn absent(name: &str, jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return format!("there is no job `{name}`: no `stub.toml` here or above has any");
    }
    let names: Vec<_> = jobs.iter().map(|job| job.name.as_str()).collect();
    format!("there is no job `{name}`; there are: {}", names.join(", "))
}
