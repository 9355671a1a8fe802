use super::*;

fn after(volumes: usize, events: &[Event]) -> (SupervisorState, Vec<Action>) {
    let (mut state, first) = SupervisorState::new(volumes);
    assert_eq!(first, Action::Prepare);
    let mut last = vec![first];
    for event in events {
        last = state.on(event.clone());
    }
    (state, last)
}

fn running(volumes: usize) -> SupervisorState {
    let mut events = vec![Event::Prepared];
    if volumes > 0 {
        events.push(Event::Connected);
        events.extend(vec![Event::Served; volumes]);
    }
    let (mut state, last) = after(volumes, &events);
    assert_eq!(last, [Action::Start]);
    assert_eq!(state.on(Event::Started), [Action::SayStarted]);
    state
}

fn killing() -> Vec<Action> {
    vec![
        Action::LimitSilence,
        Action::Kill,
        Action::EndWaits,
        Action::SetTimer(KILL_LIMIT),
    ]
}

fn unmounting() -> Vec<Action> {
    vec![Action::Unmount, Action::SetTimer(UNMOUNT_LIMIT)]
}

fn outcome(ended: Ended, not_stored: Vec<NotStored>) -> Vec<Action> {
    vec![
        Action::Reply(Reply::Ended(Outcome { ended, not_stored })),
        Action::Exit,
    ]
}

fn refused() -> StartFailure {
    StartFailure::Protocol {
        reason: "no".into(),
    }
}

fn lost() -> Vec<NotStored> {
    vec![NotStored {
        object: "s3://b/k".into(),
        reason: "refused".into(),
        kept_in: None,
    }]
}

#[test]
fn a_call_connects_mounts_runs_stores_unmounts_and_reports() {
    let (_, connect) = after(2, &[Event::Prepared]);
    assert_eq!(connect, [Action::Connect]);
    let (_, mount) = after(2, &[Event::Prepared, Event::Connected]);
    assert_eq!(mount, [Action::Mount]);
    let mut state = running(2);
    assert_eq!(
        state.on(Event::Ended(WorkerEnd::Exited(0))),
        [Action::StoreAll]
    );
    assert_eq!(state.on(Event::Stored(lost())), unmounting());
    let exited = Ended::Exited { code: 0 };
    assert_eq!(state.on(Event::Unmounted), outcome(exited, lost()));
    assert_eq!(state.on(Event::InitGone), []);
}

#[test]
fn without_volumes_nothing_is_connected_stored_or_unmounted() {
    let mut state = running(0);
    assert_eq!(state.on(Event::StoreAsked), [Action::SayStored(Vec::new())]);
    let end = state.on(Event::Ended(WorkerEnd::Exited(3)));
    assert_eq!(end, outcome(Ended::Exited { code: 3 }, Vec::new()));
}

#[test]
fn what_is_stored_while_the_work_goes_on_is_told_at_once() {
    let mut state = running(1);
    assert_eq!(state.on(Event::StoreAsked), [Action::Store]);
    assert_eq!(state.on(Event::Stored(lost())), [Action::SayStored(lost())]);
    assert_eq!(state.on(Event::StoreAsked), [Action::Store]);
    let ended = Event::Ended(WorkerEnd::Killed(9));
    assert_eq!(state.on(ended), [Action::StoreAll]);
    assert_eq!(
        state.on(Event::Stored(Vec::new())),
        [Action::SayStored(Vec::new())]
    );
    assert_eq!(state.on(Event::StoreAsked), []);
    assert_eq!(state.on(Event::Stored(lost())), unmounting());
    let killed = Ended::Killed { signal: 9 };
    assert_eq!(state.on(Event::Unmounted), outcome(killed, lost()));
}

#[test]
fn work_that_takes_too_long_is_killed() {
    let mut state = running(0);
    let stop = Stop::TimedOut {
        after: Duration::from_mins(1),
    };
    assert_eq!(state.on(Event::StopAsked(stop)), killing());
    assert_eq!(state.on(Event::StopAsked(stop)), [], "once");
    let end = state.on(Event::Ended(WorkerEnd::Killed(9)));
    let after = Duration::from_mins(1);
    assert_eq!(end, outcome(Ended::TimedOut { after }, Vec::new()));
}

#[test]
fn cancelled_work_is_asked_first_and_killed_later() {
    let (grace, signal) = (Duration::from_secs(3), 1);
    let mut state = running(0);
    let stop = Event::StopAsked(Stop::Cancelled { grace, signal });
    let asking = [
        Action::LimitSilence,
        Action::Terminate(signal),
        Action::SetTimer(grace),
    ];
    assert_eq!(state.on(stop), asking);
    assert_eq!(state.on(Event::TimeUp), killing());
    let end = state.on(Event::Ended(WorkerEnd::Killed(9)));
    assert_eq!(end, outcome(Ended::Cancelled, Vec::new()));
    let at_once = Stop::Cancelled {
        grace: Duration::ZERO,
        signal,
    };
    assert_eq!(running(0).on(Event::StopAsked(at_once)), killing());
}

