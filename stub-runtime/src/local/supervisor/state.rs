//! State machine of a supervisor, without I/O: it takes an event and returns actions.
//!
//! ```text
//! Preparing -> Connecting -> Mounting -> Running -> Storing -> Unmounting -> Over
//! ```
//! Any phase ends early when the caller is gone (nothing is reported, uploads are abandoned) or
//! when a step fails before the work runs (the failure is reported).

use std::time::Duration;

use s3fs_core::NotStored;

use crate::call::{Ended, Outcome, SandboxStep};
use crate::protocol::{Reply, StartFailure, Stop};
use crate::sys::WorkerEnd;

/// Event of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The mount points exist.
    Prepared,
    /// All buckets answered.
    Connected,
    /// A volume is mounted and served.
    Served,
    /// The work was started.
    Started,
    /// The caller has asked to store all that was written until now.
    StoreAsked,
    /// The caller has asked to end the work.
    StopAsked(Stop),
    /// The grace period has passed.
    TimeUp,
    /// The work has ended, with all processes that it had started.
    Ended(WorkerEnd),
    /// Uploads are over; these objects could not be stored.
    Stored(Vec<NotStored>),
    /// Nothing is mounted any more.
    Unmounted,
    /// Uploads are aborted.
    Abandoned,
    /// A step failed.
    Failed(StartFailure),
    /// Init is dying, and everything in its pid namespace with it.
    InitEnding,
    /// Init and everything in its pid namespace are gone.
    InitGone,
    /// The caller has died, or ended the connection.
    CallerGone,
}

/// Action for the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Have init make the mount points.
    Prepare,
    /// Connect to all buckets.
    Connect,
    /// Have init mount the volumes.
    Mount,
    /// Have init start the work.
    Start,
    /// Report to the caller that the work was started.
    SayStarted,
    /// Report to the caller which objects could not be stored on its request.
    SayStored(Vec<NotStored>),
    /// Set a timer.
    SetTimer(Duration),
    /// Have init send this signal to the job.
    Terminate(i32),
    /// Have init kill the job; init stays.
    Kill,
    /// Kill init and thereby everything.
    KillInit,
    /// Finish the uploads.
    Store,
    /// Accept no more changes, and finish all uploads.
    StoreAll,
    /// Give up buckets that carry out no request for a while.
    LimitSilence,
    /// Answer operations that wait for a bucket.
    EndWaits,
    /// Send no more requests to the buckets.
    EndRequests,
    /// Store nothing from now on.
    Refuse,
    /// Abort the uploads.
    Abandon,
    /// Have init unmount the volumes.
    Unmount,
    /// Send the last message to the caller.
    Reply(Reply),
    /// End the process.
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

/// Time for a killed job to be gone. Then init is killed, too, as it may have been stopped.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Time for init to undo the mounts.
const UNMOUNT_LIMIT: Duration = Duration::from_secs(10);

/// State of a call.
#[derive(Clone, Debug)]
pub(super) struct SupervisorState {
    phase: Phase,
    volumes: usize,
    stop: Option<Stop>,
    /// True if the job was killed rather than asked to end.
    is_killed: bool,
    end: Option<WorkerEnd>,
    /// Number of answers to requests to store, still awaited while the work goes on.
    storing: usize,
    init_lives: bool,
    not_stored: Vec<NotStored>,
}

impl SupervisorState {
    /// Creates the state of a call with this number of volumes. Also returns the first action.
    pub(super) fn new(volumes: usize) -> (Self, Action) {
        let state = Self {
            phase: Phase::Preparing,
            volumes,
            stop: None,
            is_killed: false,
            end: None,
            storing: 0,
            init_lives: true,
            not_stored: Vec::new(),
        };
        (state, Action::Prepare)
    }

    /// Handles an event. Returns the actions that follow.
    pub(super) fn on(&mut self, event: Event) -> Vec<Action> {
        match (self.phase, event) {
            (Phase::Abandoning, Event::Abandoned) => self.over(Vec::new()),
            (Phase::Over | Phase::Abandoning, _) => Vec::new(),
            (_, Event::CallerGone) => {
                self.phase = Phase::Abandoning;
                // What is being killed closes its files.
                vec![
                    Action::Refuse,
                    Action::EndRequests,
                    Action::KillInit,
                    Action::Abandon,
                ]
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
                vec![Action::SayStarted]
            }
            (
                Phase::Preparing | Phase::Connecting | Phase::Mounting { .. },
                Event::StopAsked(stop),
            ) => {
                self.stop = Some(stop);
                self.report()
            }
            (_, Event::StoreAsked) => self.store_asked(),
            (_, Event::Stored(not_stored)) if self.storing > 0 => {
                self.storing -= 1;
                vec![Action::SayStored(not_stored)]
            }
            (Phase::Storing, Event::Stored(not_stored)) => self.stored(not_stored),
            (Phase::Storing, Event::StopAsked(Stop::Now)) => vec![Action::EndRequests],
            (Phase::Storing, Event::StopAsked(_)) => vec![Action::LimitSilence],
            (Phase::Unmounting, Event::Unmounted) => self.report(),
            (Phase::Unmounting, Event::TimeUp) => vec![Action::KillInit],
            // What it leaves to be killed may wait for a volume.
            (_, Event::InitEnding) => vec![Action::EndWaits, Action::KillInit],
            (_, Event::Failed(failure)) => self.failed(failure),
            (_, Event::InitGone) => self.init_gone(),
            (_, event) => self.work_progress(&event),
        }
    }

