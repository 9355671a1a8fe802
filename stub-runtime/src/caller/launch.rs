//! A supervisor as its parent sees it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::config;
use crate::error::Error;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::protocol::{Channel, ChannelError, Hello, Reply};
use crate::role::Role;
use crate::spec::CallSpec;
use crate::sys;

use super::verdict;

/// A call that is being run.
#[derive(Debug)]
pub(super) struct Launched {
    label: String,
    supervisor: Child,
    channel: Channel,
}

impl Launched {
    /// Starts a supervisor and tells it what to run.
    pub(super) fn start(spec: CallSpec, arguments: Option<Payload>) -> Result<Self, Error> {
        let label = spec.label();
        let failed = |step| {
            let label = label.clone();
            move |source| verdict::start(&label, step, source)
        };
        let (ours, theirs) =
            Channel::pair().map_err(|error| failed("make a socket")(error.into()))?;
        let supervisor = supervisor(&label, theirs).map_err(failed("start its supervisor"))?;
        let launched = Self {
            label: label.clone(),
            supervisor,
            channel: ours,
        };
        let arguments = arguments.map(OwnedFd::from);
        let stdin = io::stdin();
        let stdin = sys::has_stdin().then(|| stdin.as_fd());
        let descriptors: Vec<BorrowedFd<'_>> = stdin
            .into_iter()
            .chain(arguments.as_ref().map(AsFd::as_fd))
            .collect();
        let hello = Hello {
            spec,
            credentials: config::credentials(),
            stdin: stdin.is_some(),
            arguments: arguments.is_some(),
        };
        match launched.channel.send(&hello, &descriptors) {
            // A supervisor that has ended already may have said why.
            Ok(()) | Err(ChannelError::Closed) => Ok(launched),
            Err(error) => {
                launched.stop();
                Err(verdict::start(
                    &label,
                    "send it to its supervisor",
                    io::Error::other(error.to_string()),
                ))
            }
        }
    }

    /// Another handle on the connection, whose end is the end of the call.
    pub(super) fn connection(&self) -> Result<Channel, Error> {
        let copy = self.channel.duplicate();
        copy.map_err(|error| verdict::start(&self.label, "copy a socket", error.into()))
    }

    /// Waits for the end of the call and of its supervisor.
    pub(super) fn wait(mut self) -> Result<(Outcome, Option<Payload>), Error> {
        let reply = self.channel.receive::<Reply>();
        let status = self.supervisor.wait();
        match reply {
            Ok((Reply::Ended(outcome), descriptors)) => {
                Ok((outcome, descriptors.into_iter().next().map(Payload::from)))
            }
            Ok((Reply::Refused(failure), _)) => Err(verdict::refused(self.label, failure)),
            Err(ChannelError::Closed) => Err(Error::Lost {
                function: self.label,
                reason: how_it_ended(&status),
            }),
            Err(error) => Err(Error::Lost {
                function: self.label,
                reason: error.to_string(),
            }),
        }
    }

    fn stop(self) {
        let Self {
            mut supervisor,
            channel,
            ..
        } = self;
        drop(channel);
        // The lost connection ends it; there may be nobody to wait for if children are ignored.
        let _ = supervisor.wait();
    }
}

/// This program again. The socket takes the place of standard input, which travels through it:
/// so no descriptor needs to be made inheritable in a process with other threads.
fn supervisor(label: &str, socket: Channel) -> io::Result<Child> {
    let role = Role::Supervisor.describe(&socket)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(format!("stub: supervisor for {label}"))
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .env(config::ROLE, role);
    for name in config::CREDENTIALS {
        command.env_remove(name);
    }
    command.spawn()
}

fn how_it_ended(status: &io::Result<ExitStatus>) -> String {
    match status
        .as_ref()
        .map(|status| (status.signal(), status.code()))
    {
        Ok((Some(signal), _)) => format!("was killed by signal {signal}"),
        Ok((_, Some(code))) => format!("ended without a word (exit status {code})"),
        _ => "ended without a word".to_owned(),
    }
}
