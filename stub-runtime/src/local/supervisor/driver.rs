//! Driver of a supervisor: it performs the actions that the state machine returns, and sends it events.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::call::{CallSpec, Work};
use crate::host::config;
use crate::local::keys::Asker;
use crate::local::limits::Cgroup;
use crate::observe::watch;
use crate::protocol::{
    Channel, ChannelError, FromSupervisor, Hello, Hide, InnerFolder, Job, Program, Progress,
    StartFailure, StoreAnswer, ToInit,
};
use crate::sys;

use super::first::Init;
use super::inputs::{SupervisorInput, process, thread, watch_caller, watch_init};
use super::limiting::enforce;
use super::line::Line;
use super::progress::Teller;
use super::state::{Action, Event, SupervisorState};
use super::volumes::{Account, Volumes, mount_point};

/// Time for killed processes to be gone.
const DEATH_LIMIT: Duration = Duration::from_secs(5);

fn hidden(spec: &CallSpec) -> Hide {
    let own = sys::home_of(sys::effective_ids().user);
    Hide {
        homes: config::home().into_iter().chain(own).collect(),
        temporary: config::temporary_folders(),
        programs: config::program_folders(),
        workdir: spec.workdir.clone(),
    }
}

struct Driver {
    caller: Line,
    teller: Teller,
    init: Init,
    spec: CallSpec,
    stdin: Option<OwnedFd>,
    /// Standard output and error, if they are not the caller's own.
    output: Vec<OwnedFd>,
    /// The worker's end of its socket to the caller.
    worker: Option<OwnedFd>,
    /// Connection to functions of the caller that return keys of volumes.
    keys: Option<Asker>,
    volumes: Option<Volumes>,
    /// The job's control group, if it has one.
    group: Option<Cgroup>,
    deadline: Option<Instant>,
    inputs: Sender<SupervisorInput>,
    over: bool,
}

/// Runs a call to its end.
pub(super) fn drive(
    caller: &Channel,
    init: Init,
    hello: Hello,
    descriptors: Vec<OwnedFd>,
) -> Result<(), StartFailure> {
    let Hello {
        spec,
        stdin,
        output,
        worker,
        keys,
        ..
    } = hello;
    let mut descriptors = descriptors.into_iter();
    let mut next = |expected: bool| if expected { descriptors.next() } else { None };
    let stdin = next(stdin);
    let output = [next(output), next(output)].into_iter().flatten().collect();
    let worker = next(worker);
    let keys = next(keys).map(|keys| Asker::start(keys.into())).transpose();
    let keys = keys.map_err(|error| thread(&error))?;
    let (inputs, received) = channel();
    watch_caller(caller, &inputs)?;
    watch_init(&init, &inputs)?;
    let (mut state, first) = SupervisorState::new(spec.volumes.len());
    let (volumes, group, deadline) = (None, None, None);
    let caller = caller.duplicate().map_err(|error| process(&error))?;
    let caller = Line::new(caller);
    let mut driver = Driver {
        teller: Teller::new(caller.clone()),
        caller,
        init,
        spec,
        stdin,
        output,
        worker,
        keys,
        volumes,
        group,
        deadline,
        inputs,
        over: false,
    };
    driver.perform(first, &mut state);
    while !driver.over {
        let event = driver.next_event(&received, &state);
        tracing::debug!(?event);
        for action in state.on(event) {
            driver.perform(action, &mut state);
        }
    }
    Ok(())
}

impl Driver {
    fn next_event(
        &mut self,
        received: &Receiver<SupervisorInput>,
        state: &SupervisorState,
    ) -> Event {
        match self.next_input(received, state) {
            SupervisorInput::Event(Event::Unmounted) => {
                if let Some(volumes) = &mut self.volumes {
                    volumes.join();
                }
                Event::Unmounted
            }
            SupervisorInput::Event(event) => event,
            SupervisorInput::Prepared(inner) => {
                self.show_folders(inner);
                Event::Prepared
            }
            SupervisorInput::Connected(systems) => {
                if let Some(volumes) = &mut self.volumes {
                    volumes.connected(systems);
                }
                Event::Connected
            }
            SupervisorInput::Mounted { volume, fuse } => match self.serve(volume, fuse) {
                Ok(()) => Event::Served,
                Err(failure) => Event::Failed(failure),
            },
        }
    }

