//! `stub k8s`: manifests for users who apply them to Kubernetes themselves.

use std::io::{self, Write};
use std::process::ExitCode;

use stub_runtime::Retries;
use stub_runtime::engines;

use crate::arguments::K8sCommand;
use crate::{exit, run};

/// Writes a manifest to standard output, and the next commands to standard error.
pub(crate) fn k8s(command: K8sCommand) -> anyhow::Result<ExitCode> {
    let K8sCommand::Manifest(arguments) = command;
    let manifest = engines::manifest(&run::spec(arguments)?, &Retries::default())?;
    writeln!(io::stdout().lock(), "{}", manifest.text)?;
    exit::say(&format!(
        "`kubectl apply -f -` runs it, and then `stub jobs attach {}` prints its output",
        manifest.id
    ));
    Ok(ExitCode::SUCCESS)
}
