//! First process of a job's namespaces: it builds the sandbox, starts the work, reaps processes
//! that end, and kills everything in its pid namespace when it ends.
//!
//! It is a copy of the supervisor, with a single thread, made before the supervisor has read
//! anything secret. It keeps no `/dev/fuse` descriptor, so that mounts end with the supervisor that
//! serves them.

mod job;

use std::mem;
use std::os::fd::{AsFd, OwnedFd};

use crate::call::SandboxStep;
use crate::local::sandbox;
use crate::local::sandbox::{Mounted, explain, keep_identity};
use crate::protocol::{
    Channel, ChannelError, FromInit, Job, MountPoint, Program, StartFailure, ToInit,
};
use crate::sys;
use crate::sys::{Ids, Scope, SysError, Woken, WorkerEnd};

/// Serves the supervisor until that asks it to unmount, or goes away. `outside`: the ids to keep,
/// in a new user namespace. `inherited`: descriptors that the caller was given, for a command.
pub(crate) fn run(supervisor: &Channel, outside: Option<Ids>, inherited: Vec<OwnedFd>) -> ! {
    let result = set_up(outside).and_then(|()| serve(supervisor, Rights::of(outside), inherited));
    if let Err(Ended::Failed(failure)) = result {
        // If it can't be sent, nobody is there to read it.
        let _ = supervisor.send(&FromInit::Failed(failure), &[]);
    }
    sys::exit_now(0)
}

/// Reason for which init ends.
enum Ended {
    Failed(StartFailure),
    SupervisorGone,
}

impl From<ChannelError> for Ended {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Closed | ChannelError::Socket(_) | ChannelError::NotStarted(_) => {
                Self::SupervisorGone
            }
            ChannelError::Malformed(reason) => Self::Failed(StartFailure::Protocol { reason }),
        }
    }
}

impl From<StartFailure> for Ended {
    fn from(failure: StartFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<SysError> for Ended {
    fn from(error: SysError) -> Self {
        Self::Failed(explain(&SandboxStep::Process, &error))
    }
}

fn set_up(outside: Option<Ids>) -> Result<(), Ended> {
    // A supervisor that died before this line is noticed as the end of its socket.
    sys::set_death_signal()?;
    if let Some(ids) = outside {
        keep_identity(ids).map_err(|error| explain(&SandboxStep::Identity, &error))?;
        // Set-user-id programs can do nothing here, where only one id exists; so nothing is lost.
        // Root's job keeps them: it may need `su`.
        sys::set_no_new_privileges()?;
    }
    // A job shares the caller's terminal, where what it types would be run as its user.
    sys::refuse_simulated_input()?;
    sys::set_undumpable()?;
    sys::set_name("stub-init")?;
    std::env::set_current_dir("/").map_err(|error| {
        Ended::Failed(StartFailure::Sandbox {
            step: SandboxStep::Process,
            reason: format!("chdir(/): {error}"),
            remedy: None,
        })
    })
}

/// Capabilities that the job's programs get.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// Capabilities of this process's user on the machine.
    OfUser,
    /// Capabilities in a user namespace: none unless its user has the id 0.
    InNamespace,
    /// No capabilities.
    None,
}

impl Rights {
    fn of(outside: Option<Ids>) -> Self {
        match outside {
            Some(_) => Self::InNamespace,
            None => Self::OfUser,
        }
    }

