//! Command line of `stub jobs`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use stub_runtime::cli::{CallArguments, EngineArguments, FormArguments, SeeingArguments};

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List the jobs
    List(FormArguments),
    /// Run a job, with the exit status of `stub run`
    Run(JobArguments),
    /// Run scheduled jobs at their times, until SIGINT or SIGTERM
    ///
    /// A job that is still running at its next time is skipped then. The first signal ends running jobs
    /// politely, the second one at once.
    Serve(SeeingArguments),
    /// Write a page about the latest runs of jobs: attempts, throughput and requests over time
    ///
    /// Records of runs by `stub jobs run` and `stub jobs serve` are in ~/.local/state/stub/runs, for the
    /// latest 100 runs of each job.
    Report(ReportArguments),
    /// List calls on clusters whose values have not all been collected
    Calls(FormArguments),
    /// Reattach to a call on a cluster and print its values as they arrive
    ///
    /// Each value of a map is a line with the number of its input. A command's output is printed as it is. Exit
    /// status: as of the program that started the call. SIGINT or SIGTERM ends the call on the cluster, too.
    Attach(CallArguments),
    /// End a call on a cluster, and store what it has written
    Cancel(CallArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Name of the job [default: all jobs]
    pub(crate) name: Option<String>,
    /// File to write the page to
    #[arg(long, short, value_name = "FILE", default_value = "stub-report.html")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    /// Name of the job
    pub(crate) name: String,
    /// Arguments added to the program's own
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(crate) more: Vec<OsString>,
    #[command(flatten)]
    pub(crate) engine: EngineArguments,
    #[command(flatten)]
    pub(crate) seeing: SeeingArguments,
}
