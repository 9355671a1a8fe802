//! Exit statuses, and the line on standard error that explains them.
//!
//! `stub mount` exits with 0, 1 (failure) or 2 (wrong arguments). `stub run` exits with the program's
//! own status. Statuses that are not the program's follow `env`, `timeout` and container runtimes.

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use stub_runtime::observe::say;

/// Status of a failed `stub mount`.
pub(crate) const FAILED: u8 = 1;
/// Status of `stub run` if it failed itself: no volume, no sandbox, or data that was not stored.
pub(crate) const RUN_FAILED: u8 = 125;
/// Status of `stub run` if the program can't be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// Status of `stub run` if there is no such program.
pub(crate) const NOT_FOUND: u8 = 127;

/// Prints the error in one line, sources included, and returns the exit status.
pub(crate) fn failed(error: &anyhow::Error, status: u8) -> ExitCode {
    say(&format!("{error:#}"));
    ExitCode::from(status)
}

/// Prints the help or the argument error, and returns the exit status.
pub(crate) fn usage(error: &clap::Error, subcommand: Option<OsString>) -> ExitCode {
    let _ = error.print();
    match (error.exit_code(), subcommand) {
        (0, _) => ExitCode::SUCCESS,
        (_, Some(name)) if name == "run" => ExitCode::from(RUN_FAILED),
        (status, _) => ExitCode::from(u8::try_from(status).unwrap_or(FAILED)),
    }
}
