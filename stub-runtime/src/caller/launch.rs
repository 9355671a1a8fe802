//! A supervisor, and the worker in its sandbox, as their caller sees them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::Instant;

use s3fs_core::NotStored;

use crate::attempt::Attempt;
use crate::config;
use crate::error::Error;
use crate::limits::remove_left;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::protocol::{
    Channel, ChannelError, FromSupervisor, FromWorker, Hello, Inbox, Input, Reply, Report, Stop,
    ToSupervisor, ToWorker,
};
use crate::role::Role;
use crate::spec::{CallSpec, Work};
use crate::summary::Summary;
use crate::sys;

use super::output::{JobsEnds, Output, Sink};
use super::unfinished::Unfinished;
use super::{process, verdict};

/// A sandbox in which something is run.
#[derive(Debug)]
pub(super) struct Launched {
    label: String,
    supervisor: Child,
    line: Line,
    /// Of a function, until its process is gone.
    worker: Option<Line>,
    unfinished: Unfinished,
    /// What it prints, if that isn't printed by itself.
    output: Option<Output>,
    summary: Option<Arc<Summary>>,
    over: Option<Result<Reply, ChannelError>>,
}

/// Who takes what comes out of a sandbox besides values.
#[derive(Clone, Debug, Default)]
pub(super) struct Takers {
    /// What it prints; else that goes to this program's own streams.
    pub(super) sink: Option<Arc<dyn Sink>>,
    /// What it took.
    pub(super) summary: Option<Arc<Summary>>,
    /// It reads nothing from this program's standard input.
    pub(super) no_stdin: bool,
}

/// A connection, and what has arrived of it.
#[derive(Debug)]
struct Line {
    channel: Channel,
    inbox: Inbox,
}

/// What comes from a sandbox.
#[derive(Debug)]
pub(super) enum Heard {
    /// The work was started.
    Started,
    /// One of several values of an input.
    Emitted(Payload),
    /// One more input has ended. The value, if it returned one.
    Reported(Report, Option<Payload>),
    /// The worker takes no more inputs.
    WorkerGone,
    /// What could not be stored of what had been written when that was asked.
    Stored(Vec<NotStored>),
    /// The time is over.
    TimeUp,
    /// Nothing more will come.
    Over,
}

/// Who has something to say.
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    supervisor: bool,
    worker: bool,
    output: bool,
}

impl Line {
    fn new(channel: Channel) -> Self {
        Self {
            channel,
            inbox: Inbox::default(),
        }
    }
}

impl Launched {
    /// Starts a supervisor and tells it what to run.
    pub(super) fn start(spec: CallSpec, takers: Takers) -> Result<Self, Error> {
        let Takers {
            sink,
            summary,
            no_stdin,
        } = takers;
        let label = spec.label();
        let failed = |step| {
            let label = label.clone();
            move |source| Error::start(Attempt::first(&label), step, source)
        };
        let pair = || Channel::pair().map_err(|error| failed("make a socket")(error.into()));
        let (ours, theirs) = pair()?;
        let (worker, workers_end) = match spec.work {
            Work::Function { .. } => Some(pair()?),
            Work::Command { .. } => None,
        }
        .unzip();
        let (output, jobs_ends) = sink
            .map(|sink| Output::new(sink).map_err(|error| failed("make a pipe")(error.into())))
            .transpose()?
            .unzip();
        let title = format!("stub: supervisor for {label}");
        let supervisor = process::start(Role::Supervisor, title, theirs)
            .map_err(failed("start its supervisor"))?;
        let mounts = spec.volumes.iter().map(|volume| volume.mount.clone());
        let launched = Self {
            label: label.clone(),
            supervisor,
            line: Line::new(ours),
            worker: worker.map(Line::new),
            unfinished: Unfinished::new(mounts),
            output,
            summary,
            over: None,
        };
        if let Some(summary) = &launched.summary {
            summary.sandbox();
        }
        let greeted = launched.greet(spec, !no_stdin, jobs_ends.as_ref(), workers_end.as_ref());
        // Held here, they would hide the worker's end.
        drop((jobs_ends, workers_end));
        match greeted {
            // A supervisor that has ended already may have said why.
            Ok(()) | Err(ChannelError::Closed) => Ok(launched),
            Err(error) => {
                launched.abandon();
                Err(failed("send it to its supervisor")(io::Error::other(
                    error.to_string(),
                )))
            }
        }
    }

