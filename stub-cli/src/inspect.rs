//! `stub policy` and `stub doctor`.

use std::io::{self, Write};
use std::process::ExitCode;

use stub_runtime::cli::least_policy;
use stub_runtime::local::doctor as look;

use crate::arguments::{DoctorArguments, VolumesArguments};
use crate::{exit, run};

/// Prints the least policy for the volumes.
pub(crate) fn policy(arguments: &VolumesArguments) -> anyhow::Result<ExitCode> {
    let volumes = run::volumes(&arguments.volumes, &arguments.service.options())?;
    let policy = least_policy(volumes.iter().map(|volume| &volume.mount));
    writeln!(io::stdout().lock(), "{policy:#}")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a line for each requirement.
pub(crate) fn doctor(arguments: &DoctorArguments) -> anyhow::Result<ExitCode> {
    let volumes = run::volumes(&arguments.volumes, &arguments.service.options())?;
    let mounts: Vec<_> = volumes.into_iter().map(|volume| volume.mount).collect();
    let checks = look(&mounts);
    let mut out = io::stdout().lock();
    if arguments.form.json {
        serde_json::to_writer_pretty(&mut out, &checks)?;
        writeln!(out)?;
    } else {
        for check in &checks {
            writeln!(out, "{check}")?;
        }
    }
    let is_well = checks.iter().all(|check| check.problem.is_none());
    Ok(ExitCode::from(if is_well { 0 } else { exit::FAILED }))
}
