//! Supervisor of one call: it has init build the sandbox and start the work, serves the file
//! systems, finishes the uploads, and reports.
//!
//! It stays outside the sandbox: it never sees its own mounts (touching them would deadlock), and
//! the job never sees it. It holds the bucket credentials, so its memory is closed to others.
//!
//! Invariant: it has one thread, and has read nothing secret, until init exists.

mod driver;
mod first;
mod inputs;
mod limiting;
mod line;
mod progress;
mod state;
mod volumes;

use std::os::fd::OwnedFd;

use crate::call::{CallSpec, SandboxStep};
use crate::host::config;
use crate::local::sandbox::explain;
use crate::local::{init, sandbox};
use crate::observe::{log, watch};
use crate::protocol::{Channel, ChannelError, FromSupervisor, Hello, Reply, StartFailure};
use crate::sys;
use crate::sys::{Clone, Ids, SysError};

use first::Init;

/// Runs one call and ends the process.
pub(crate) fn main(caller: Channel) -> ! {
    let result = match split() {
        Ok(Side::Init {
            supervisor,
            outside,
            inherited,
        }) => {
            // Held there, it would hide the caller's view of the supervisor's end.
            drop(caller);
            init::run(&supervisor, outside, inherited)
        }
        Ok(Side::Supervisor(init)) => supervise(&caller, init),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = result {
        // If it can't be sent, nobody is there to read it.
        let _ = caller.send(&FromSupervisor::Reply(Reply::Refused(failure)), &[]);
    }
    log::end();
    sys::exit_now(0)
}

/// Side of the clone that this process is on.
enum Side {
    Init {
        supervisor: Channel,
        outside: Option<Ids>,
        inherited: Vec<OwnedFd>,
    },
    Supervisor(Init),
}

/// Clones this process to make init.
fn split() -> Result<Side, StartFailure> {
    if sandbox::threads().is_some_and(|count| count > 1) {
        return Err(StartFailure::Sandbox {
            step: SandboxStep::Process,
            reason: "a library of this program starts a thread before `main`".to_owned(),
            remedy: Some("start the thread in `main`, or check LD_PRELOAD".to_owned()),
        });
    }
    become_private().map_err(|error| explain(&SandboxStep::Process, &error))?;
    // A command gets what its caller was given, by init, which knows what it starts. Here, it would
    // only keep open what others wait for the end of.
    let inherited = sys::inherited();
    let (ours, theirs) = Channel::pair().map_err(|error| explain(&SandboxStep::Process, &error))?;
    let user = sandbox::needs_user_namespace();
    let outside = user.then(sys::effective_ids);
    match sys::clone_into_namespaces(user) {
        Ok(Clone::Child) => Ok(Side::Init {
            supervisor: theirs,
            outside,
            inherited,
        }),
        Ok(Clone::Parent(pid)) => Ok(Side::Supervisor(Init { pid, channel: ours })),
        Err(error) => Err(explain(&SandboxStep::Namespaces { user }, &error)),
    }
}

fn supervise(caller: &Channel, init: Init) -> Result<(), StartFailure> {
    outlive_the_job().map_err(|error| explain(&SandboxStep::Process, &error))?;
    let (hello, descriptors) = match caller.receive::<Hello>() {
        Ok(received) => received,
        Err(ChannelError::Malformed(reason)) => return Err(StartFailure::Protocol { reason }),
        // The caller is gone, and init follows this process.
        Err(_) => return Ok(()),
    };
    if hello.spec.version != CallSpec::VERSION {
        let (theirs, ours) = (hello.spec.version, CallSpec::VERSION);
        let reason = format!("the call has version {theirs}; this program understands {ours}");
        return Err(StartFailure::Protocol { reason });
    }
    config::adopt(&hello.credentials);
    log::start();
    let _in_call = watch::supervisor_span(&hello.spec.label(), &hello.trace).entered();
    driver::drive(caller, init, hello, descriptors)
}

/// Prepares this process before init, a copy of it, is made.
fn become_private() -> Result<(), SysError> {
    sys::replace_stdin()?;
    sys::unblock_all()?;
    sys::default_child_signal()?;
    sys::set_name("stub-supervisor")
}

/// Sets what init and the job must not inherit: closed memory, and signal handlers.
fn outlive_the_job() -> Result<(), SysError> {
    // After init exists: its `/proc` files must stay its own until its ids are mapped.
    sys::set_undumpable()?;
    sys::ignore_broken_pipes()?;
    sys::outlive_ending_signals()
}