    fn greet(
        &self,
        spec: CallSpec,
        stdin: bool,
        output: Option<&JobsEnds>,
        worker: Option<&Channel>,
    ) -> Result<(), ChannelError> {
        let own = io::stdin();
        let stdin = (stdin && sys::has_stdin()).then(|| own.as_fd());
        let descriptors: Vec<BorrowedFd<'_>> = stdin
            .into_iter()
            .chain(output.into_iter().flatten().map(AsFd::as_fd))
            .chain(worker.map(AsFd::as_fd))
            .collect();
        let hello = Hello {
            spec,
            credentials: config::credentials(),
            stdin: stdin.is_some(),
            output: output.is_some(),
            worker: worker.is_some(),
        };
        self.line.channel.send(&hello, &descriptors)
    }

    /// Gives the worker an input. That of one that is gone is lost with it.
    pub(super) fn give(&self, function: &str, arguments: &Payload) -> Result<(), ChannelError> {
        let Some(worker) = &self.worker else {
            return Ok(());
        };
        let (arguments, beside) = arguments.pack();
        let input = Input {
            function: function.to_owned(),
            arguments,
            prints_apart: self.output.is_some(),
        };
        let beside: Vec<_> = beside.into_iter().collect();
        match worker.channel.send(&ToWorker::Run(input), &beside) {
            Err(ChannelError::Closed) => Ok(()),
            sent => sent,
        }
    }

    /// The worker ends when it has done what it was given.
    pub(super) fn give_no_more(&self) {
        if let Some(worker) = &self.worker {
            worker.channel.say_no_more();
        }
    }

    /// Asks what could not be stored of what has been written until now.
    pub(super) fn ask_to_store(&self) {
        self.tell(ToSupervisor::Store);
    }

    /// Ends the work.
    pub(super) fn stop(&self, stop: Stop) {
        self.tell(ToSupervisor::Stop(stop));
    }

    fn tell(&self, message: ToSupervisor) {
        // One that is gone is noticed when it is listened to.
        let _ = self.line.channel.send(&message, &[]);
    }

    /// Another handle on the connection, whose end is the end of the call.
    pub(super) fn connection(&self) -> Result<Channel, Error> {
        let copy = self.line.channel.duplicate();
        copy.map_err(|error| {
            Error::start(Attempt::first(&self.label), "copy a socket", error.into())
        })
    }

    /// Waits for the next thing that comes.
    pub(super) fn hear(&mut self, until: Option<Instant>) -> Heard {
        loop {
            let Some(ready) = self.ready(until) else {
                return Heard::TimeUp;
            };
            // That the work was started is heard before what it says, as far as both are here.
            if ready.supervisor && self.over.is_none() {
                if let Some(heard) = self.hear_supervisor() {
                    return heard;
                }
                continue;
            }
            if ready.worker {
                return self.hear_worker();
            }
            if let (true, Some(output)) = (ready.output, &mut self.output) {
                if self.over.is_some() {
                    output.drain();
                    output.end_lines();
                } else {
                    // No more than one piece: what comes after it may be another input's.
                    output.read_some();
                }
            }
            if self.over.is_some() {
                return Heard::Over;
            }
        }
    }

    /// From now on, what is printed is that of this input.
    pub(super) fn prints_for(&mut self, input: Option<u64>) {
        if let Some(output) = &mut self.output {
            output.of = input;
        }
    }

    /// Who has something to say; nothing if the time is over. After the supervisor's last word, the worker's are
    /// still to be read, up to their end.
    fn ready(&self, until: Option<Instant>) -> Option<Ready> {
        let worker = self.worker.as_ref();
        if self.over.is_some() || worker.is_some_and(|worker| worker.inbox.has_message()) {
            return Some(Ready {
                worker: worker.is_some(),
                // All that will ever be printed is there.
                output: self.over.is_some(),
                supervisor: self.line.inbox.has_message(),
            });
        }
        if self.line.inbox.has_message() {
            return Some(Ready {
                supervisor: true,
                ..Ready::default()
            });
        }
        // In this order: what was reported before something was printed is seen with it.
        let outputs = self.output.iter().flat_map(Output::pipes);
        let lines = [Some(&self.line), worker].into_iter().flatten();
        let sockets: Vec<_> = outputs
            .chain(lines.map(|line| line.channel.as_fd()))
            .collect();
        // Reading tells what is wrong with them.
        let said = sys::wait_for_one(&sockets, until).unwrap_or_else(|_| vec![true; sockets.len()]);
        let (output, lines) = said.split_at(said.len() - 1 - usize::from(worker.is_some()));
        said.contains(&true).then_some(Ready {
            supervisor: lines.first() == Some(&true),
            worker: lines.get(1) == Some(&true),
            output: output.contains(&true),
        })
    }

