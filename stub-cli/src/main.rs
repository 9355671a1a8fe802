//! The `stub` program: runs any command with S3 buckets as folders.

mod arguments;
mod calls;
mod exit;
mod generate;
mod inspect;
mod jobs;
mod k8s;
mod mount;
mod run;
mod serve;
mod warm;

use std::process::ExitCode;

use arguments::{Cli, Command};
use clap::Parser;
use stub_runtime::observe;

fn main() -> ExitCode {
    if mount::is_guardian() {
        return mount::guard();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error, std::env::args_os().nth(1)),
    };
    // A mount has a log of its own.
    if !matches!(cli.command, Command::Mount(_)) {
        observe::start_log();
    }
    let (ended, own_failure) = match cli.command {
        Command::Run(arguments) => (run::run(arguments), exit::RUN_FAILED),
        Command::Mount(arguments) => (mount::mount(&arguments), exit::FAILED),
        Command::Jobs(command) => (jobs::jobs(command), exit::RUN_FAILED),
        Command::K8s(command) => (k8s::k8s(command), exit::FAILED),
        Command::Policy(arguments) => (inspect::policy(&arguments), exit::FAILED),
        Command::Doctor(arguments) => (inspect::doctor(&arguments), exit::FAILED),
        Command::Completions { shell } => (Ok(generate::completions(shell)), exit::FAILED),
        Command::Man { folder } => (generate::man(&folder), exit::FAILED),
        Command::Warm(arguments) => (warm::warm(&arguments), exit::FAILED),
        Command::Serve(arguments) => (serve::serve(arguments), exit::FAILED),
    };
    let ended = ended.unwrap_or_else(|error| exit::failed(&error, own_failure));
    observe::end_log();
    ended
}