    fn isolated(self) -> Self {
        match self {
            Self::InNamespace => Self::None,
            other => other,
        }
    }
}

fn serve(
    supervisor: &Channel,
    mut rights: Rights,
    mut inherited: Vec<OwnedFd>,
) -> Result<(), Ended> {
    let mut points: Vec<MountPoint> = Vec::new();
    let mut mounts: Vec<Mounted> = Vec::new();
    loop {
        let (message, descriptors) = supervisor.receive::<ToInit>()?;
        match message {
            ToInit::Prepare {
                points: wanted,
                network,
                hide,
            } => {
                points = wanted;
                // The list of sockets, of which some are hidden, is that of the machine's network.
                mounts = sandbox::prepare(&points, hide.as_ref())?;
                part(network, hide.is_some())?;
                if hide.is_some() {
                    // By a folder, a socket or a terminal, a job would reach what is hidden.
                    inherited.retain(sys::is_pipe_or_file);
                    rights = rights.isolated();
                }
                let inner = sandbox::inner_folders(&mounts);
                supervisor.send(&FromInit::Prepared { inner }, &[])?;
            }
            ToInit::Mount => mount_all(supervisor, &points, &mounts)?,
            ToInit::Start(job) => {
                if rights == Rights::None {
                    // Or a program of the user 0 would unmount what covers the host.
                    sys::withhold_capabilities()?;
                }
                let inherited = mem::take(&mut inherited);
                work(supervisor, &job, descriptors, inherited)?;
            }
            // The work has ended by itself.
            ToInit::Terminate { .. } | ToInit::Kill => {}
            ToInit::Unmount => {
                sandbox::unmount(&mounts);
                supervisor.send(&FromInit::Unmounted, &[])?;
                return Ok(());
            }
        }
    }
}

/// Leaves resources that the job does not share with others: network, IPC, keyring, signals.
fn part(has_network: bool, is_isolated: bool) -> Result<(), StartFailure> {
    if !has_network {
        sys::leave_network().map_err(|error| explain(&SandboxStep::Network, &error))?;
    }
    if is_isolated {
        sys::leave_session().map_err(|error| explain(&SandboxStep::Hide, &error))?;
        if has_network {
            let left = sys::leave_processes(Scope::SignalsAndAbstractSockets);
            left.map_err(|error| explain(&SandboxStep::AbstractSockets, &error))?;
        } else if let Err(error) = sys::leave_processes(Scope::Signals) {
            // Abstract sockets of the machine's network are elsewhere. A signal to its process
            // group can stop a call, and shows nothing.
            tracing::debug!(%error, "failed to restrict signals: the job can signal its process group");
        }
    }
    Ok(())
}

fn mount_all(supervisor: &Channel, points: &[MountPoint], mounts: &[Mounted]) -> Result<(), Ended> {
    for mount in mounts {
        // Not kept: a copy here would keep the mount alive without its server.
        let fuse = sandbox::mount_bucket(points, mount)?;
        supervisor.send(
            &FromInit::Mounted {
                volume: mount.volume,
            },
            &[fuse.as_fd()],
        )?;
    }
    Ok(())
}

/// Starts the work, waits for its end, ends processes that it left running, and reports.
fn work(
    supervisor: &Channel,
    job: &Job,
    descriptors: Vec<OwnedFd>,
    mut inherited: Vec<OwnedFd>,
) -> Result<(), Ended> {
    // What leaks into a function's caller is nothing to its body; a command has what a shell made for it.
    if let Program::Worker { .. } = job.program {
        inherited.clear();
    }
    let worker = job::start(job, descriptors)?;
    drop(inherited);
    supervisor.send(&FromInit::Started, &[])?;
    // After the start, as the work would inherit what is blocked here. An end before this line
    // is seen by the first `reap`.
    let children = sys::ChildSignals::new()?;
    sys::hold_ending_signals()?;
    let mut is_asked_to_end = false;
    let mut end = None;
    // What the work leaves behind is ended with it; but if all were asked to end, all have the same time.
    loop {
        end = reap_until(worker)?.or(end);
        if end.is_some() && (!is_asked_to_end || sys::is_alone()) {
            break;
        }
        match children.wait(supervisor.as_fd())? {
            Woken::Child => {}
            Woken::Socket => match supervisor.receive::<ToInit>()?.0 {
                ToInit::Terminate { signal } => {
                    is_asked_to_end = true;
                    ask(signal)?;
                }
                ToInit::Kill => {
                    is_asked_to_end = false;
                    sys::kill_everyone()?;
                }
                _ => return Err(unexpected()),
            },
        }
    }
    let end = end.ok_or_else(unexpected)?;
    sys::kill_everyone()?;
    while sys::reap(true)?.is_some() {}
    supervisor.send(&FromInit::Ended(end), &[])?;
    Ok(())
}

/// Sends a signal to the work and to all processes that it has started. A terminal that closes,
/// Ctrl-\\ and `timeout` signal the process group of the caller, which includes this process: its
/// other members have the signal already.
fn ask(signal: i32) -> Result<(), SysError> {
    if sys::take_from_outside(signal) {
        sys::ask_other_groups(signal)
    } else {
        sys::ask_everyone(signal)
    }
}

/// Reaps processes that have ended. Returns the end of the worker, if it is among them.
fn reap_until(worker: i32) -> Result<Option<WorkerEnd>, Ended> {
    while let Some((pid, end)) = sys::reap(false)? {
        if pid == worker {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

fn unexpected() -> Ended {
    Ended::Failed(StartFailure::Protocol {
        reason: "a message came at the wrong time".to_owned(),
    })
}