#[test]
fn a_call_that_is_cancelled_before_its_work_began_ends_at_once() {
    let (mut state, _) = after(1, &[Event::Prepared, Event::Connected]);
    let grace = Duration::from_secs(3);
    assert_eq!(
        state.on(Event::StopAsked(Stop::Cancelled { grace, signal: 15 })),
        outcome(Ended::Cancelled, Vec::new())
    );
}

#[test]
fn a_timer_that_rings_late_does_nothing() {
    let mut state = running(1);
    let ended = Event::Ended(WorkerEnd::Exited(0));
    assert_eq!(state.on(ended), [Action::StoreAll]);
    assert_eq!(state.on(Event::TimeUp), []);
    assert_eq!(state.on(Event::Stored(Vec::new())), unmounting());
}

#[test]
fn a_caller_that_is_gone_ends_the_call_in_every_phase() {
    let stages: [&[Event]; 4] = [
        &[],
        &[Event::Prepared],
        &[Event::Prepared, Event::Connected],
        &[Event::Prepared, Event::Connected, Event::Served],
    ];
    for events in stages {
        let (mut state, _) = after(1, events);
        assert_eq!(
            state.on(Event::CallerGone),
            [
                Action::Refuse,
                Action::EndRequests,
                Action::KillInit,
                Action::Abandon
            ]
        );
        assert_eq!(state.on(Event::InitGone), []);
        assert_eq!(state.on(Event::Abandoned), [Action::Exit]);
    }
}

#[test]
fn a_step_that_fails_before_the_work_is_the_answer() {
    let (mut state, _) = after(1, &[Event::Prepared]);
    assert_eq!(
        state.on(Event::Failed(refused())),
        [Action::Reply(Reply::Refused(refused())), Action::Exit]
    );
}

#[test]
fn the_death_of_init_while_the_work_runs_is_the_works_death() {
    let mut state = running(1);
    let ending = [Action::EndWaits, Action::KillInit];
    assert_eq!(state.on(Event::InitEnding), ending, "it may hold others");
    assert_eq!(state.on(Event::InitGone), [Action::StoreAll]);
    let killed = Ended::Killed { signal: 9 };
    assert_eq!(state.on(Event::Stored(lost())), outcome(killed, lost()));
}

#[test]
fn the_death_of_init_before_the_work_is_a_failure() {
    let (mut state, _) = after(1, &[Event::Prepared]);
    let actions = state.on(Event::InitGone);
    assert!(matches!(
        &actions[..],
        [
            Action::Reply(Reply::Refused(StartFailure::Sandbox { .. })),
            Action::Exit
        ]
    ));
}

#[test]
fn an_init_that_does_not_obey_is_killed() {
    let after = Duration::from_mins(1);
    let mut state = running(1);
    state.on(Event::StopAsked(Stop::TimedOut { after }));
    assert_eq!(state.on(Event::TimeUp), [Action::KillInit]);
    assert_eq!(state.on(Event::InitGone), [Action::StoreAll]);
    let ended = Ended::TimedOut { after };
    assert_eq!(
        state.on(Event::Stored(Vec::new())),
        outcome(ended, Vec::new())
    );
    let mut state = running(1);
    state.on(Event::Ended(WorkerEnd::Exited(0)));
    state.on(Event::Stored(Vec::new()));
    assert_eq!(state.on(Event::TimeUp), [Action::KillInit]);
    let exited = Ended::Exited { code: 0 };
    assert_eq!(state.on(Event::InitGone), outcome(exited, Vec::new()));
}

#[test]
fn a_stop_while_storing_limits_it_and_a_second_one_ends_it() {
    let mut state = running(1);
    state.on(Event::Ended(WorkerEnd::Exited(0)));
    let late = Event::StopAsked(Stop::TimedOut {
        after: Duration::from_secs(5),
    });
    assert_eq!(state.on(late), [Action::LimitSilence]);
    let now = Event::StopAsked(Stop::Now);
    assert_eq!(state.on(now), [Action::EndRequests]);
    state.on(Event::Stored(lost()));
    let exited = Ended::Exited { code: 0 };
    assert_eq!(state.on(Event::Unmounted), outcome(exited, lost()));
}

#[test]
fn a_second_stop_does_not_wait_for_the_first() {
    let mut state = running(1);
    state.on(Event::StopAsked(Stop::Cancelled {
        grace: Duration::from_secs(5),
        signal: 15,
    }));
    let at_once = [
        Action::Kill,
        Action::EndRequests,
        Action::SetTimer(KILL_LIMIT),
    ];
    assert_eq!(state.on(Event::StopAsked(Stop::Now)), at_once);
    state.on(Event::Ended(WorkerEnd::Killed(9)));
    state.on(Event::Stored(lost()));
    assert_eq!(
        state.on(Event::Unmounted),
        outcome(Ended::Cancelled, lost())
    );
}

#[test]
fn further_stops_do_not_prolong_the_limit_of_a_kill() {
    let after = Duration::from_mins(1);
    let mut state = running(1);
    assert_eq!(
        state.on(Event::StopAsked(Stop::TimedOut { after })),
        killing()
    );
    let now = Event::StopAsked(Stop::Now);
    assert_eq!(state.on(now.clone()), [Action::EndRequests]);
    assert_eq!(state.on(now), [Action::EndRequests]);
    assert_eq!(state.on(Event::TimeUp), [Action::KillInit]);
}
