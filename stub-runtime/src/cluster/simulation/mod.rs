//! Simulation of a call on a cluster, whose time passes as fast as it can be computed. The caller's
//! decisions are the real ones (`state`, `sizes`, the driver's pauses, the ages of a task's
//! pieces); the scheduler, its nodes and the bucket are models. docs/scale.md shows the results.

mod cluster;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::driver::{GATHERING, Pauses, SpoolKind, SpoolLook};
use super::names::{BatchId, RunId};
use super::scheduler::{EndKind, Fate, Room, Seen};
use super::state::ClusterState;

use cluster::{Model, Nodes, Told};

/// Requests a second, at 32 requests at once of 20 ms each.
const WRITES_A_SECOND: u32 = 1600;

/// Id of every run, as no task is started twice.
const RUN: RunId = RunId(1);

/// Load that a run has caused.
#[derive(Debug, Default)]
struct Asked {
    tasks: u64,
    submissions: u64,
    /// Number of queries of the queue.
    looks: u64,
    puts: u64,
    gets: u64,
    lists: u64,
    /// Maximum number of puts within a second.
    busiest: u64,
    by_second: BTreeMap<u64, u64>,
    lost: u64,
    ended: u64,
    took: Duration,
    /// Maximum number of tasks that waited or ran at once.
    active: usize,
}

impl Asked {
    fn put(&mut self, second: u64, count: u64) {
        self.puts += count;
        let here = self.by_second.entry(second).or_default();
        *here += count;
        self.busiest = self.busiest.max(*here);
    }
}

/// Runs a call to its end.
fn run(model: &Model) -> Asked {
    let start = Instant::now();
    let (mut now, mut asked) = (start, Asked::default());
    let mut state = ClusterState::new(0, model.task_time, None);
    for index in 0..model.inputs {
        state.give(index, 100);
    }
    state.close();
    let room = Room {
        places: model.places,
        tasks: 1001,
    };
    let mut nodes = Nodes::new(model, start);
    let mut pauses = Pauses::new(now, SpoolKind::Bucket);
    let mut ended = BTreeSet::new();
    // What all tasks carry, and what tells a caller who comes back how many inputs there are.
    asked.put(0, 2);
    while !state.is_over() {
        while let Some((number, planned)) = state.next(room, true) {
            asked.submissions += 1;
            asked.tasks += planned.len() as u64;
            // The caller writes no faster.
            for some in planned.chunks(WRITES_A_SECOND as usize) {
                let second = now.duration_since(start).as_secs();
                asked.put(second, some.len() as u64);
                now += Duration::from_secs(1) * u32::try_from(some.len()).unwrap_or(u32::MAX)
                    / WRITES_A_SECOND;
            }
            for (task, batch) in (0..).zip(&planned) {
                let id = BatchId {
                    submission: number,
                    task,
                };
                let inputs = batch.inputs.iter().map(|input| input.index).collect();
                nodes.submit(now, id, inputs);
            }
            pauses.expect_news(now);
        }
        asked.active = asked.active.max(state.active().0 + state.active().1);
        nodes.advance(now, |at| asked.put(at.duration_since(start).as_secs(), 1));
        if pauses.is_spool_due(now) {
            collect(
                &mut state,
                &mut nodes,
                &mut asked,
                &mut ended,
                &mut pauses,
                now,
            );
        }
        if pauses.is_scheduler_due(now) {
            look(&mut state, &nodes, &mut asked, &mut pauses, now);
        }
        assert!(state.decide(now).is_empty(), "nothing is given up");
        now = pauses.next(true).max(now + GATHERING / 10);
        assert!(now < start + Duration::from_hours(1000), "it never ends");
    }
    asked.took = now - start;
    asked.ended = ended.len() as u64;
    asked.lost = nodes.lost;
    // Each task lists twice to reach the bucket, and reads what all have and what it has.
    asked.lists += 2 * nodes.begun;
    asked.gets += 2 * nodes.begun;
    asked
}

