//! Starting the work.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::call::{OwnLimits, SandboxStep};
use crate::host::config;
use crate::local::role::Role;
use crate::local::sandbox::explain;
use crate::protocol::{Job, Program, StartFailure};
use crate::sys;
use crate::sys::SysError;

/// Starts the work with the job's environment and working folder. Returns its process id.
pub(super) fn start(job: &Job, descriptors: Vec<OwnedFd>) -> Result<i32, StartFailure> {
    let mut descriptors = descriptors.into_iter();
    let stdin = if job.stdin { descriptors.next() } else { None };
    let output = if job.output {
        descriptors.next().zip(descriptors.next())
    } else {
        None
    };
    // Lives until the program runs, which inherits it; this process must not keep it, or the
    // supervisor would not see the worker's end.
    let socket = match job.program {
        Program::Worker { .. } => Some(inheritable(descriptors.next())?),
        Program::Command { .. } => None,
    };
    let mut command = match (&job.program, &socket) {
        (Program::Worker { function }, Some(socket)) => worker(function, socket)?,
        (Program::Worker { .. }, None) => return Err(process("no socket for the worker")),
        (Program::Command { program, arguments }, _) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
    };
    if let Some(name) = job
        .environment
        .keys()
        .find(|name| !config::is_variable_name(name.as_ref()))
    {
        return Err(process(&format!(
            "`{name}` can't be the name of a variable"
        )));
    }
    for name in config::SEEING {
        command.env_remove(name);
    }
    for name in &job.without {
        command.env_remove(name);
    }
    command.envs(&job.environment);
    command.stdin(stdin.map_or_else(Stdio::null, Stdio::from));
    if let Some((out, err)) = output {
        command.stdout(out).stderr(err);
    }
    check_folder(&job.workdir)?;
    limit(&job.limits)?;
    command.current_dir(&job.workdir);
    match command.spawn() {
        // Its end is collected with everyone else's.
        Ok(child) => Ok(i32::try_from(child.id()).unwrap_or(i32::MAX)),
        Err(error) => Err(StartFailure::NotStarted {
            program: name_of(&job.program),
            errno: error.raw_os_error().unwrap_or(0),
        }),
    }
}

/// Sets the limits of this process, which all processes that it starts inherit.
fn limit(limits: &OwnLimits) -> Result<(), StartFailure> {
    let failed = |error: SysError| explain(&SandboxStep::Limits, &error);
    if let Some(count) = limits.processors {
        // Jobs side by side have other process ids outside, but not here: the clock tells them apart.
        let seed = std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |time| time.subsec_nanos());
        sys::limit_processors(count, seed as usize).map_err(failed)?;
    }
    match limits.memory {
        Some(bytes) => sys::limit_memory(bytes).map_err(failed),
        None => Ok(()),
    }
}

fn name_of(program: &Program) -> OsString {
    match program {
        Program::Worker { .. } => "/proc/self/exe".into(),
        Program::Command { program, .. } => program.clone(),
    }
}

fn inheritable(socket: Option<OwnedFd>) -> Result<OwnedFd, StartFailure> {
    let socket = socket.ok_or_else(|| process("no socket for the worker"))?;
    sys::inheritable(socket).map_err(|error| process(&error.to_string()))
}

fn worker(function: &str, socket: &OwnedFd) -> Result<Command, StartFailure> {
    let role = Role::Worker
        .describe(socket)
        .map_err(|error| process(&error.to_string()))?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(format!("stub: worker for {function}"))
        .env(config::ROLE, role);
    Ok(command)
}

/// Told apart from a missing program, which looks the same after `spawn`.
fn check_folder(folder: &Path) -> Result<(), StartFailure> {
    match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(working_folder(folder, "it is not a folder")),
        Err(error) => Err(working_folder(folder, &error.to_string())),
    }
}

fn working_folder(folder: &Path, reason: &str) -> StartFailure {
    StartFailure::Sandbox {
        step: SandboxStep::WorkingFolder(folder.to_owned()),
        reason: reason.to_owned(),
        remedy: None,
    }
}

fn process(reason: &str) -> StartFailure {
    StartFailure::Sandbox {
        step: SandboxStep::Process,
        reason: reason.to_owned(),
        remedy: None,
    }
}
