//! `serve` of a program without schedules.

use std::process::ExitCode;

use super::exit::CommandFailure;

/// Refuses, as no function can have a schedule.
pub(super) fn serve() -> Result<ExitCode, CommandFailure> {
    Err(CommandFailure::usage(
        "this program was built without schedules\n\
         enable the feature `schedule` of the crate `stub`",
    ))
}
