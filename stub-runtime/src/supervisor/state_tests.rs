use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn after(volumes: usize, timeout: Option<Duration>, events: &[Event]) -> (State, Vec<Action>) {
    let (mut state, first) = State::new(volumes, true, timeout);
    assert_eq!(first, Action::Prepare);
    let mut last = vec![first];
    for event in events {
        last = state.on(event.clone());
    }
    (state, last)
}

fn running(volumes: usize, timeout: Option<Duration>) -> State {
    let mut events = vec![Event::Prepared];
    if volumes > 0 {
        events.push(Event::Connected);
        events.extend(vec![Event::Served; volumes]);
    }
    let (mut state, last) = after(volumes, timeout, &events);
    assert_eq!(last, [Action::Start]);
    let expected: Vec<_> = timeout.map(Action::SetTimer).into_iter().collect();
    assert_eq!(state.on(Event::Started), expected);
    state
}

fn outcome(ended: Ended, not_stored: Vec<NotStored>) -> Vec<Action> {
    vec![
        Action::Reply(Reply::Ended(Outcome { ended, not_stored })),
        Action::Exit,
    ]
}

fn refused() -> Failure {
    Failure::Protocol {
        reason: "no".into(),
    }
}

#[test]
fn a_call_connects_mounts_runs_stores_unmounts_and_reports() {
    let (_, connect) = after(2, None, &[Event::Prepared]);
    assert_eq!(connect, [Action::Connect]);
    let (_, mount) = after(2, None, &[Event::Prepared, Event::Connected]);
    assert_eq!(mount, [Action::Mount]);
    let mut state = running(2, None);
    assert_eq!(state.on(Event::Reported(FromWorker::Returned)), []);
    assert_eq!(state.on(Event::WorkerSilent), []);
    assert_eq!(
        state.on(Event::Ended(WorkerEnd::Exited(0))),
        [Action::Store]
    );
    let lost = vec![NotStored {
        object: "s3://b/k".into(),
        reason: "refused".into(),
        kept_in: None,
    }];
    assert_eq!(state.on(Event::Stored(lost.clone())), [Action::Unmount]);
    assert_eq!(state.on(Event::Unmounted), outcome(Ended::Returned, lost));
    assert_eq!(state.on(Event::InitGone), []);
}

#[test]
fn without_volumes_nothing_is_connected_stored_or_unmounted() {
    let mut state = running(0, None);
    assert_eq!(state.on(Event::Ended(WorkerEnd::Exited(3))), []);
    let end = state.on(Event::WorkerSilent);
    assert_eq!(end, outcome(Ended::Exited { code: 3 }, Vec::new()));
}

#[test]
fn the_report_may_come_after_the_end() {
    let mut state = running(0, None);
    assert_eq!(state.on(Event::Ended(WorkerEnd::Exited(0))), []);
    assert_eq!(state.on(Event::Reported(FromWorker::Returned)), []);
    assert_eq!(
        state.on(Event::WorkerSilent),
        outcome(Ended::Returned, Vec::new())
    );
}

#[test]
fn a_timeout_kills_and_is_the_outcome_unless_the_body_returned_in_time() {
    let mut state = running(0, Some(MINUTE));
    assert_eq!(state.on(Event::TimeUp), [Action::Kill]);
    state.on(Event::WorkerSilent);
    let end = state.on(Event::Ended(WorkerEnd::Killed(9)));
    assert_eq!(end, outcome(Ended::TimedOut { after: MINUTE }, Vec::new()));

    let mut state = running(0, Some(MINUTE));
    state.on(Event::Reported(FromWorker::Returned));
    assert_eq!(state.on(Event::TimeUp), [Action::Kill]);
    state.on(Event::WorkerSilent);
    let end = state.on(Event::Ended(WorkerEnd::Killed(9)));
    assert_eq!(end, outcome(Ended::Returned, Vec::new()));
}

#[test]
fn a_timer_that_rings_late_does_nothing() {
    let mut state = running(1, Some(MINUTE));
    state.on(Event::WorkerSilent);
    assert_eq!(
        state.on(Event::Ended(WorkerEnd::Exited(0))),
        [Action::Store]
    );
    assert_eq!(state.on(Event::TimeUp), []);
    assert_eq!(state.on(Event::Stored(Vec::new())), [Action::Unmount]);
}

#[test]
fn a_failure_before_the_work_is_reported_and_ends_the_call() {
    for events in [
        vec![],
        vec![Event::Prepared],
        vec![Event::Prepared, Event::Connected],
    ] {
        let (mut state, _) = after(1, None, &events);
        let end = state.on(Event::Failed(refused()));
        assert_eq!(
            end,
            [Action::Reply(Reply::Refused(refused())), Action::Exit]
        );
        assert_eq!(state.on(Event::CallerGone), []);
    }
}

#[test]
fn without_its_caller_a_call_is_abandoned_whatever_it_was_doing() {
    for mut state in [after(1, None, &[]).0, running(1, None)] {
        assert_eq!(
            state.on(Event::CallerGone),
            [Action::Refuse, Action::KillInit, Action::Abandon]
        );
        assert_eq!(state.on(Event::InitGone), []);
        assert_eq!(state.on(Event::Abandoned), [Action::Exit]);
    }
}

#[test]
fn when_init_dies_the_work_was_killed_and_what_it_wrote_is_stored() {
    let mut state = running(1, None);
    assert_eq!(state.on(Event::InitGone), []);
    assert_eq!(state.on(Event::WorkerSilent), [Action::Store]);
    let end = state.on(Event::Stored(Vec::new()));
    assert_eq!(end, outcome(Ended::Killed { signal: 9 }, Vec::new()));
}
