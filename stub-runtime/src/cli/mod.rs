//! The command line of a program with annotated functions.

mod attach;
mod command;
mod exit;
mod inputs;
mod kms;
mod names;
mod options;
mod policy;
mod print;
mod run;
#[cfg(feature = "schedule")]
mod schedules;
#[cfg(feature = "schedule")]
mod serve;
#[cfg(not(feature = "schedule"))]
#[path = "no_serve.rs"]
mod serve;
mod tables;

use std::process::ExitCode;

use clap::ArgMatches;

use crate::declare::registry;
use crate::observe::log;
use exit::CommandFailure;
use options::given;

pub use attach::attach;
pub use exit::exit_status;
pub use options::{CallArguments, EngineArguments, FormArguments, SeeingArguments};
pub use policy::least_policy;
#[cfg(feature = "schedule")]
pub use schedules::{Entry, serve};

/// Gives a program a command line with which its annotated functions are listed, run and mapped.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     stub_runtime::cli()
/// }
/// ```
///
/// | command | does |
/// |---|---|
/// | `list` | the functions, their arguments and what they do |
/// | `run NAME --argument value …` | runs one, and prints its value: a text as it is, all else as JSON |
/// | `run NAME --inputs FILE` | maps it over the lines of a file, each of them JSON, and prints a line for each |
/// | `attach ID` | takes up a call that an earlier program began on a cluster: its values as they come |
/// | `serve` | runs the functions that have a `schedule` and no arguments at their times, until a signal |
/// | `mounts` | the buckets that the functions declare |
/// | `policy` | the least IAM policy that all of them need |
/// | `doctor` | says of the machine and of each bucket whether it has what calls need, and what helps |
///
/// `run` and `serve` take `--summary` (duration, requests and their list price), `--report FILE` (a
/// page about inputs, retries, throughput and requests) and `--metrics ADDRESS` (for Prometheus,
/// meanwhile). An argument that has the name of one of our options is `--argument-NAME`.
///
/// `--engine NAME` of `run` and `serve` selects the engine: `local`, `slurm` or `kubernetes` (see
/// [`Engine`](crate::Engine)).
///
/// An argument is an option of its name: a number, a text, or a flag for a `bool`. One of type
/// `Option` may be omitted, and one of type `Vec` may be given several times. A compound value is
/// JSON.
///
/// Ctrl-C and SIGTERM end a body with a grace period: it gets SIGTERM and five seconds, and what it
/// has written is stored. The second signal ends everything at once. For a call on a cluster, it
/// ends only this program (`stub jobs cancel ID` ends the rest).
///
/// Exit status: 0; 1 if the function failed or panicked; 2 if the command line is wrong; 124 if it
/// ran longer than its timeout; 125 if it could not be run, or something it wrote could not be
/// stored; 130 if it was interrupted; 128 + N if signal N killed it; its own, if it called
/// `std::process::exit`.
pub fn cli() -> ExitCode {
    if let Err(reason) = registry::check() {
        return CommandFailure::new(reason).report();
    }
    match command::command().try_get_matches() {
        Ok(matches) => {
            log::start();
            let ended = dispatch(&matches).unwrap_or_else(CommandFailure::report);
            log::end();
            ended
        }
        Err(error) => {
            // There is nobody to tell if this fails.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE))
        }
    }
}

fn dispatch(matches: &ArgMatches) -> Result<ExitCode, CommandFailure> {
    match matches.subcommand() {
        Some(("list", arguments)) => tables::list(given(arguments)?),
        Some(("mounts", arguments)) => tables::mounts(given(arguments)?),
        Some(("policy", _)) => policy::print(),
        Some(("attach", arguments)) => Ok(attach(&given::<CallArguments>(arguments)?.id)),
        Some(("serve", arguments)) => {
            begin(arguments)?;
            serve::serve()
        }
        Some(("doctor", arguments)) => tables::doctor(given(arguments)?),
        Some(("run", arguments)) => match arguments.subcommand() {
            Some((name, arguments)) => run::run(name, arguments),
            None => Ok(ExitCode::from(exit::USAGE)),
        },
        _ => Ok(ExitCode::from(exit::USAGE)),
    }
}

/// Selects the engine and starts the telemetry of a run.
fn begin(arguments: &ArgMatches) -> Result<(), CommandFailure> {
    given::<EngineArguments>(arguments)?.choose();
    given::<SeeingArguments>(arguments)?
        .begin()
        .map_err(CommandFailure::usage)
}
