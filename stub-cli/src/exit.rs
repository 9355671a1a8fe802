//! Exit statuses, and the one line on standard error that explains them.
//!
//! `stub mount` ends with 0, 1 (it failed) or 2 (it was called wrongly). `stub run` ends with the
//! program's own status; what is not the program's is told apart as `env`, `timeout` and container
//! runtimes do.

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use stub_runtime::engine::say;

/// `stub mount` failed.
pub(crate) const FAILED: u8 = 1;
/// `stub run` failed itself: no volume, no sandbox, or something was not stored.
pub(crate) const RUN_FAILED: u8 = 125;
/// `stub run`: the program can't be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// `stub run`: there is no such program.
pub(crate) const NOT_FOUND: u8 = 127;

/// Says why in one line, sources included.
pub(crate) fn failed(error: &anyhow::Error, status: u8) -> ExitCode {
    say(&format!("{error:#}"));
    ExitCode::from(status)
}

/// Prints help, or what is wrong with the arguments.
pub(crate) fn usage(error: &clap::Error, subcommand: Option<OsString>) -> ExitCode {
    let _ = error.print();
    match (error.exit_code(), subcommand) {
        (0, _) => ExitCode::SUCCESS,
        (_, Some(name)) if name == "run" => ExitCode::from(RUN_FAILED),
        (status, _) => ExitCode::from(u8::try_from(status).unwrap_or(FAILED)),
    }
}
