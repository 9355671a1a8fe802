//! Plan of a round, derived from its seed without I/O.

use std::time::Duration;

use nix::sys::signal::Signal;
use s3_local::Fault;

use crate::random::Random;

/// Maximum time of a job, unless the plan ends it earlier.
const LIMIT: Duration = Duration::from_mins(2);

/// All events of a round.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) runner: Runner,
    /// Number of operations of the job.
    pub(crate) operations: u64,
    pub(crate) phases: Vec<Phase>,
    pub(crate) end: End,
}

/// Program that makes the bucket a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `stub run`, with the job in its sandbox.
    Run,
    /// `stub mount`, with the job beside it.
    Mount,
}

/// Quiet period, followed by a period in which the server fails in one way.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) quiet: Duration,
    pub(crate) trouble: Duration,
    /// Failure rate: one in this many requests.
    pub(crate) one_in: u32,
    pub(crate) faults: Vec<Fault>,
}

/// Event that ends the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// End of the job.
    Done,
    /// Signal to the program.
    Signal(Signal, Duration),
    /// `kill -9` of the program.
    Kill(Duration),
    /// `kill -9` of a process that the program started.
    KillChild(Duration),
    /// Time limit of the program.
    Timeout(Duration),
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let runner = random.pick(&[Runner::Run, Runner::Run, Runner::Mount]);
        let end = end(&mut random, runner);
        let count = random.below(6);
        Self {
            seed,
            runner,
            operations: random.within(20..200),
            phases: (0..count).map(|_| phase(&mut random)).collect(),
            end,
        }
    }

    /// Returns the time limit of the program.
    pub(crate) fn limit(&self) -> Duration {
        match self.end {
            End::Timeout(limit) => limit,
            _ => LIMIT,
        }
    }

    /// Returns whether the job must succeed: only the server's temporary failures impede it.
    pub(crate) fn must_succeed(&self) -> bool {
        self.end == End::Done
    }
}

fn end(random: &mut Random, runner: Runner) -> End {
    let after = Duration::from_millis(random.within(30..3000));
    let signal = random.pick(&[Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT]);
    match (random.below(10), runner) {
        (0..=3, _) => End::Done,
        (4..=5, _) => End::Signal(signal, after),
        (6, _) => End::Kill(after),
        (7, Runner::Run) => End::KillChild(after),
        (_, Runner::Run) => End::Timeout(Duration::from_secs(random.within(1..4))),
        (_, Runner::Mount) => End::Signal(signal, after),
    }
}

fn phase(random: &mut Random) -> Phase {
    const ANSWERS: [Fault; 3] = [
        Fault::SlowDown503,
        Fault::InternalError500,
        Fault::ResetConnection,
    ];
    const BODIES: [Fault; 3] = [
        Fault::TruncateBody(0),
        Fault::TruncateBody(1000),
        Fault::TruncateBody(1_000_000),
    ];
    let (one_in, faults) = match random.below(4) {
        // The server is away.
        0 => (1, vec![random.pick(&ANSWERS)]),
        1 => (3, ANSWERS.to_vec()),
        2 => (10, [ANSWERS.as_slice(), &BODIES].concat()),
        _ => (30, vec![Fault::Hang, Fault::ResetConnection]),
    };
    Phase {
        quiet: Duration::from_millis(random.within(5..400)),
        trouble: Duration::from_millis(random.within(20..1500)),
        one_in,
        faults,
    }
}

#[test]
fn a_seed_makes_one_plan_and_seeds_make_all_kinds() {
    let text = |seed| format!("{:?}", Plan::of(seed));
    assert_eq!(text(7), text(7));
    let plans: Vec<Plan> = (0..300).map(Plan::of).collect();
    let some = |wanted: fn(&Plan) -> bool| plans.iter().filter(|plan| wanted(plan)).count();
    assert!(some(|plan| plan.runner == Runner::Mount) > 60);
    assert!(some(Plan::must_succeed) > 60);
    assert!(some(|plan| matches!(plan.end, End::Kill(_) | End::KillChild(_))) > 20);
    assert!(some(|plan| matches!(plan.end, End::Timeout(_))) > 20);
    assert!(some(|plan| plan.phases.iter().any(|phase| phase.one_in == 1)) > 60);
}
