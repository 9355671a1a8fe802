//! `stub run`: a program in a sandbox in which buckets are folders.

use std::collections::HashSet;
use std::env;
use std::io::{self, IsTerminal};
use std::path::absolute;
use std::process::ExitCode;

use anyhow::{Context, bail};
use stub_runtime::call::{CallSpec, Ended, Limits, Outcome, Volume, Work};
use stub_runtime::declare::{Settings, VolumeOptions};
use stub_runtime::local::{Canceller, CtrlC};
use stub_runtime::{Error, ErrorKind, Retries, Secret, cli, declare, engines, local};

use crate::arguments::{RunArguments, VolumeArgument};
use crate::exit;

/// Runs the program and returns its exit status.
pub(crate) fn run(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    arguments.engine.choose();
    arguments.seeing.begin().map_err(anyhow::Error::msg)?;
    run_spec(&spec(arguments)?, &Retries::default())
}

/// Runs a command, retries it as allowed, and returns its exit status.
pub(crate) fn run_spec(spec: &CallSpec, retries: &Retries) -> anyhow::Result<ExitCode> {
    let canceller = Canceller::default();
    // At a terminal, the program gets Ctrl-C as well, and may want to go on.
    let is_tried_again = *retries != Retries::default();
    let ctrl_c = if io::stdin().is_terminal() && !is_tried_again {
        CtrlC::IsTheirs
    } else {
        CtrlC::Ends
    };
    let run = || engines::run_command(spec, retries, &canceller);
    let (outcome, is_interrupted) = local::until_interrupted(&canceller, ctrl_c, run);
    match outcome {
        Ok(outcome) if is_interrupted => {
            status(&spec.label(), &outcome);
            Ok(ExitCode::from(local::INTERRUPTED))
        }
        Ok(outcome) => Ok(ExitCode::from(status(&spec.label(), &outcome))),
        Err(Error {
            attempt,
            kind: ErrorKind::NotStarted { source },
            ..
        }) => {
            let found = source.kind() != io::ErrorKind::NotFound;
            let status = if found {
                exit::NOT_EXECUTABLE
            } else {
                exit::NOT_FOUND
            };
            Ok(exit::failed(
                &anyhow::Error::new(source).context(attempt.function),
                status,
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// Builds the call from the command line.
pub(crate) fn spec(arguments: RunArguments) -> anyhow::Result<CallSpec> {
    let volumes = volumes(&arguments.volumes, &arguments.volume_options())?;
    let mut command = arguments.command.into_iter();
    let program = command.next().context("no program is given")?;
    let given = arguments
        .variables
        .into_iter()
        .map(|v| Secret::from_dict([(v.name, v.value)]));
    let secrets =
        given.chain([Secret::from_env(arguments.secrets).context("failed to pass secrets")?]);
    let limits = Limits {
        cpu: arguments.cpu,
        memory: arguments.memory,
        lenient: arguments.lenient_limits,
    };
    limits.check().map_err(anyhow::Error::msg)?;
    Ok(CallSpec {
        version: CallSpec::VERSION,
        name: None,
        work: Work::Command {
            program,
            arguments: command.collect(),
        },
        volumes,
        environment: declare::environment(secrets)?,
        timeout: arguments.timeout,
        network: !arguments.no_network,
        isolate: arguments.isolate,
        limits,
        workdir: match arguments.workdir {
            Some(folder) => absolute(&folder).context("failed to find the current folder")?,
            None => env::current_dir().context("failed to find the current folder")?,
        },
    })
}

/// Returns the volumes, with the defaults of `stub.toml`.
pub(crate) fn volumes(
    volumes: &[VolumeArgument],
    defaults: &VolumeOptions,
) -> anyhow::Result<Vec<Volume>> {
    let settings = Settings::load()?;
    let mut seen = HashSet::new();
    let mut specs = Vec::new();
    for volume in volumes {
        let path = volume.path.as_ref().to_owned();
        if !seen.insert(path.clone()) {
            bail!(
                "failed to mount volume `{}`: it is given twice\nleave one out",
                path.display()
            );
        }
        let volume = settings.apply(volume.volume().with_defaults(defaults.clone()));
        let mount = volume
            .into_config()
            .with_context(|| format!("failed to mount volume `{}`", path.display()))?;
        specs.push(Volume { path, mount });
    }
    Ok(specs)
}

/// Returns the exit status; prints unstored objects and a timeout to standard error.
pub(crate) fn status(program: &str, outcome: &Outcome) -> u8 {
    for lost in &outcome.not_stored {
        exit::say(&format!("not stored: {lost}"));
    }
    if let Ended::TimedOut { after } = &outcome.ended {
        exit::say(&format!(
            "{program} was killed: it ran longer than {after:?}"
        ));
    }
    cli::exit_status(outcome)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stub_runtime::call::{Ended, NotStored, Outcome};

    use super::status;

    fn outcome(ended: Ended) -> Outcome {
        Outcome {
            ended,
            not_stored: Vec::new(),
        }
    }

    #[test]
    fn the_status_is_the_programs_or_tells_why_there_is_none() {
        assert_eq!(status("p", &outcome(Ended::Exited { code: 0 })), 0);
        assert_eq!(status("p", &outcome(Ended::Exited { code: 7 })), 7);
        assert_eq!(status("p", &outcome(Ended::Killed { signal: 9 })), 137);
        assert_eq!(
            status(
                "p",
                &outcome(Ended::TimedOut {
                    after: Duration::from_secs(1)
                })
            ),
            124
        );
    }

    #[test]
    fn a_success_that_is_not_stored_is_none() {
        let object = "s3://b/k".to_owned();
        let not_stored = vec![NotStored {
            object,
            reason: "denied".to_owned(),
            kept_in: None,
        }];
        let with = |code| Outcome {
            ended: Ended::Exited { code },
            not_stored: not_stored.clone(),
        };
        assert_eq!(status("p", &with(0)), 125);
        assert_eq!(status("p", &with(3)), 3);
    }
}
