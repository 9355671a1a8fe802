#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use super::deciding::VERY_LATE;
use super::input::MOST_LOST;
use super::*;
use crate::cluster::scheduler::{EndKind, Fate, Room};

const ROOM: Room = Room {
    places: 2,
    tasks: 3,
};
const RUN: RunId = RunId(1);
const SHORT: Duration = Duration::from_millis(1);

fn state(inputs: u64) -> ClusterState {
    let mut state = ClusterState::new(0, Duration::from_secs(30), None);
    for index in 0..inputs {
        state.give(index, 1);
    }
    state.close();
    state
}

fn id(submission: u32, task: u32) -> BatchId {
    BatchId { submission, task }
}

fn indices(planned: &[Planned]) -> Vec<Vec<u64>> {
    let batch = |batch: &Planned| batch.inputs.iter().map(|input| input.index).collect();
    planned.iter().map(batch).collect()
}

/// Makes the scheduler report that no task of the submission exists any more, for this reason.
fn gone(state: &mut ClusterState, submission: u32, how: EndKind) -> Vec<Verdict> {
    let now = Instant::now();
    state.looked(now, &[submission].into(), &BTreeMap::new());
    for (id, _) in state.without_fate() {
        state.fate(id, Fate::new(how, "WORDS"));
    }
    assert!(
        state.decide(now).is_empty(),
        "what it wrote may be seen later"
    );
    state.decide(now + VERY_LATE)
}

#[test]
fn inputs_are_given_to_as_many_tasks_as_a_submission_may_have_and_end_once() {
    let mut state = state(10);
    let (number, planned) = state.next(ROOM, false).unwrap();
    assert_eq!(number, 0);
    assert_eq!(indices(&planned), [[0, 1], [2, 3], [4, 5]]);
    let (number, planned) = state.next(ROOM, false).unwrap();
    assert_eq!(
        (number, indices(&planned)),
        (1, vec![vec![6], vec![7], vec![8]])
    );
    assert!(
        state.wants(id(0, 0), RUN, 0)
            && !state.wants(id(0, 0), RUN, 1)
            && !state.wants(id(2, 0), RUN, 0)
    );
    assert!(state.ended(id(0, 0), 0, SHORT));
    assert!(!state.ended(id(0, 0), 0, SHORT), "it has ended");
    assert!(!state.is_over());
}

#[test]
fn nothing_is_begun_before_inputs_are_gathered() {
    let mut state = ClusterState::new(0, Duration::from_secs(30), None);
    state.give(0, 1);
    assert!(state.next(ROOM, false).is_none());
    assert!(state.next(ROOM, true).is_some());
}

#[test]
fn a_call_is_over_when_its_tasks_have_said_their_last() {
    let mut state = state(1);
    state.next(ROOM, false).unwrap();
    state.ended(id(0, 0), 0, SHORT);
    assert!(state.is_done() && !state.is_over());
    state.piece(id(0, 0), RUN, true);
    assert!(state.is_over());
}

#[test]
fn what_is_lost_with_a_node_is_run_again_but_not_for_ever() {
    let mut state = state(2);
    state.next(ROOM, false).unwrap();
    state.ended(id(0, 0), 0, SHORT);
    state.piece(id(0, 0), RUN, true);
    for submission in 0..MOST_LOST {
        assert_eq!(gone(&mut state, submission, EndKind::Lost), []);
        let (number, planned) = state.next(ROOM, false).unwrap();
        assert_eq!((number, indices(&planned)), (submission + 1, vec![vec![1]]));
        let input = planned[0].inputs[0];
        assert_eq!(input.attempt, submission + 2);
        assert_eq!(input.written.unwrap().submission, submission);
    }
    let verdicts = gone(&mut state, MOST_LOST, EndKind::Lost);
    let Why::Lost(why) = &verdicts[0].why else {
        panic!("{verdicts:?}")
    };
    assert!(why.contains("6 times (WORDS)"), "{why}");
    assert!(state.is_over());
}

#[test]
fn the_input_that_a_task_dies_of_is_found_and_the_others_are_run() {
    let mut state = state(100);
    let room = Room {
        places: 1,
        tasks: 100,
    };
    let (mut rounds, mut ended) = (0, BTreeSet::new());
    let verdict = loop {
        let (submission, planned) = state.next(room, false).unwrap();
        rounds += 1;
        for (task, batch) in (0..).zip(indices(&planned)) {
            // The task with this one dies before it has told of any.
            if !batch.contains(&42) {
                for index in batch {
                    assert!(state.ended(id(submission, task), index, SHORT));
                    ended.insert(index);
                }
                state.piece(id(submission, task), RUN, true);
            }
        }
        if let [verdict] = &gone(&mut state, submission, EndKind::Died)[..] {
            break verdict.clone();
        }
    };
    assert_eq!(verdict.index, 42);
    assert_eq!(ended.len(), 99);
    assert!(rounds <= 4, "{rounds}");
    assert!(state.is_over());
}

#[test]
fn one_that_its_task_dies_of_is_tried_as_often_as_it_may_be() {
    let mut state = ClusterState::new(1, Duration::from_secs(30), None);
    state.give(0, 1);
    state.close();
    state.next(ROOM, false).unwrap();
    assert_eq!(gone(&mut state, 0, EndKind::Died), []);
    state.next(ROOM, false).unwrap();
    assert_eq!(gone(&mut state, 1, EndKind::TimedOut).len(), 1);
}

