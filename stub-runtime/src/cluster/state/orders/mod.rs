//! Random orders of events: inputs, submissions, tasks, pieces of results, and answers of a scheduler
//! come in any order, late, twice, or never.

mod world;

use proptest::prelude::*;

use crate::cluster::scheduler::EndKind;
use world::World;

/// Next thing to happen; ignored if it can't. Numbers choose among the tasks that it can happen to.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The caller gives an input with this number of bytes.
    Give(u64),
    Close,
    Cancel,
    /// No task is waited for any more.
    GiveUp,
    /// The next submission is planned, with room for these places and tasks.
    Plan(usize, usize),
    /// The planned submission is withdrawn, after it was written to the spool or before.
    Withdraw(Spooled),
    Submit,
    Begin(usize),
    /// A task reports one more value or the end of an input.
    Report(usize),
    /// A task leaves its remaining inputs to others.
    Leave(usize),
    /// A task is started again from its beginning.
    Requeue(usize),
    Vanish(usize, EndKind),
    /// Written pieces appear in the spool.
    Appear,
    Collect,
    /// The scheduler is asked; its answer comes later.
    Ask,
    Answer,
    /// The exit reasons of vanished tasks become known.
    Explain,
    /// The caller dies once all inputs are in the spool, and another one takes the call up.
    TakeUp,
    /// Time in seconds passes, and vanished tasks are decided on.
    Decide(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Spooled {
    Yes,
    No,
}

fn how() -> impl Strategy<Value = EndKind> {
    prop_oneof![
        Just(EndKind::Completed),
        Just(EndKind::Died),
        Just(EndKind::Unfit),
        Just(EndKind::Lost),
        Just(EndKind::TimedOut),
        Just(EndKind::Cancelled),
        Just(EndKind::Unknown),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let task = 0..64usize;
    let bytes = prop_oneof![4 => 0..1000u64, 1 => 0..(20u64 << 20), 1 => Just(300 << 20)];
    let spooled = prop_oneof![Just(Spooled::Yes), Just(Spooled::No)];
    prop_oneof![
        10 => bytes.prop_map(Step::Give),
        1 => Just(Step::Close),
        1 => Just(Step::Cancel),
        1 => Just(Step::GiveUp),
        8 => (1..4usize, 1..7usize).prop_map(|(places, tasks)| Step::Plan(places, tasks)),
        2 => spooled.prop_map(Step::Withdraw),
        7 => Just(Step::Submit),
        8 => task.clone().prop_map(Step::Begin),
        20 => task.clone().prop_map(Step::Report),
        2 => task.clone().prop_map(Step::Leave),
        2 => task.clone().prop_map(Step::Requeue),
        4 => (task, how()).prop_map(|(task, how)| Step::Vanish(task, how)),
        6 => Just(Step::Appear),
        8 => Just(Step::Collect),
        4 => Just(Step::Ask),
        5 => Just(Step::Answer),
        4 => Just(Step::Explain),
        2 => Just(Step::TakeUp),
        5 => (0..70u64).prop_map(Step::Decide),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_input_ends_once_in_any_order_of_events(
        steps in proptest::collection::vec(step(), 0..150),
        retries in 0..3usize,
        at_once in proptest::option::of(1..5usize),
        fate in proptest::option::of(how()),
    ) {
        let mut world = World::new(retries, at_once);
        for step in steps {
            world.step(step);
            world.check();
        }
        // The tasks of the rest do their work, or all end in one way.
        world.rest(fate);
    }
}
