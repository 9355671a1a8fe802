//! `stub completions` and `stub man`, generated from the definition of the command line.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Cli;

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    let mut command = Cli::command();
    clap_complete::generate(shell, &mut command, "stub", &mut io::stdout().lock());
    ExitCode::SUCCESS
}

/// Writes a manual page for each command.
pub(crate) fn man(folder: &Path) -> anyhow::Result<ExitCode> {
    let can_not_write = || format!("failed to write to `{}`", folder.display());
    fs::create_dir_all(folder).with_context(can_not_write)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(can_not_write)?;
    Ok(ExitCode::SUCCESS)
}
