//! Random orders of events. Init, the buckets, the clock and the caller are models that answer the
//! actions of the state machine, in any order, late, or never.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

/// Next thing to happen; ignored if it can't.
#[derive(Clone, Debug)]
enum Step {
    /// Init's next message arrives.
    Init,
    /// The next store request ends.
    Stored,
    /// The buckets have answered, or uploads are aborted.
    Own,
    /// The buckets have refused.
    Refused,
    Time,
    Caller(Event),
    /// The work ends by itself.
    Work(WorkerEnd),
    InitDies,
    InitFails,
    /// Init carries out nothing from now on.
    InitHangs,
}

fn step() -> impl Strategy<Value = Step> {
    let grace = prop_oneof![Just(Duration::ZERO), Just(Duration::from_secs(3))];
    let stop = prop_oneof![
        Just(Stop::TimedOut {
            after: Duration::from_mins(1)
        }),
        grace.prop_map(|grace| Stop::Cancelled {
            grace,
            signal: SIGTERM
        }),
        Just(Stop::Now),
    ];
    prop_oneof![
        12 => Just(Step::Init),
        8 => Just(Step::Own),
        6 => Just(Step::Stored),
        2 => Just(Step::Time),
        3 => Just(Step::Caller(Event::StoreAsked)),
        2 => stop.prop_map(|stop| Step::Caller(Event::StopAsked(stop))),
        1 => Just(Step::Caller(Event::CallerGone)),
        2 => (0..3).prop_map(|code| Step::Work(WorkerEnd::Exited(code))),
        1 => Just(Step::Work(WorkerEnd::Killed(SIGKILL))),
        1 => Just(Step::Refused),
        1 => Just(Step::InitDies),
        1 => Just(Step::InitFails),
        1 => Just(Step::InitHangs),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Init {
    Obeys,
    Hangs,
    /// Killed, though its last messages may not have arrived.
    Dead,
}

/// State machine with the world around it, and a record of its actions.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each records a fact of its own"
)]
struct World {
    state: SupervisorState,
    volumes: usize,
    init: Init,
    from_init: VecDeque<Event>,
    stores: VecDeque<Event>,
    own: VecDeque<Event>,
    has_timer: bool,
    work_runs: bool,
    /// Last of the actions that have an order among themselves.
    stage: Option<u8>,
    served: usize,
    /// Numbers of requests to store, and of answers that the caller got.
    store_requests: usize,
    store_answers: usize,
    terminated: bool,
    killed: bool,
    caller_gone: bool,
    /// Last stop that has counted, and end of the work, whichever came first.
    stop: Option<Stop>,
    end: Option<WorkerEnd>,
    lost: Vec<NotStored>,
    over: bool,
}

fn lost() -> Vec<NotStored> {
    vec![NotStored {
        object: "s3://b/k".into(),
        reason: "refused".into(),
        kept_in: None,
    }]
}

fn failure() -> StartFailure {
    StartFailure::Protocol {
        reason: "no".into(),
    }
}

/// Position of an action that happens once, after those with lower positions.
fn stage(action: &Action) -> Option<u8> {
    let stages = [
        Action::Prepare,
        Action::Connect,
        Action::Mount,
        Action::Start,
        Action::SayStarted,
        Action::StoreAll,
        Action::Unmount,
        Action::Abandon,
        Action::Exit,
    ];
    (0..)
        .zip(stages)
        .find(|(_, one)| one == action)
        .map(|(at, _)| at)
}

impl World {
    fn new(volumes: usize) -> Self {
        let (state, first) = SupervisorState::new(volumes);
        let mut world = Self {
            state,
            volumes,
            init: Init::Obeys,
            from_init: VecDeque::new(),
            stores: VecDeque::new(),
            own: VecDeque::new(),
            has_timer: false,
            work_runs: false,
            stage: None,
            served: 0,
            store_requests: 0,
            store_answers: 0,
            terminated: false,
            killed: false,
            caller_gone: false,
            stop: None,
            end: None,
            lost: Vec::new(),
            over: false,
        };
        world.perform(&first, &Event::Prepared);
        world
    }

    fn step(&mut self, step: Step) {
        let event = match step {
            Step::Init => self.from_init.pop_front(),
            Step::Stored => self.stores.pop_front(),
            Step::Own => self.own.pop_front(),
            Step::Refused => {
                let connecting = self.own.pop_front_if(|own| *own == Event::Connected);
                connecting.map(|_| Event::Failed(failure()))
            }
            Step::Time => std::mem::take(&mut self.has_timer).then_some(Event::TimeUp),
            Step::Caller(event) => (!self.caller_gone).then_some(event),
            Step::Work(end) => {
                self.work_ends(end);
                None
            }
            Step::InitDies => {
                self.init_dies();
                None
            }
            Step::InitFails => {
                self.answer(Event::Failed(failure()));
                None
            }
            Step::InitHangs => {
                if self.init == Init::Obeys {
                    self.init = Init::Hangs;
                }
                None
            }
        };
        if let Some(event) = event {
            self.on(&event);
        }
    }

    /// Queues a message of init, if it still sends any.
    fn answer(&mut self, event: Event) {
        if self.init == Init::Obeys {
            self.from_init.push_back(event);
        }
    }

    fn work_ends(&mut self, end: WorkerEnd) {
        if self.work_runs && self.init == Init::Obeys {
            self.work_runs = false;
            self.from_init.push_back(Event::Ended(end));
        }
    }

