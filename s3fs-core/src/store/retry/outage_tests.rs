//! Simulated outages: processes whose requests are refused for a time, as `Tries` and `Rate` repeat
//! them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use super::limited::{mounts, refuse};
use super::policy::{RetryLimits, RetryStep, Tries};
use super::rate::Rate;
use super::{Retrying, Throttle};
use crate::object::Key;
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::memory::MemoryStore;
use crate::store::{Store, StoreError, StoreErrorKind};

/// Requests that each process sends at once.
const REQUESTS: usize = 64;

/// Process with requests of its own.
struct Process {
    rate: Rate,
    turn: Instant,
    requests: Vec<Tries>,
}

/// Server that refuses all requests until `well`, then those beyond `capacity` in a second.
struct Simulated {
    well: Duration,
    capacity: u32,
}

/// Counts of a simulation.
#[derive(Default)]
struct Outcome {
    answered: usize,
    given_up: usize,
    refused_since_well: u32,
    /// Time at which the last request ended.
    end: Duration,
}

impl Process {
    fn new(start: Instant) -> Self {
        let tries = || Tries::new(RetryLimits::new(Duration::from_mins(5)), start);
        Self {
            rate: Rate::new(start),
            turn: start,
            requests: (0..REQUESTS).map(|_| tries()).collect(),
        }
    }

    /// Returns the time at which the rate lets a request pass that is ready at `now`.
    fn admit(&mut self, now: Instant) -> Instant {
        let Some(interval) = self.rate.interval() else {
            return now;
        };
        let turn = self.turn.max(now);
        self.turn = turn + interval;
        turn
    }
}

/// Runs all requests of `processes` processes.
fn run(server: &Simulated, processes: usize, seed: u64) -> Outcome {
    let mut random = fastrand::Rng::with_seed(seed);
    let start = Instant::now();
    let mut processes: Vec<Process> = (0..processes).map(|_| Process::new(start)).collect();
    let mut ready = BinaryHeap::new();
    for process in 0..processes.len() {
        ready.extend((0..REQUESTS).map(|request| Reverse((start, process, request, false))));
    }
    let (mut outcome, mut second, mut taken) = (Outcome::default(), 0, 0);
    while let Some(Reverse((now, process, request, is_admitted))) = ready.pop() {
        let sender = &mut processes[process];
        if !is_admitted {
            let at = sender.admit(now);
            ready.push(Reverse((at, process, request, true)));
            continue;
        }
        let passed = now - start;
        if passed.as_secs() != second {
            (second, taken) = (passed.as_secs(), 0);
        }
        outcome.end = passed;
        if passed >= server.well && taken < server.capacity {
            taken += 1;
            outcome.answered += 1;
            sender.rate.answered(now);
            continue;
        }
        outcome.refused_since_well += u32::from(passed >= server.well);
        sender.rate.refused(now);
        let kind = StoreErrorKind::Throttled("SlowDown".into());
        let error = StoreError::new("GetObject", "s3://bucket/key".into(), kind);
        match sender.requests[request].next(&error, now, random.f64()) {
            RetryStep::Retry(delay) => {
                ready.push(Reverse((now + delay, process, request, false)));
            }
            RetryStep::GiveUp => outcome.given_up += 1,
        }
    }
    outcome
}

#[test]
fn every_request_outlives_a_minute_of_refusals() {
    for seed in 0..10 {
        let server = Simulated {
            well: Duration::from_mins(1),
            capacity: u32::MAX,
        };
        let outcome = run(&server, 1, seed);
        assert_eq!((outcome.answered, outcome.given_up), (REQUESTS, 0));
        assert!(outcome.end < Duration::from_secs(100), "{:?}", outcome.end);
    }
}

#[test]
fn processes_that_share_nothing_but_the_server_spread_their_requests() {
    let server = Simulated {
        well: Duration::from_mins(1),
        capacity: 200,
    };
    for seed in 0..10 {
        let outcome = run(&server, 100, seed);
        assert_eq!((outcome.answered, outcome.given_up), (100 * REQUESTS, 0));
        // At 200 a second, 6,400 requests take 32 seconds.
        assert!(outcome.end < Duration::from_mins(2), "{:?}", outcome.end);
        let refused = outcome.refused_since_well;
        assert!(refused < 4 * 100 * REQUESTS as u32, "{refused}");
    }
}

/// Counts of the requests that a store carries out at the same time.
#[derive(Debug, Default)]
struct Counts {
    present: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Disturbance for Counts {
    async fn before(&self, _: Operation) -> Result<(), StoreErrorKind> {
        let present = self.present.fetch_add(1, Relaxed) + 1;
        self.most.fetch_max(present, Relaxed);
        sleep(Duration::from_millis(20)).await;
        Ok(())
    }

    async fn after(&self, _: Operation) -> Result<(), StoreErrorKind> {
        self.present.fetch_sub(1, Relaxed);
        Ok(())
    }
}

/// Sends requests of two mounts at the same time. Returns the most that were carried out at once.
async fn most_at_once(mounts: &[Retrying<Disturbed<MemoryStore, Counts>>], each: usize) -> usize {
    let key = Key::new("k");
    let requests = mounts
        .iter()
        .flat_map(|mount| (0..each).map(|_| mount.head(&key)));
    let answers = futures_util::future::join_all(requests).await;
    assert!(answers.iter().all(Result::is_ok));
    let counts = &mounts[0].single().disturbance;
    counts.most.swap(0, Relaxed)
}

#[tokio::test]
async fn refusals_reduce_the_concurrency_of_all_mounts_until_the_server_has_recovered() {
    let memory = MemoryStore::default();
    memory.insert("k", "x");
    let (counts, throttle) = (Arc::<Counts>::default(), Arc::<Throttle>::default());
    let mounts = mounts(&memory, &counts, &throttle);
    assert_eq!(most_at_once(&mounts, 32).await, 64);
    let now = refuse(&throttle);
    let few = most_at_once(&mounts, 4).await;
    assert!(few < 8, "{few} of 8");
    throttle.answered(now + Duration::from_mins(1));
    assert_eq!(most_at_once(&mounts, 32).await, 64);
}
