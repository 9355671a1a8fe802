//! Execution of Slurm's commands.

use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::cluster::error::ClusterError;
use crate::host::config;

/// Name of the scheduler in messages.
pub(super) const NAME: &str = "Slurm";

/// Messages of Slurm whose controller is not there, or unable to answer in time.
const AWAY: [&str; 8] = [
    "Could not establish a configuration source",
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Zero Bytes were transmitted",
    "Unexpected message received",
    "standby mode",
    "Transport endpoint is not connected",
];

/// Messages of Slurm when there are too many jobs for now.
const BUSY: [&str; 4] = [
    "temporarily unable to accept job",
    "Resource temporarily unavailable",
    "job submit limit",
    "Job limit",
];

/// Only command whose failure can mean that the request was wrong.
const SUBMITS: &str = "sbatch";

/// Runs a command and returns its output. It gets only the variables that it needs to find its
/// cluster: Slurm hands on the environment of `sbatch`, and shows it to others.
pub(super) fn run(
    program: &'static str,
    arguments: impl IntoIterator<Item = String>,
    input: Option<&str>,
) -> Result<String, ClusterError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        // At a terminal, Ctrl-C is for us.
        .process_group(0)
        .env_clear()
        .envs(config::for_slurm())
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| not_started(program, &error))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // One that ends without reading has said why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| not_started(program, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code().is_none() {
        return Err(ClusterError::Unreachable {
            scheduler: NAME,
            reason: format!("`{program}` was killed"),
        });
    }
    Err(classify(program, said.trim()))
}

fn not_started(program: &str, error: &std::io::Error) -> ClusterError {
    let scheduler = NAME;
    match error.kind() {
        ErrorKind::NotFound => ClusterError::Refused {
            scheduler,
            reason: format!(
                "there is no `{program}` in PATH: run this where Slurm's commands are, such as the login node"
            ),
        },
        // This machine is out of something for now.
        _ => ClusterError::Unreachable {
            scheduler,
            reason: format!("`{program}` can't be started: {error}"),
        },
    }
}

fn classify(program: &str, said: &str) -> ClusterError {
    let reason = if said.is_empty() {
        format!("`{program}` failed without a word")
    } else {
        said.lines().collect::<Vec<_>>().join("; ")
    };
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    let scheduler = NAME;
    // What only looks is never wrong by itself.
    if says(&AWAY) || program != SUBMITS {
        ClusterError::Unreachable { scheduler, reason }
    } else if says(&BUSY) {
        ClusterError::Busy { scheduler, reason }
    } else {
        ClusterError::Refused { scheduler, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        let said = |text| classify("sbatch", text);
        let away = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)";
        assert!(matches!(said(away), ClusterError::Unreachable { .. }));
        let busy = "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)";
        assert!(matches!(said(busy), ClusterError::Busy { .. }));
        let wrong = "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed";
        let error = said(wrong);
        assert!(matches!(error, ClusterError::Refused { .. }));
        assert!(
            error
                .to_string()
                .contains("invalid partition specified: x; sbatch")
        );
    }

    #[test]
    fn a_missing_command_is_told_with_what_to_do() {
        let error = run("no-such-command-of-slurm", [], None).map_err(|error| error.to_string());
        assert!(error.is_err_and(|words| words.contains("login node")));
    }
}
