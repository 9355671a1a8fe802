//! What a supervisor does next. Pure: an event in, actions out.
//!
//! ```text
//! Preparing -> Connecting -> Mounting -> Running -> Storing -> Unmounting -> Over
//! ```
//! Any phase ends early when the caller is gone (nothing is reported, uploads are abandoned) or
//! when a step fails before the work runs (the failure is reported).

use std::time::Duration;

use s3fs_core::NotStored;

use crate::outcome::{Ended, Outcome};
use crate::protocol::{Failure, FromWorker, Reply};
use crate::sys::WorkerEnd;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The mount points exist.
    Prepared,
    /// All buckets answered.
    Connected,
    /// One more volume is mounted and served.
    Served,
    /// The work was started.
    Started,
    /// The worker said how the body ended.
    Reported(FromWorker),
    /// The worker's socket is closed: no report will come.
    WorkerSilent,
    /// The work ended, with all it had started.
    Ended(WorkerEnd),
    /// The timeout passed.
    TimeUp,
    /// Uploads are over; this could not be stored.
    Stored(Vec<NotStored>),
    /// Nothing is mounted any more.
    Unmounted,
    /// Uploads are aborted.
    Abandoned,
    /// A step failed.
    Failed(Failure),
    /// Init died.
    InitGone,
    /// The caller died, or lost interest.
    CallerGone,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Have the mount points made.
    Prepare,
    /// Ask all buckets.
    Connect,
    /// Have the volumes mounted.
    Mount,
    /// Have the work started.
    Start,
    /// Wake up after this time.
    SetTimer(Duration),
    /// Have the job killed; init stays.
    Kill,
    /// Kill init and thereby everything.
    KillInit,
    /// Finish the uploads.
    Store,
    /// Store nothing from now on.
    Refuse,
    /// Abort the uploads.
    Abandon,
    /// Have the volumes unmounted.
    Unmount,
    /// Tell the caller.
    Reply(Reply),
    /// End.
    Exit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Preparing,
    Connecting,
    Mounting { left: usize },
    Starting,
    Running,
    Storing,
    Unmounting,
    Abandoning,
    Over,
}

/// A call's progress.
#[derive(Clone, Debug)]
pub(super) struct State {
    phase: Phase,
    volumes: usize,
    timeout: Option<Duration>,
    /// A report may still come.
    listening: bool,
    report: Option<FromWorker>,
    end: Option<WorkerEnd>,
    timed_out: bool,
    init_lives: bool,
    not_stored: Vec<NotStored>,
}

impl State {
    /// A call with so many volumes, and the first thing to do. A worker reports; a command
    /// doesn't.
    pub(super) fn new(volumes: usize, reports: bool, timeout: Option<Duration>) -> (Self, Action) {
        let state = Self {
            phase: Phase::Preparing,
            volumes,
            timeout,
            listening: reports,
            report: None,
            end: None,
            timed_out: false,
            init_lives: true,
            not_stored: Vec::new(),
        };
        (state, Action::Prepare)
    }

    /// Takes note of an event.
    pub(super) fn on(&mut self, event: Event) -> Vec<Action> {
        match (self.phase, event) {
            (Phase::Abandoning, Event::Abandoned) => self.over(Vec::new()),
            (Phase::Over | Phase::Abandoning, _) => Vec::new(),
            (_, Event::CallerGone) => {
                self.phase = Phase::Abandoning;
                // What is being killed closes its files.
                vec![Action::Refuse, Action::KillInit, Action::Abandon]
            }
            (Phase::Preparing, Event::Prepared) if self.volumes > 0 => {
                self.phase = Phase::Connecting;
                vec![Action::Connect]
            }
            (Phase::Connecting, Event::Connected) => {
                self.phase = Phase::Mounting { left: self.volumes };
                vec![Action::Mount]
            }
            (Phase::Mounting { left: 2.. }, Event::Served) => self.one_less(),
            (Phase::Preparing, Event::Prepared) | (Phase::Mounting { .. }, Event::Served) => {
                self.start()
            }
            (Phase::Starting, Event::Started) => {
                self.phase = Phase::Running;
                self.timeout.map(Action::SetTimer).into_iter().collect()
            }
            (Phase::Storing, Event::Stored(not_stored)) => self.stored(not_stored),
            (Phase::Unmounting, Event::Unmounted) => self.report(),
            (_, Event::Failed(failure)) => self.failed(failure),
            (_, Event::InitGone) => self.init_gone(),
            (_, event) => self.work_progress(event),
        }
    }

