//! Rounds of a job that writes to a server that fails by a plan, with signals, kills and time limits at
//! any moment. The exit status is 0 only if every acknowledged byte is in the bucket. Unstored objects
//! are named, each round ends soon after its limit, and nothing is left on the machine.
//!
//! `STUB_STRESS_ROUNDS` sets the number of rounds, `STUB_STRESS_SEED` the seed of the first. A failure
//! prints the seed of its round. Needs `/dev/fuse`, and root for the rounds of `stub mount`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod job;
mod journal;
mod left;
mod mapped;
mod plan;
mod random;
mod round;
mod running;
mod trouble;

use plan::Plan;

/// Number of rounds in a run of all tests; a dedicated run has hundreds.
const ROUNDS: u64 = 12;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}: {value:?}")),
    )
}

#[test]
#[allow(clippy::print_stdout, reason = "a failure is repeated with the seed")]
fn acknowledged_bytes_are_stored_or_named() {
    let first = number("STUB_STRESS_SEED").unwrap_or_else(random::fresh_seed);
    let rounds = number("STUB_STRESS_ROUNDS").unwrap_or(ROUNDS);
    let mut failed = Vec::new();
    for seed in (0..rounds).map(|n| first.wrapping_add(n)) {
        let plan = Plan::of(seed);
        println!("seed {seed}: {plan:?}");
        if let Err(reasons) = round::run(&plan) {
            println!("seed {seed} FAILED:\n  {}", reasons.join("\n  "));
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "failed with the seeds {failed:?}");
}

/// Job of a round, in its own process.
#[test]
#[ignore = "the job of a round, which starts it"]
fn job() {
    if let Some(job) = job::Job::from_environment() {
        std::process::exit(job.run());
    }
}