    fn next_input(
        &mut self,
        received: &Receiver<SupervisorInput>,
        state: &SupervisorState,
    ) -> SupervisorInput {
        // Without volumes there is no progress to tell of.
        let told = self.volumes.is_some();
        loop {
            let wake = [self.deadline, told.then(|| self.teller.due())];
            let Some(until) = wake.into_iter().flatten().min() else {
                // This end's own sender keeps the channel open.
                return received
                    .recv()
                    .unwrap_or(SupervisorInput::Event(Event::CallerGone));
            };
            match received.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(input) => return input,
                Err(RecvTimeoutError::Disconnected) => {
                    return SupervisorInput::Event(Event::CallerGone);
                }
                Err(RecvTimeoutError::Timeout) if self.deadline == Some(until) => {
                    self.deadline = None;
                    return SupervisorInput::Event(Event::TimeUp);
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(progress) = self.progress(state) {
                        self.teller.tell(progress);
                    }
                }
            }
        }
    }

    fn progress(&self, state: &SupervisorState) -> Option<Progress> {
        let volumes = self.volumes.as_ref()?;
        Some(Progress {
            usage: volumes.usage(),
            pending: volumes.pending(),
            is_storing: state.is_storing(),
        })
    }

    /// Makes volumes show the mount points of volumes in them, whatever their buckets hold.
    fn show_folders(&mut self, inner: Vec<InnerFolder>) {
        for InnerFolder { outer, folder } in inner {
            if let Some(volume) = self.spec.volumes.get_mut(outer) {
                volume.mount.folders.push(folder);
            }
        }
    }

    fn serve(&mut self, volume: usize, fuse: Option<OwnedFd>) -> Result<(), StartFailure> {
        match (&mut self.volumes, fuse) {
            (Some(volumes), Some(fuse)) => volumes.serve(volume, fuse, self.init.namespace()),
            _ => Err(StartFailure::Protocol {
                reason: "a mount came without its descriptor".into(),
            }),
        }
    }

    /// Performs an action. If it fails at once, that is an event, too.
    fn perform(&mut self, action: Action, state: &mut SupervisorState) {
        tracing::debug!(?action);
        let result = match action {
            Action::Prepare => {
                let points = self.spec.volumes.iter().map(mount_point).collect();
                self.tell_init(&ToInit::Prepare {
                    points,
                    network: self.spec.network,
                    hide: self.spec.isolate.then(|| hidden(&self.spec)),
                })
            }
            Action::Connect => self.connect(),
            Action::Mount => self.tell_init(&ToInit::Mount),
            Action::Start => self.start(),
            Action::SayStarted => {
                self.caller.say(&FromSupervisor::Started);
                Ok(())
            }
            Action::SayStored(lost) => {
                let volumes = self.volumes.as_mut();
                let has_written = volumes.is_some_and(Volumes::has_written);
                let answer = StoreAnswer { lost, has_written };
                self.caller.say(&FromSupervisor::Stored(answer));
                Ok(())
            }
            Action::SetTimer(after) => {
                // A time beyond what the clock can show never comes.
                self.deadline = Instant::now().checked_add(after);
                Ok(())
            }
            Action::Terminate(signal) => self.tell_init(&ToInit::Terminate { signal }),
            Action::Kill => self.tell_init(&ToInit::Kill),
            Action::KillInit => self.kill_init(),
            Action::Store => {
                self.store(Account::Interim);
                Ok(())
            }
            Action::StoreAll => {
                self.store(Account::Last);
                Ok(())
            }
            Action::LimitSilence => {
                self.each_volume(Volumes::limit_silence);
                Ok(())
            }
            Action::EndWaits => {
                self.each_volume(Volumes::end_waits);
                Ok(())
            }
            Action::EndRequests => {
                self.each_volume(Volumes::end_requests);
                Ok(())
            }
            Action::Refuse => {
                self.each_volume(Volumes::refuse);
                Ok(())
            }
            Action::Abandon => {
                self.abandon();
                Ok(())
            }
            Action::Unmount => self.tell_init(&ToInit::Unmount),
            Action::Reply(reply) => {
                if let Some(progress) = self.progress(state) {
                    self.teller.tell_at_last(progress);
                }
                self.caller.say(&FromSupervisor::Reply(reply));
                Ok(())
            }
            Action::Exit => self.exit(),
        };
        if let Err(failure) = result {
            for action in state.on(Event::Failed(failure)) {
                self.perform(action, state);
            }
        }
    }

    fn tell_init(&self, message: &ToInit) -> Result<(), StartFailure> {
        match self.init.channel.send(message, &[]) {
            // Its reader reports the death of init.
            Ok(()) | Err(ChannelError::Closed) => Ok(()),
            Err(error) => Err(StartFailure::Protocol {
                reason: error.to_string(),
            }),
        }
    }

    fn connect(&mut self) -> Result<(), StartFailure> {
        let volumes = Volumes::new(self.spec.volumes.clone())?;
        let caller = self.caller.clone();
        let inputs = self.inputs.clone();
        volumes.connect(caller, self.keys.clone(), move |result| {
            let input = match result {
                Ok(systems) => SupervisorInput::Connected(systems),
                Err(failure) => SupervisorInput::Event(Event::Failed(failure)),
            };
            // Nobody listens once the call is over.
            let _ = inputs.send(input);
        });
        self.volumes = Some(volumes);
        Ok(())
    }

    fn start(&mut self) -> Result<(), StartFailure> {
        let enforced = enforce(&self.spec.limits, self.init.pid)?;
        self.group = enforced.group;
        let mut environment = watch::trace_variables();
        environment.append(&mut self.spec.environment);
        let mut job = Job {
            program: Program::Worker {
                function: Arc::default(),
            },
            environment,
            without: if self.spec.isolate {
                config::of_session()
            } else {
                Vec::new()
            },
            workdir: self.spec.workdir.clone(),
            stdin: self.stdin.is_some(),
            output: !self.output.is_empty(),
            limits: enforced.own,
        };
        // Held here, they would hide the job's end.
        let (stdin, worker) = (self.stdin.take(), self.worker.take());
        let output = std::mem::take(&mut self.output);
        match self.spec.work.clone() {
            Work::Function { name } => {
                job.program = Program::Worker { function: name };
            }
            Work::Command { program, arguments } => {
                job.program = Program::Command { program, arguments };
            }
        }
        let descriptors: Vec<BorrowedFd<'_>> = stdin
            .iter()
            .chain(&output)
            .chain(&worker)
            .map(AsFd::as_fd)
            .collect();
        let sent = self.init.channel.send(&ToInit::Start(job), &descriptors);
        match sent {
            Ok(()) | Err(ChannelError::Closed) => Ok(()),
            Err(error) => Err(StartFailure::Protocol {
                reason: error.to_string(),
            }),
        }
    }

    fn kill_init(&self) -> Result<(), StartFailure> {
        sys::kill(self.init.pid).map_err(|error| process(&error))
    }

    fn each_volume(&self, act: impl FnOnce(&Volumes)) {
        if let Some(volumes) = &self.volumes {
            act(volumes);
        }
    }

    fn store(&self, account: Account) {
        let inputs = self.inputs.clone();
        if let Some(volumes) = &self.volumes {
            volumes.store(account, move |lost| {
                let _ = inputs.send(SupervisorInput::Event(Event::Stored(lost)));
            });
        }
    }

    fn abandon(&self) {
        if let Some(volumes) = &self.volumes {
            volumes.abandon();
        }
        // Its own receiver is alive.
        let _ = self.inputs.send(SupervisorInput::Event(Event::Abandoned));
    }

    /// Ends everything: nothing may be left when this process ends, as the caller waits for that.
    fn exit(&mut self) -> Result<(), StartFailure> {
        self.over = true;
        self.kill_init()?;
        // A process that waits for a response of a volume can't be killed.
        self.each_volume(Volumes::end_requests);
        let until = Instant::now() + DEATH_LIMIT;
        if !sys::wait_for_until(self.init.pid, until) {
            // With this process, the connections of its mounts end, and so does what waits for them.
            tracing::warn!("processes of the sandbox did not end in time");
        }
        self.group = None;
        Ok(())
    }
}
