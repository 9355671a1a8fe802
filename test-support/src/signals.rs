//! Signal dispositions of started programs.

use std::ffi::OsStr;
use std::process::Command;

/// Returns the command to start a program with signals as a terminal has them. A shell starts what is
/// in the background with some of them ignored, which would stay so.
pub fn with_default_signals(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("env");
    command
        .arg("--default-signal=HUP,INT,QUIT,TERM")
        .arg(program);
    command
}