fn collect(
    state: &mut ClusterState,
    nodes: &mut Nodes<'_>,
    asked: &mut Asked,
    ended: &mut BTreeSet<u64>,
    pauses: &mut Pauses,
    now: Instant,
) {
    let mut is_new = false;
    let awaited = state.awaited();
    for submission in &awaited {
        let (names, pieces) = nodes.pieces(*submission);
        // A page of a listing has at most 1000 names.
        asked.lists += names.div_ceil(1000).max(1);
        for (id, number, piece) in pieces {
            if !state.wants(id, RUN, number) {
                continue;
            }
            is_new = true;
            asked.gets += 1;
            for told in &piece.told {
                match told {
                    Told::Ended(index, took) => {
                        if state.ended(id, *index, *took) {
                            assert!(ended.insert(*index), "{index} ended twice");
                        }
                    }
                    Told::Left(indices) => drop(state.left(id, indices)),
                }
            }
            state.piece(id, RUN, piece.is_last);
        }
    }
    pauses.looked_at_spool(SpoolLook {
        began: now,
        ended: now,
        is_new,
        submissions: awaited.len(),
    });
}

fn look(
    state: &mut ClusterState,
    nodes: &Nodes<'_>,
    asked: &mut Asked,
    pauses: &mut Pauses,
    now: Instant,
) {
    asked.looks += 1;
    let known = state.expected();
    let seen: BTreeMap<BatchId, Seen> = nodes.seen(&known);
    state.looked(now, &known, &seen);
    for (id, _) in state.without_fate() {
        state.fate(id, Fate::new(EndKind::Lost, "NODE_FAIL"));
    }
    if state.has_gone() {
        pauses.look_at_spool_now(now);
    }
    pauses.asked_scheduler(now);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fmt::Write as _;

    use super::*;

    /// S3's list prices in us-east-1: of a million puts and lists, and of a million gets.
    const WRITES: f64 = 5.0;
    const READS: f64 = 0.4;

    /// Makes a model of this number of tasks that last their target time, each with five inputs.
    fn model(tasks: u64, places: usize) -> Model {
        Model {
            inputs: tasks * 5,
            places,
            input: Duration::from_secs(6),
            task_time: Duration::from_secs(30),
            lost_of_thousand: 0,
        }
    }

    fn row(text: &mut String, name: &str, model: &Model) -> Asked {
        let asked = run(model);
        let places = u32::try_from(model.places).unwrap();
        let inputs = u32::try_from(model.inputs).unwrap();
        let ideal = model.input * inputs / places;
        let writes = asked.puts + asked.lists;
        #[expect(clippy::cast_precision_loss, reason = "what is shown has three digits")]
        let dollars = (writes as f64 * WRITES + asked.gets as f64 * READS) / 1e6;
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {:.2} | {:.0} min | {:.2} |",
            asked.tasks,
            asked.submissions,
            asked.looks,
            asked.puts,
            asked.lists,
            asked.busiest,
            dollars,
            asked.took.as_secs_f64() / 60.0,
            asked.took.as_secs_f64() / ideal.as_secs_f64(),
        )
        .unwrap();
        assert_eq!(asked.ended, model.inputs);
        asked
    }

    #[test]
    fn the_table_of_the_documentation_is_what_is_computed() {
        let mut text = String::from(
            "| tasks, places | tasks started | `sbatch` | `squeue` | PUT | LIST | PUT in the busiest second | requests, $ | time | of the ideal |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        row(&mut text, "10, 10", &model(10, 10));
        row(&mut text, "1,000, 200", &model(1000, 200));
        row(
            &mut text,
            "1,000, 200, 5 % lost",
            &Model {
                lost_of_thousand: 50,
                ..model(1000, 200)
            },
        );
        let large = row(&mut text, "100,000, 5,000", &model(100_000, 5000));
        // What S3 takes for one prefix: 3,500 a second.
        assert!(large.busiest < 3500, "{}", large.busiest);
        assert!(large.active <= 20_000);
        let documented = include_str!("../../../../docs/scale.md");
        assert!(
            documented.contains(&text),
            "docs/scale.md should have\n{text}"
        );
    }

    #[test]
    fn a_fifth_of_all_tasks_may_be_lost_and_each_input_ends_once() {
        let asked = run(&Model {
            lost_of_thousand: 200,
            ..model(100, 20)
        });
        assert!(asked.lost > 5, "{}", asked.lost);
        assert_eq!(asked.ended, 500);
    }

    #[test]
    fn many_short_inputs_are_few_tasks() {
        let asked = run(&Model {
            inputs: 1_000_000,
            places: 100,
            input: Duration::from_millis(1),
            task_time: Duration::from_secs(30),
            lost_of_thousand: 0,
        });
        assert!(asked.tasks < 700, "{}", asked.tasks);
    }
}
