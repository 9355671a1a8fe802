//! Events from other processes: one thread each, which blocks on a socket.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;
use std::thread;

use s3fs_core::FileSystem;

use crate::call::SandboxStep;
use crate::protocol::{Channel, FromInit, InnerFolder, StartFailure, ToSupervisor};
use crate::sys;
use crate::sys::SysError;

use super::first::Init;
use super::state::Event;

/// Event, or a resource to be stored first.
pub(super) enum SupervisorInput {
    Event(Event),
    Prepared(Vec<InnerFolder>),
    Connected(Vec<FileSystem>),
    Mounted {
        volume: usize,
        fuse: Option<OwnedFd>,
    },
}

/// Starts the thread that receives the caller's messages while the work goes on, and its end.
pub(super) fn watch_caller(
    caller: &Channel,
    inputs: &Sender<SupervisorInput>,
) -> Result<(), StartFailure> {
    let caller = caller.duplicate().map_err(|error| process(&error))?;
    let inputs = inputs.clone();
    beside("caller", move || {
        while let Ok((message, _)) = caller.receive::<ToSupervisor>() {
            let event = match message {
                ToSupervisor::Store => Event::StoreAsked,
                ToSupervisor::Stop(stop) => Event::StopAsked(stop),
            };
            let _ = inputs.send(SupervisorInput::Event(event));
        }
        let _ = inputs.send(SupervisorInput::Event(Event::CallerGone));
    })
}

/// Starts the thread that receives the messages of init, and its end. With init, everything in its
/// pid namespace has ended; its socket ends before that.
pub(super) fn watch_init(
    init: &Init,
    inputs: &Sender<SupervisorInput>,
) -> Result<(), StartFailure> {
    let pid = init.pid;
    let init = init.channel.duplicate().map_err(|error| process(&error))?;
    let inputs = inputs.clone();
    beside("init", move || {
        while let Ok((message, descriptors)) = init.receive::<FromInit>() {
            let _ = inputs.send(from_init(message, descriptors));
        }
        let _ = inputs.send(SupervisorInput::Event(Event::InitEnding));
        // Reaped by the driver alone, which may still kill it by its id.
        sys::wait_for_end(pid);
        let _ = inputs.send(SupervisorInput::Event(Event::InitGone));
    })
}

fn from_init(message: FromInit, descriptors: Vec<OwnedFd>) -> SupervisorInput {
    match message {
        FromInit::Mounted { volume } => SupervisorInput::Mounted {
            volume,
            fuse: descriptors.into_iter().next(),
        },
        FromInit::Prepared { inner } => SupervisorInput::Prepared(inner),
        FromInit::Started => SupervisorInput::Event(Event::Started),
        FromInit::Ended(end) => SupervisorInput::Event(Event::Ended(end)),
        FromInit::Unmounted => SupervisorInput::Event(Event::Unmounted),
        FromInit::Failed(failure) => SupervisorInput::Event(Event::Failed(failure)),
    }
}

fn beside(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StartFailure> {
    const STACK: usize = 128 << 10;
    let builder = thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK);
    builder.spawn(run).map(drop).map_err(|error| thread(&error))
}

/// Makes the failure to start a thread.
pub(super) fn thread(error: &io::Error) -> StartFailure {
    StartFailure::Sandbox {
        step: SandboxStep::Process,
        reason: format!("a thread can't be started: {error}"),
        remedy: None,
    }
}

/// Makes the failure of a system call about processes and their sockets.
pub(super) fn process(error: &SysError) -> StartFailure {
    StartFailure::Sandbox {
        step: SandboxStep::Process,
        reason: error.to_string(),
        remedy: None,
    }
}
