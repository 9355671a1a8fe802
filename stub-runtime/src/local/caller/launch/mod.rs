//! A supervisor, and the worker in its sandbox, as their caller sees them.

mod hear;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Arc;

use s3fs_core::NotStored;

use crate::call::{Attempt, CallSpec, Error, ErrorKind, Outcome, Work};
use crate::codec::Payload;
use crate::host::config;
use crate::local::keys::{Answers, SharedAnswers};
use crate::local::limits::remove_left;
use crate::local::role::Role;
use crate::observe::output::Sink;
use crate::observe::report::SandboxId;
use crate::observe::watch::{Watch, Watched};
use crate::protocol::{
    Channel, ChannelError, Hello, Inbox, Input, Reply, Stop, ToSupervisor, ToWorker,
};
use crate::sys;

pub(super) use hear::Heard;

use super::output::{JobsEnds, Output};
use super::unfinished::Unfinished;
use super::{process, verdict};

/// A sandbox in which something is run.
#[derive(Debug)]
pub(super) struct Launched {
    label: Arc<str>,
    supervisor: Child,
    line: Line,
    /// Connection to the worker of a function, until its process is gone.
    worker: Option<Line>,
    unfinished: Unfinished,
    /// Functions that return keys of volumes, if there are any.
    answers: Option<Answers>,
    /// Output of the job, unless the job has this program's own streams.
    output: Option<Output>,
    watched: Watched,
    over: Option<Result<Reply, ChannelError>>,
}

/// Receivers of a sandbox's output, events and questions, besides values.
#[derive(Clone, Debug)]
pub(crate) struct Takers {
    /// Receiver of the output; without it, the output goes to this program's own streams.
    pub(crate) sink: Option<Arc<dyn Sink>>,
    /// Telemetry of the call.
    pub(crate) watch: Arc<Watch>,
    /// True if standard input of the job is empty instead of this program's own.
    pub(crate) no_stdin: bool,
    /// Functions that return keys of volumes, for all sandboxes of the call.
    pub(crate) answers: SharedAnswers,
}

impl Takers {
    /// Creates receivers with telemetry only: the job has this program's own streams.
    pub(crate) fn of(watch: Arc<Watch>) -> Self {
        Self {
            sink: None,
            watch,
            no_stdin: false,
            answers: SharedAnswers::default(),
        }
    }
}

/// A connection, and the messages received on it.
#[derive(Debug)]
struct Line {
    channel: Channel,
    inbox: Inbox,
}

impl Line {
    fn new(channel: Channel) -> Self {
        Self {
            channel,
            inbox: Inbox::default(),
        }
    }
}

/// Ends of pipes and sockets for the processes of the sandbox.
struct PassedEnds {
    output: Option<JobsEnds>,
    worker: Option<Channel>,
    /// End for the supervisor, which asks for keys.
    keys: Option<Channel>,
}

impl Launched {
    /// Starts a supervisor and sends it the call. Also returns a second handle on the connection;
    /// shutting that down ends the call.
    pub(super) fn start(spec: CallSpec, takers: Takers) -> Result<(Self, Arc<Channel>), Error> {
        let launched = Self::launch(spec, takers)?;
        match launched.line.channel.duplicate() {
            Ok(connection) => Ok((launched, Arc::new(connection))),
            Err(error) => {
                let attempt = Attempt::first(Arc::clone(&launched.label));
                launched.abandon();
                Err(Error::start(attempt, "copy a socket", error.into()))
            }
        }
    }