    fn start(&mut self) -> Vec<Action> {
        self.phase = Phase::Starting;
        vec![Action::Start]
    }

    fn one_less(&mut self) -> Vec<Action> {
        if let Phase::Mounting { left } = &mut self.phase {
            *left -= 1;
        }
        Vec::new()
    }

    /// The end of the work and the worker's words come by different ways, in any order.
    fn work_progress(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Reported(report) => self.report = Some(report),
            Event::WorkerSilent => self.listening = false,
            Event::Ended(end) => self.end = Some(end),
            Event::TimeUp if self.end.is_none() => {
                // A body that returned in time has a value, even if its process lingers.
                self.timed_out = self.report.is_none();
                return vec![Action::Kill];
            }
            _ => {}
        }
        let working = matches!(self.phase, Phase::Starting | Phase::Running);
        if !working || self.end.is_none() || self.listening {
            return Vec::new();
        }
        if self.volumes == 0 {
            return self.report();
        }
        self.phase = Phase::Storing;
        vec![Action::Store]
    }

    fn stored(&mut self, not_stored: Vec<NotStored>) -> Vec<Action> {
        self.not_stored = not_stored;
        if !self.init_lives {
            return self.report();
        }
        self.phase = Phase::Unmounting;
        vec![Action::Unmount]
    }

    /// A failure while the work runs is init's; the work is lost with it.
    fn failed(&mut self, failure: Failure) -> Vec<Action> {
        match self.phase {
            Phase::Running => vec![Action::KillInit],
            Phase::Storing | Phase::Unmounting => self.init_gone(),
            _ => self.over(vec![Action::Reply(Reply::Refused(failure))]),
        }
    }

    fn init_gone(&mut self) -> Vec<Action> {
        self.init_lives = false;
        match self.phase {
            Phase::Starting | Phase::Running => {
                const SIGKILL: i32 = 9;
                let end = self.end.unwrap_or(WorkerEnd::Killed(SIGKILL));
                self.work_progress(Event::Ended(end))
            }
            Phase::Unmounting => self.report(),
            Phase::Storing => Vec::new(),
            _ => self.over(vec![Action::Reply(Reply::Refused(Failure::Sandbox {
                step: "set up its processes".to_owned(),
                reason: "the sandbox's first process was killed".to_owned(),
                remedy: None,
            }))]),
        }
    }

    fn report(&mut self) -> Vec<Action> {
        let outcome = Outcome {
            ended: self.ended(),
            not_stored: std::mem::take(&mut self.not_stored),
        };
        self.over(vec![Action::Reply(Reply::Ended(outcome))])
    }

    fn over(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
        self.phase = Phase::Over;
        actions.push(Action::Exit);
        actions
    }

    fn ended(&self) -> Ended {
        match (&self.report, self.end, self.timeout) {
            (Some(FromWorker::Returned), _, _) => Ended::Returned,
            (Some(FromWorker::Failed { chain }), _, _) => Ended::Failed {
                chain: chain.clone(),
            },
            (Some(FromWorker::Panicked { message, location }), _, _) => Ended::Panicked {
                message: message.clone(),
                location: location.clone(),
            },
            (Some(FromWorker::Codec { reason }), _, _) => Ended::Codec {
                reason: reason.clone(),
            },
            (None, _, Some(after)) if self.timed_out => Ended::TimedOut { after },
            (None, Some(WorkerEnd::Killed(signal)), _) => Ended::Killed { signal },
            (None, Some(WorkerEnd::Exited(code)), _) => Ended::Exited { code },
            (None, None, _) => unreachable!("reported only after the work ended"),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
