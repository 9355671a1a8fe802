//! Command line of `stub jobs`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{EngineArguments, SeeingArguments};

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Lists the jobs.
    List {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Runs a job. It ends as `stub run` does.
    Run(JobArguments),
    /// Runs the jobs that have a schedule at their times, until SIGINT or SIGTERM.
    ///
    /// A job that is still running when its time comes again is not begun a second time. The first signal ends
    /// what is running politely, the second one at once.
    Serve(SeeingArguments),
    /// Writes a page about the latest runs of jobs: attempts, throughput and requests over time.
    ///
    /// What each run by `stub jobs run` and `stub jobs serve` did is kept in ~/.local/state/stub/runs: of
    /// the latest 100 of each job.
    Report(ReportArguments),
    /// Lists what was begun on clusters, and whose values nobody has taken to the end.
    Calls {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Takes up what a program that is gone began on a cluster, and prints its values as they come.
    ///
    /// Of a map, each value is a line with the place of its input; a command prints what it prints. Exit status: as of
    /// what began it. SIGINT or SIGTERM ends it there, too.
    Attach {
        /// The id, as `stub jobs calls` shows it.
        id: String,
    },
    /// Ends what a program that is gone began on a cluster. What has been written is stored.
    Cancel {
        /// The id, as `stub jobs calls` shows it.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The job; all of them if absent.
    pub(crate) name: Option<String>,
    /// Where to write the page.
    #[arg(long, short, value_name = "FILE", default_value = "stub-report.html")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    /// The job's name.
    pub(crate) name: String,
    /// More arguments for its program.
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(crate) more: Vec<OsString>,
    #[command(flatten)]
    pub(crate) engine: EngineArguments,
    #[command(flatten)]
    pub(crate) seeing: SeeingArguments,
}