    fn init_dies(&mut self) {
        if self.init != Init::Dead {
            self.init = Init::Dead;
            self.work_runs = false;
            self.from_init.extend([Event::InitEnding, Event::InitGone]);
        }
    }

    fn on(&mut self, event: &Event) {
        self.note(event);
        let actions = self.state.on(event.clone());
        assert!(
            !self.over || actions.is_empty(),
            "{actions:?} after the end"
        );
        if let Some(at) = actions.iter().position(|action| *action == Action::Exit) {
            assert_eq!(at, actions.len() - 1, "{actions:?}");
            let has_reply = matches!(actions[..], [.., Action::Reply(_), _]);
            assert_ne!(has_reply, self.caller_gone, "{actions:?}");
        }
        for action in &actions {
            self.perform(action, event);
        }
    }

    fn note(&mut self, event: &Event) {
        let work_has_ended = self.end.is_some() || self.over;
        match event {
            Event::Served => self.served += 1,
            Event::CallerGone => self.caller_gone = true,
            Event::StopAsked(stop) if !work_has_ended => self.stop = self.stop.or(Some(*stop)),
            Event::Ended(end) if !work_has_ended => self.end = Some(*end),
            Event::InitGone if !work_has_ended => self.end = Some(WorkerEnd::Killed(SIGKILL)),
            _ => {}
        }
    }

    fn perform(&mut self, action: &Action, cause: &Event) {
        if let Some(stage) = stage(action) {
            assert!(self.stage < Some(stage), "{action:?} comes late");
            self.stage = Some(stage);
        }
        match action {
            Action::Prepare => self.answer(Event::Prepared),
            Action::Connect => self.own.push_back(Event::Connected),
            Action::Mount => (0..self.volumes).for_each(|_| self.answer(Event::Served)),
            Action::Start => {
                assert_eq!(self.served, self.volumes, "volumes are missing");
                assert_eq!(self.stop, None, "started after a stop");
                self.answer(Event::Started);
                self.work_runs = self.init == Init::Obeys;
            }
            Action::SayStored(_) => self.store_answers += 1,
            Action::SetTimer(_) => self.has_timer = true,
            Action::Terminate(_) | Action::Kill => self.end_work(action, cause),
            Action::KillInit => {
                let is_due = self.killed || self.stage == stage(&Action::Unmount);
                assert!(*cause != Event::TimeUp || is_due, "init gets no grace");
                self.init_dies();
            }
            Action::Store => {
                self.store_requests += 1;
                self.stores.push_back(Event::Stored(Vec::new()));
            }
            Action::StoreAll => {
                self.lost = lost();
                self.stores.push_back(Event::Stored(lost()));
            }
            Action::Abandon => self.own.push_back(Event::Abandoned),
            Action::Unmount => {
                assert!(self.stores.is_empty(), "unmounted before it is stored");
                self.answer(Event::Unmounted);
            }
            Action::Reply(reply) => self.check(reply),
            Action::Exit => self.over = true,
            Action::SayStarted
            | Action::LimitSilence
            | Action::EndWaits
            | Action::EndRequests
            | Action::Refuse => {}
        }
    }

    /// Checks the order of the ways to end the work: the signal, the kill after the grace period.
    fn end_work(&mut self, action: &Action, cause: &Event) {
        assert!(!self.killed, "{action:?} after a kill");
        if *action != Action::Kill {
            assert!(!self.terminated, "asked twice");
            self.terminated = true;
            return;
        }
        let at_once = *cause == Event::StopAsked(Stop::Now);
        let is_time = *cause == Event::TimeUp;
        assert!(
            !self.terminated || is_time || at_once,
            "killed in its grace period"
        );
        self.killed = true;
        self.work_ends(WorkerEnd::Killed(SIGKILL));
    }

    /// Checks that the last message tells of the first cause of the end, and of all lost files.
    fn check(&self, reply: &Reply) {
        let Reply::Ended(outcome) = reply else {
            let started = self.stage >= stage(&Action::SayStarted);
            assert!(!started, "work that began was refused");
            return;
        };
        let expected = match (self.stop, self.end) {
            (Some(Stop::TimedOut { after }), _) => Ended::TimedOut { after },
            (Some(_), _) => Ended::Cancelled,
            (None, Some(WorkerEnd::Killed(signal))) => Ended::Killed { signal },
            (None, Some(WorkerEnd::Exited(code))) => Ended::Exited { code },
            (None, None) => panic!("ended without a cause"),
        };
        assert_eq!(outcome.ended, expected);
        assert_eq!(outcome.not_stored, self.lost);
        if self.volumes > 0 {
            assert_eq!(
                self.store_answers, self.store_requests,
                "a store is unanswered"
            );
        }
    }

    /// Lets everything happen that was not held up. Then the call must end, even if init hangs.
    fn rest(&mut self) {
        for _ in 0..100 {
            if self.over {
                return;
            }
            let step = if !self.stores.is_empty() {
                Step::Stored
            } else if !self.own.is_empty() {
                Step::Own
            } else if !self.from_init.is_empty() {
                Step::Init
            } else if self.has_timer {
                Step::Time
            } else {
                Step::Caller(Event::StopAsked(Stop::TimedOut {
                    after: Duration::from_mins(1),
                }))
            };
            self.step(step);
        }
        panic!("no end: {self:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_call_ends_once_in_any_order_of_events(
        volumes in 0..3usize,
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new(volumes);
        for step in steps {
            world.step(step);
        }
        world.rest();
        for event in [Event::TimeUp, Event::StoreAsked, Event::InitGone, Event::CallerGone] {
            world.on(&event);
        }
    }
}