    fn launch(spec: CallSpec, takers: Takers) -> Result<Self, Error> {
        let Takers {
            sink,
            watch,
            no_stdin,
            answers,
        } = takers;
        let label = Arc::clone(watch.label());
        let watched = Watched::new(watch);
        let failed = |step| {
            let attempt = Attempt::first(Arc::clone(&label));
            move |source| Error::start(attempt, step, source)
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
        let answers = answers.of(spec.volumes.iter().map(|volume| &volume.mount));
        let keys = answers.clone().map(Answers::start).transpose();
        let ends = PassedEnds {
            output: jobs_ends,
            worker: workers_end,
            keys: keys.map_err(failed("start a thread"))?,
        };
        let title = format!("stub: supervisor for {label}");
        let supervisor = process::start(Role::Supervisor, title, theirs)
            .map_err(failed("start its supervisor"))?;
        let mounts = spec.volumes.iter().map(|volume| volume.mount.clone());
        let launched = Self {
            label: Arc::clone(&label),
            supervisor,
            line: Line::new(ours),
            worker: worker.map(Line::new),
            unfinished: Unfinished::new(mounts),
            answers,
            output,
            watched,
            over: None,
        };
        let greeted = launched.greet(spec, !no_stdin, &ends);
        // Held here, they would hide the worker's end.
        drop(ends);
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

    fn greet(&self, spec: CallSpec, stdin: bool, ends: &PassedEnds) -> Result<(), ChannelError> {
        let own = io::stdin();
        let stdin = (stdin && sys::has_stdin()).then(|| own.as_fd());
        let descriptors: Vec<BorrowedFd<'_>> = stdin
            .into_iter()
            .chain(ends.output.iter().flatten().map(AsFd::as_fd))
            .chain(ends.worker.iter().map(AsFd::as_fd))
            .chain(ends.keys.iter().map(AsFd::as_fd))
            .collect();
        let hello = Hello {
            spec,
            credentials: config::credentials(),
            stdin: stdin.is_some(),
            output: ends.output.is_some(),
            worker: ends.worker.is_some(),
            keys: ends.keys.is_some(),
            trace: self.watched.trace(),
        };
        self.line.channel.send(&hello, &descriptors)
    }

    /// Sends the worker an input. If the worker is gone, the input is lost with it.
    pub(super) fn give(
        &self,
        function: &Arc<str>,
        arguments: &Payload,
    ) -> Result<(), ChannelError> {
        let Some(worker) = &self.worker else {
            return Ok(());
        };
        let (arguments, beside) = arguments.pack();
        let input = Input {
            function: Arc::clone(function),
            arguments,
            prints_apart: self.output.is_some(),
        };
        let beside: Vec<_> = beside.into_iter().collect();
        match worker.channel.send(&ToWorker::Run(input), &beside) {
            Err(ChannelError::Closed) => Ok(()),
            sent => sent,
        }
    }

    /// Ends the worker after the inputs that it was given.
    pub(super) fn give_no_more(&self) {
        if let Some(worker) = &self.worker {
            worker.channel.say_no_more();
        }
    }

    /// Asks the supervisor to store what has been written until now, and to report what could not be stored.
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

    /// Returns the sandbox's id in the record, if there is a record.
    pub(super) fn recorded(&self) -> Option<SandboxId> {
        self.watched.recorded()
    }

    /// Assigns output from now on to this input.
    pub(super) fn prints_for(&mut self, input: Option<u64>) {
        if let Some(output) = &mut self.output {
            output.of = input;
        }
    }

    /// Returns the objects that could not be stored, after the sandbox has ended; nothing if they
    /// are not known.
    pub(super) fn not_stored(&self) -> Option<Vec<NotStored>> {
        match &self.over {
            Some(Ok(Reply::Ended(outcome))) => Some(outcome.not_stored.clone()),
            _ => None,
        }
    }

    /// Waits for the supervisor's process to exit, after its last message. Returns how the process
    /// of the work ended; the result of a body was [reported](Heard::Reported) before.
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

    /// Cleans up after a supervisor that ended without a final message.
    fn lost(self, reason: String, status: &io::Result<ExitStatus>) -> Error {
        let Self {
            label,
            unfinished,
            answers,
            supervisor,
            ..
        } = self;
        remove_left(supervisor.id());
        // One that ended by itself has heard that nobody waits for it, and has cleaned up.
        let is_clean = status.as_ref().is_ok_and(ExitStatus::success);
        let left = (!is_clean).then(|| unfinished.abort(&label, answers.as_ref()));
        let left = left.flatten();
        Error::new(
            Attempt::first(label),
            ErrorKind::Lost {
                reason: [Some(reason), left]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("; "),
            },
        )
    }

    /// Ends the sandbox at once: stores nothing more, and aborts running uploads.
    fn abandon(self) {
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