    fn hear_worker(&mut self) -> Heard {
        let received = self
            .worker
            .as_mut()
            .map(|worker| worker.inbox.receive::<FromWorker>(&worker.channel));
        match received {
            Some(Ok((FromWorker::Ended(mut report), beside))) => {
                self.end_printing(report.has_printed);
                let value = report.value.take();
                let value = value.and_then(|packed| Payload::unpack(packed, beside));
                return Heard::Reported(report, value);
            }
            Some(Ok((FromWorker::Emitted(value), beside))) => {
                if let Some(value) = Payload::unpack(value, beside) {
                    return Heard::Emitted(value);
                }
            }
            Some(Err(_)) | None => {}
        }
        self.worker = None;
        Heard::WorkerGone
    }

    /// The input that ended prints no more.
    fn end_printing(&mut self, has_more: bool) {
        let Some(output) = &mut self.output else {
            return;
        };
        if has_more {
            // The worker waits, so that all there is is this input's.
            output.drain();
        }
        output.end_lines();
        if let (true, Some(worker)) = (has_more, &self.worker) {
            // One that is gone is heard of.
            let _ = worker.channel.send(&ToWorker::GoOn, &[]);
        }
    }

    fn hear_supervisor(&mut self) -> Option<Heard> {
        let Line { channel, inbox } = &mut self.line;
        match inbox.receive::<FromSupervisor>(channel) {
            Ok((FromSupervisor::Upload(note), _)) => self.unfinished.note(note),
            Ok((FromSupervisor::Used(usage), _)) => {
                if let Some(summary) = &self.summary {
                    summary.add(usage);
                }
            }
            Ok((FromSupervisor::Started, _)) => return Some(Heard::Started),
            Ok((FromSupervisor::Stored(lost), _)) => return Some(Heard::Stored(lost)),
            Ok((FromSupervisor::Reply(reply), _)) => self.over = Some(Ok(reply)),
            Err(error) => self.over = Some(Err(error)),
        }
        None
    }

    /// When it is over: what could not be stored, if that is known.
    pub(super) fn not_stored(&self) -> Option<Vec<NotStored>> {
        match &self.over {
            Some(Ok(Reply::Ended(outcome))) => Some(outcome.not_stored.clone()),
            _ => None,
        }
    }

    /// Waits for the end of the supervisor, of which nothing more will come. What the process of the
    /// work did: what its body said was [heard](Heard::Reported).
    pub(super) fn finish(mut self) -> Result<Outcome, Error> {
        let status = self.supervisor.wait();
        match self.over.take().unwrap_or(Err(ChannelError::Closed)) {
            Ok(Reply::Ended(outcome)) => Ok(outcome),
            Ok(Reply::Refused(failure)) => {
                Err(verdict::refused(Attempt::first(self.label), failure))
            }
            Err(ChannelError::Closed) => Err(self.lost(how_it_ended(&status), &status)),
            Err(error) => Err(self.lost(error.to_string(), &status)),
        }
    }

    /// Cleans up after a supervisor that ended without a word.
    fn lost(self, reason: String, status: &io::Result<ExitStatus>) -> Error {
        let Self {
            label,
            unfinished,
            supervisor,
            ..
        } = self;
        remove_left(supervisor.id());
        // One that ended by itself has heard that nobody waits for it, and has cleaned up.
        let is_clean = status.as_ref().is_ok_and(ExitStatus::success);
        let left = (!is_clean).then(|| unfinished.abort(&label)).flatten();
        Error::Lost {
            attempt: Attempt::first(label),
            reason: [Some(reason), left]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("; "),
        }
    }

    /// Ends it at once: nothing more is stored, and what is being uploaded is aborted.
    pub(super) fn abandon(self) {
        let Self {
            mut supervisor,
            line,
            worker,
            ..
        } = self;
        drop((line, worker));
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