#[test]
fn what_gave_values_is_not_run_again() {
    let mut state = state(1);
    state.next(ROOM, false).unwrap();
    assert!(state.emitted(id(0, 0), 0));
    assert_eq!(gone(&mut state, 0, EndKind::Lost).len(), 1);
    assert!(!state.emitted(id(0, 0), 0));
}

#[test]
fn values_are_not_given_again_after_a_second_run_on_a_node_without_the_program() {
    let mut state = state(1);
    state.next(ROOM, false).unwrap();
    assert!(state.emitted(id(0, 0), 0));
    state.piece(id(0, 0), RUN, false);
    let verdicts = gone(&mut state, 0, EndKind::Unfit);
    assert!(matches!(verdicts[0].why, Why::Lost(_)), "{verdicts:?}");
    assert!(state.is_over());
}

#[test]
fn after_a_cancellation_nothing_is_begun_and_what_runs_is_waited_for() {
    let mut state = state(10);
    state.next(ROOM, false).unwrap();
    assert_eq!(state.cancel().len(), 4);
    assert!(state.next(ROOM, true).is_none());
    assert!(state.ended(id(0, 0), 0, SHORT), "it had ended before");
    let verdicts = gone(&mut state, 0, EndKind::Completed);
    assert_eq!(verdicts.len(), 5);
    assert!(verdicts.iter().all(|verdict| verdict.why == Why::Cancelled));
    assert!(state.is_over());
}

#[test]
fn what_a_task_leaves_after_its_time_is_given_to_another() {
    let mut state = state(2);
    let room = Room {
        places: 1,
        tasks: 1,
    };
    let (_, planned) = state.next(room, false).unwrap();
    assert_eq!(indices(&planned), [[0]]);
    assert!(state.left(id(0, 0), &[0]).is_empty());
    state.piece(id(0, 0), RUN, true);
    assert_eq!(state.active(), (0, 0));
    let (_, planned) = state.next(room, false).unwrap();
    assert_eq!(indices(&planned), [[1]]);
    let (_, planned) = state.next(room, false).unwrap();
    assert_eq!(
        (indices(&planned), planned[0].inputs[0].attempt),
        (vec![vec![0]], 1)
    );
}

#[test]
fn a_caller_that_comes_back_finds_each_input_where_it_was_last() {
    let mut state = ClusterState::new(0, Duration::from_secs(30), None);
    state.restore(0, vec![vec![0, 1], vec![2]]);
    state.restore(1, vec![vec![1]]);
    state.close();
    assert!(state.is_all_written());
    assert_eq!(state.awaited(), [0, 1].into());
    state.ended(id(0, 0), 0, SHORT);
    state.piece(id(0, 0), RUN, true);
    state.ended(id(0, 1), 2, SHORT);
    state.piece(id(0, 1), RUN, true);
    assert!(!state.is_done());
    assert_eq!(gone(&mut state, 1, EndKind::Unknown), []);
    let (number, planned) = state.next(ROOM, false).unwrap();
    assert_eq!((number, planned[0].inputs[0].attempt), (2, 3));
}

#[test]
fn a_node_without_the_program_is_no_reason_to_give_up_if_others_have_it() {
    let mut state = state(4);
    state.next(ROOM, false).unwrap();
    state.ended(id(0, 0), 0, SHORT);
    state.piece(id(0, 0), RUN, true);
    assert_eq!(gone(&mut state, 0, EndKind::Unfit), []);
    assert!(state.next(ROOM, false).is_some());
}

#[test]
fn a_program_that_no_node_has_is_told_soon() {
    let mut state = state(1);
    for submission in 0..2 {
        state.next(ROOM, false).unwrap();
        assert_eq!(gone(&mut state, submission, EndKind::Unfit), []);
    }
    state.next(ROOM, false).unwrap();
    let verdicts = gone(&mut state, 2, EndKind::Unfit);
    assert_eq!(verdicts[0].why, Why::Unfit("WORDS".to_owned()));
}

#[test]
fn what_can_not_be_submitted_is_planned_again() {
    let mut state = state(3);
    let (number, planned) = state.next(ROOM, false).unwrap();
    state.withdraw(number, &planned, false);
    assert!(!state.is_all_written());
    let room = Room { tasks: 2, ..ROOM };
    let (number, planned) = state.next(room, false).unwrap();
    assert_eq!((number, indices(&planned)), (1, vec![vec![0], vec![1]]));
    assert_eq!(planned[0].inputs[0].written, None);
    // What was written is read from there.
    state.withdraw(number, &planned, true);
    let (_, planned) = state.next(ROOM, false).unwrap();
    let written = |batch: &Planned| batch.inputs[0].written;
    assert_eq!(written(&planned[1]), Some(id(1, 0)));
}

#[test]
fn no_more_are_begun_than_may_run_at_once() {
    let mut state = ClusterState::new(0, Duration::from_secs(30), Some(2));
    for index in 0..4 {
        state.give(index, 1);
    }
    let (_, planned) = state.next(ROOM, true).unwrap();
    assert_eq!(planned.len(), 3, "an array keeps to that by itself");
    assert!(state.next(ROOM, true).is_none());
    for task in 0..2 {
        state.ended(id(0, task), task.into(), SHORT);
        state.piece(id(0, task), RUN, true);
    }
    let (_, planned) = state.next(ROOM, true).unwrap();
    assert_eq!(planned.len(), 1);
}

#[test]
fn pieces_of_a_second_run_are_not_mixed_with_those_of_the_first() {
    let mut state = state(1);
    state.next(ROOM, false).unwrap();
    state.piece(id(0, 0), RUN, false);
    assert!(state.wants(id(0, 0), RUN, 1) && !state.may_want(id(0, 0), RunId(2), 1));
}
