//! A supervisor as its parent sees it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use crate::config;
use crate::error::Error;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::protocol::{Channel, ChannelError, FromSupervisor, Hello, Reply};
use crate::role::Role;
use crate::spec::CallSpec;
use crate::sys;

use super::unfinished::Unfinished;
use super::{process, verdict};

/// A call that is being run.
#[derive(Debug)]
pub(super) struct Launched {
    label: String,
    supervisor: Child,
    channel: Channel,
    unfinished: Unfinished,
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
        let title = format!("stub: supervisor for {label}");
        let supervisor = process::start(Role::Supervisor, title, theirs)
            .map_err(failed("start its supervisor"))?;
        let mounts = spec.volumes.iter().map(|volume| volume.mount.clone());
        let launched = Self {
            label: label.clone(),
            supervisor,
            channel: ours,
            unfinished: Unfinished::new(mounts),
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
        let reply = self.listen();
        let status = self.supervisor.wait();
        match reply {
            Ok((Reply::Ended(outcome), value)) => Ok((outcome, value.map(Payload::from))),
            Ok((Reply::Refused(failure), _)) => Err(verdict::refused(self.label, failure)),
            Err(ChannelError::Closed) => Err(self.lost(how_it_ended(&status), &status)),
            Err(error) => Err(self.lost(error.to_string(), &status)),
        }
    }

    /// Hears of uploads until the last word.
    fn listen(&mut self) -> Result<(Reply, Option<OwnedFd>), ChannelError> {
        loop {
            match self.channel.receive::<FromSupervisor>()? {
                (FromSupervisor::Upload(note), _) => self.unfinished.note(note),
                (FromSupervisor::Reply(reply), descriptors) => {
                    return Ok((reply, descriptors.into_iter().next()));
                }
            }
        }
    }

    /// Cleans up after a supervisor that ended without a word.
    fn lost(self, reason: String, status: &io::Result<ExitStatus>) -> Error {
        let Self {
            label, unfinished, ..
        } = self;
        // One that ended by itself has heard that nobody waits for it, and has cleaned up.
        let is_clean = status.as_ref().is_ok_and(ExitStatus::success);
        let left = (!is_clean).then(|| unfinished.abort(&label)).flatten();
        Error::Lost {
            function: label,
            reason: [Some(reason), left]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("; "),
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
