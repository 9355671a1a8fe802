//! Medians, and ratios pair by pair.

use std::fmt;
use std::time::Duration;

use crate::program::Program;

/// One run.
pub struct Measure {
    pub wall: Duration,
    /// Of the process that serves the mount.
    pub cpu: Duration,
    /// Of the process that serves the mount, in bytes.
    pub peak_memory: u64,
    /// What the server was asked.
    pub requests: u64,
}

/// The runs of one workload.
pub struct Report {
    /// By program: its name and its runs, in the order of the rounds.
    runs: Vec<(&'static str, Vec<Measure>)>,
}

impl Report {
    /// An empty one.
    pub fn new(programs: &[Program]) -> Self {
        let runs = programs.iter().map(|program| (program.name(), Vec::new()));
        Self {
            runs: runs.collect(),
        }
    }

    /// Adds a run of the program of this number.
    pub fn add(&mut self, program: usize, run: Measure) {
        self.runs[program].1.push(run);
    }

    /// The median, over the rounds, of ours in relation to the other's in the same round.
    fn ratio(&self, other: usize, value: fn(&Measure) -> f64) -> f64 {
        let pairs = self.runs[0].1.iter().zip(&self.runs[other].1);
        median(pairs.map(|(ours, theirs)| value(ours) / value(theirs)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| | wall time | CPU time | peak memory | requests | wall, ours to theirs | CPU, ours to theirs |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for (n, (name, runs)) in self.runs.iter().enumerate() {
            let of = |value: fn(&Measure) -> f64| median(runs.iter().map(value));
            let (wall, cpu) = (of(wall), of(cpu));
            let (memory, requests) = (of(memory), of(requests));
            write!(
                f,
                "| {name} | {wall:.2} s | {cpu:.2} s | {memory:.0} MiB | {requests:.0} |"
            )?;
            if n == 0 {
                writeln!(f, " | |")?;
            } else {
                let (wall, cpu) = (self.ratio(n, self::wall), self.ratio(n, self::cpu));
                writeln!(f, " {wall:.2} | {cpu:.2} |")?;
            }
        }
        Ok(())
    }
}

fn wall(run: &Measure) -> f64 {
    run.wall.as_secs_f64()
}

fn cpu(run: &Measure) -> f64 {
    run.cpu.as_secs_f64()
}

#[allow(clippy::cast_precision_loss, reason = "numbers for reading")]
fn memory(run: &Measure) -> f64 {
    run.peak_memory as f64 / f64::from(1 << 20)
}

#[allow(clippy::cast_precision_loss, reason = "numbers for reading")]
fn requests(run: &Measure) -> f64 {
    run.requests as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
