//! `stub jobs`: the jobs of `stub.toml`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Error, bail};
use stub_runtime::call::CallSpec;
use stub_runtime::cli::{Entry, FormArguments, SeeingArguments};
use stub_runtime::declare::{Job, JobError, Settings};
use stub_runtime::local::{Canceller, CtrlC};
use stub_runtime::{cli, engines, local, observe};

use crate::arguments::{JobArguments, JobsCommand, ReportArguments};
use crate::{calls, exit, run};

/// Runs a subcommand of `stub jobs`.
pub(crate) fn jobs(command: JobsCommand) -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    match command {
        JobsCommand::List(form) => list(&settings.jobs(), form),
        JobsCommand::Run(arguments) => run_job(&settings, arguments),
        JobsCommand::Serve(seeing) => serve(&settings, &seeing),
        JobsCommand::Report(arguments) => report(&arguments),
        JobsCommand::Calls(form) => calls::list(form),
        JobsCommand::Attach(call) => Ok(cli::attach(&call.id)),
        JobsCommand::Cancel(call) => calls::cancel(&call.id),
    }
}

fn list(jobs: &[Job], form: FormArguments) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    if form.json {
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
        let when = job.schedule().map(|schedule| format!(" [{schedule}]"));
        writeln!(
            out,
            "{:width$}  {what}{}",
            job.name,
            when.unwrap_or_default(),
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
        "schedule": job.schedule().map(ToString::to_string),
        "file": job.file,
    })
}

fn run_job(settings: &Settings, arguments: JobArguments) -> anyhow::Result<ExitCode> {
    let jobs = settings.jobs();
    let Some(job) = jobs.iter().find(|job| job.name == arguments.name) else {
        bail!("{}", absent(&arguments.name, &jobs));
    };
    arguments.engine.choose();
    arguments.seeing.begin().map_err(Error::msg)?;
    observe::want_history();
    let spec = spec(settings, job, arguments.more)
        .with_context(|| format!("failed to start job `{}`", job.name))?;
    run::run_spec(&spec, &job.retries())
}

/// Returns the specification of a job's run. An error is recorded as a failed run.
fn spec(settings: &Settings, job: &Job, more: Vec<OsString>) -> Result<CallSpec, JobError> {
    let spec = job.spec(settings, more);
    spec.inspect_err(|error| observe::not_run(&job.name, &error.to_string()))
}

/// Runs the jobs with a schedule until a signal.
fn serve(settings: &Settings, seeing: &SeeingArguments) -> anyhow::Result<ExitCode> {
    seeing.begin().map_err(Error::msg)?;
    observe::want_history();
    let jobs = settings.jobs();
    let entries: Vec<Entry<'_>> = jobs
        .iter()
        .filter_map(|job| {
            Some(Entry {
                name: job.name.clone(),
                schedule: job.schedule()?.clone(),
                run: Box::new(move |canceller| run_scheduled(settings, job, canceller)),
            })
        })
        .collect();
    if entries.is_empty() {
        bail!(
            "failed to serve jobs: none has a schedule\nset one in stub.toml, such as `schedule = \"0 3 * * *\"`"
        );
    }
    observe::announce(entries.iter().map(|entry| entry.name.as_str()));
    for entry in &entries {
        exit::say(&format!("{}: {}", entry.name, entry.schedule));
    }
    let canceller = Canceller::default();
    local::until_interrupted(&canceller, CtrlC::Ends, || {
        cli::serve(&entries, &canceller, &|line| exit::say(line));
    });
    Ok(ExitCode::SUCCESS)
}

/// Runs a job with the current values of its secrets, and describes how it ended.
fn run_scheduled(settings: &Settings, job: &Job, canceller: &Canceller) -> String {
    let ended = spec(settings, job, Vec::new())
        .map_err(Error::from)
        .and_then(|spec| Ok(engines::run_command(&spec, &job.retries(), canceller)?));
    match ended {
        Err(error) => format!("failed: {error:#}"),
        Ok(outcome) if outcome.is_success() => "ended well".to_owned(),
        Ok(outcome) => {
            let status = run::status(&job.name, &outcome);
            format!("failed with status {status}")
        }
    }
}

/// Writes a report page of recorded runs.
fn report(arguments: &ReportArguments) -> anyhow::Result<ExitCode> {
    let ReportArguments { name, output } = arguments;
    let runs = observe::write_history(name.as_deref(), output)
        .with_context(|| format!("failed to write `{}`", output.display()))?;
    let of = name
        .as_ref()
        .map_or(String::new(), |name| format!(" of `{name}`"));
    if runs == 0 {
        bail!(
            "failed to report: no run{of} is recorded\nrun a job with `stub jobs run` or `stub jobs serve`"
        );
    }
    writeln!(io::stdout().lock(), "{}: {runs} runs{of}", output.display())?;
    Ok(ExitCode::SUCCESS)
}

fn absent(name: &str, jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return format!("failed to find job `{name}`: no `stub.toml` here or above has any job");
    }
    let names: Vec<_> = jobs.iter().map(|job| job.name.as_str()).collect();
    format!(
        "failed to find job `{name}`; there are: {}",
        names.join(", ")
    )
}
