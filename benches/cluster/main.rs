//! Comparison of a map on a cluster with a plain job array: `scripts/bench-cluster.sh`, which starts a
//! cluster.
//!
//! Both run the same inputs, each of which sleeps, on the same nodes, in turn. The plain array has as
//! many tasks as the map. They run this program without the library, each with an equal share of the
//! inputs.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it is a program for people"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use stub::{Engine, Slurm};

/// Number of runs of the map, and of the array.
const ROUNDS: usize = 5;

/// Number of single calls, and of plain jobs.
const SINGLES: usize = 15;

/// Variable with the duration of an input, in milliseconds.
const TAKES: &str = "STUB_BENCH_TAKES";

#[stub::function]
fn work(n: u64) -> u64 {
    plain_work(n)
}

/// Computes the same without the library.
fn plain_work(n: u64) -> u64 {
    let takes = env::var(TAKES).ok().and_then(|takes| takes.parse().ok());
    thread::sleep(Duration::from_millis(takes.unwrap_or(20)));
    n * 2
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, plain, inputs, tasks, folder] = &arguments[..]
        && plain == "plain"
    {
        return run_share(
            inputs.parse().unwrap(),
            tasks.parse().unwrap(),
            Path::new(folder),
        );
    }
    let number = |name: &str, default| {
        let given = env::var(name).ok().and_then(|value| value.parse().ok());
        given.unwrap_or(default)
    };
    let (inputs, tasks) = (
        number("STUB_BENCH_INPUTS", 10_000),
        number("STUB_BENCH_TASKS", 64),
    );
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    Engine::from(Slurm::new().spool(spool.display().to_string())).select();
    if inputs > 0 {
        compare_map(inputs, tasks, folder.path());
    }
    compare_single(folder.path());
}

fn compare_map(inputs: u64, tasks: u64, folder: &Path) {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let plain = timed(|| plain_array(inputs, tasks, folder));
        let ours = timed(|| {
            let sum: u64 = work::map(0..inputs).map(|value| value.unwrap()).sum();
            assert_eq!(sum, expected(inputs));
        });
        let ratio = ours.as_secs_f64() / plain.as_secs_f64();
        println!("round {round}: plain array {plain:.2?}, map {ours:.2?}, ratio {ratio:.2}");
        ratios.push(ratio);
    }
    println!(
        "{inputs} inputs, {tasks} tasks: median ratio {:.2}",
        median(ratios)
    );
}

/// Compares one call with one plain job, in turn.
fn compare_single(folder: &Path) {
    let (mut ours, mut plain, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SINGLES {
        let job = timed(|| plain_array(1, 1, folder)).as_secs_f64();
        let call = timed(|| assert_eq!(work(1).unwrap(), 2)).as_secs_f64();
        ratios.push(call / job);
        plain.push(job);
        ours.push(call);
    }
    println!(
        "one call: {:.2} s, a plain job: {:.2} s, ratio {:.2} (medians of {SINGLES})",
        median(ours),
        median(plain),
        median(ratios)
    );
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn expected(inputs: u64) -> u64 {
    (0..inputs).map(|n| n * 2).sum()
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Runs a hand-written task: computes its share of the inputs and writes the sum to a file.
fn run_share(inputs: u64, tasks: u64, folder: &Path) {
    let task: u64 = env::var("SLURM_ARRAY_TASK_ID").unwrap().parse().unwrap();
    let share = inputs.div_ceil(tasks);
    let values = (task * share..inputs.min((task + 1) * share)).map(plain_work);
    let sum: u64 = values.sum();
    fs::write(folder.join(format!("sum-{task}")), sum.to_string()).unwrap();
}

/// Submits the array and polls for its files: `sbatch --wait`, which polls every few seconds, would be
/// slower.
fn plain_array(inputs: u64, tasks: u64, folder: &Path) {
    let program = env::current_exe().unwrap();
    let wrapped = format!(
        "exec {} plain {inputs} {tasks} {}",
        program.display(),
        folder.display()
    );
    let submitted = Command::new("sbatch")
        .args([
            "--parsable",
            "--output=/dev/null",
            &format!("--array=0-{}", tasks - 1),
        ])
        .args(["--wrap", &wrapped])
        .output()
        .unwrap();
    assert!(submitted.status.success(), "{submitted:?}");
    let paths: Vec<_> = (0..tasks)
        .map(|task| folder.join(format!("sum-{task}")))
        .collect();
    let sums = paths.iter().map(|path| {
        loop {
            if let Some(sum) = fs::read_to_string(path)
                .ok()
                .and_then(|sum| sum.parse::<u64>().ok())
            {
                break sum;
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(sums.sum::<u64>(), expected(inputs));
    for path in paths {
        fs::remove_file(path).unwrap();
    }
}