    /// Returns whether the work has ended, and its files are being stored.
    pub(super) fn is_storing(&self) -> bool {
        self.phase == Phase::Storing
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

    /// Handles a request to store. Answers come in the order of the requests, so those about work
    /// that goes on come first.
    fn store_asked(&mut self) -> Vec<Action> {
        match self.phase {
            Phase::Starting | Phase::Running if self.volumes > 0 => {
                self.storing += 1;
                vec![Action::Store]
            }
            Phase::Starting | Phase::Running => vec![Action::SayStored(Vec::new())],
            // The outcome reports files that are not stored at the end.
            _ => Vec::new(),
        }
    }

    fn work_progress(&mut self, event: &Event) -> Vec<Action> {
        let working = matches!(self.phase, Phase::Starting | Phase::Running);
        match event {
            Event::StopAsked(Stop::Now) if working => self.end_now(),
            Event::StopAsked(stop) if working && self.stop.is_none() => self.stop(*stop),
            Event::TimeUp if working && self.is_killed => vec![Action::KillInit],
            Event::TimeUp if working => self.kill(),
            Event::Ended(end) if working => {
                self.end = Some(*end);
                if self.volumes == 0 {
                    return self.report();
                }
                self.phase = Phase::Storing;
                vec![Action::StoreAll]
            }
            _ => Vec::new(),
        }
    }

    fn stop(&mut self, stop: Stop) -> Vec<Action> {
        self.stop = Some(stop);
        match stop {
            Stop::Cancelled { grace, signal } if !grace.is_zero() => vec![
                Action::LimitSilence,
                Action::Terminate(signal),
                Action::SetTimer(grace),
            ],
            Stop::Cancelled { .. } | Stop::TimedOut { .. } => self.kill(),
            Stop::Now => self.end_now(),
        }
    }

    /// Kills the job; what was written before is stored.
    fn kill(&mut self) -> Vec<Action> {
        self.is_killed = true;
        vec![
            Action::LimitSilence,
            Action::Kill,
            Action::EndWaits,
            Action::SetTimer(KILL_LIMIT),
        ]
    }

    /// Kills the job at once; objects that are not stored are named.
    fn end_now(&mut self) -> Vec<Action> {
        self.stop = self.stop.or(Some(Stop::Now));
        if std::mem::replace(&mut self.is_killed, true) {
            // The limit of the first kill goes on: further demands don't prolong it.
            return vec![Action::EndRequests];
        }
        vec![
            Action::Kill,
            Action::EndRequests,
            Action::SetTimer(KILL_LIMIT),
        ]
    }

    fn stored(&mut self, not_stored: Vec<NotStored>) -> Vec<Action> {
        self.not_stored = not_stored;
        if !self.init_lives {
            return self.report();
        }
        self.phase = Phase::Unmounting;
        vec![Action::Unmount, Action::SetTimer(UNMOUNT_LIMIT)]
    }

    /// Handles a failure. While the work runs, a failure is init's, and the work is lost with it.
    fn failed(&mut self, failure: StartFailure) -> Vec<Action> {
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
                self.work_progress(&Event::Ended(end))
            }
            Phase::Unmounting => self.report(),
            Phase::Storing => Vec::new(),
            _ => self.over(vec![Action::Reply(Reply::Refused(StartFailure::Sandbox {
                step: SandboxStep::Process,
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

    /// Returns the end of the work's process. The result of a body comes to the caller by another way.
    fn ended(&self) -> Ended {
        match (self.stop, self.end) {
            (Some(Stop::TimedOut { after }), _) => Ended::TimedOut { after },
            (Some(Stop::Cancelled { .. } | Stop::Now), _) => Ended::Cancelled,
            (None, Some(WorkerEnd::Killed(signal))) => Ended::Killed { signal },
            (None, Some(WorkerEnd::Exited(code))) => Ended::Exited { code },
            (None, None) => unreachable!("reported only after the work ended"),
        }
    }
}

#[cfg(test)]
#[path = "state_orders.rs"]
mod orders;
#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
