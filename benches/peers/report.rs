//! Report with medians, and with ratios pair by pair.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use crate::bucket::Requests;
use crate::usage::Usage;
use crate::workload::Reads;

/// Measurements of one run.
pub struct Measure {
    pub wall: Duration,
    /// Resource usage of the process that serves the mount, if there is one.
    pub usage: Option<Usage>,
    /// Requests to the server, if there were any.
    pub requests: Option<Requests>,
    /// Durations of single reads, where they are measured.
    pub reads: Option<Reads>,
}

/// Runs of one workload.
pub struct Report {
    rows: Vec<Row>,
    /// Bytes that a run moves, if its rate is of interest.
    bytes: Option<u64>,
}

struct Row {
    name: &'static str,
    is_ours: bool,
    /// Runs in the order of the rounds.
    runs: Vec<Measure>,
    /// Reason for a missing result.
    failure: Option<String>,
}

impl Report {
    /// Creates an empty report from the contestants' names; `true` marks the one that others are
    /// compared with.
    pub fn new(
        contestants: impl Iterator<Item = (&'static str, bool)>,
        bytes: Option<u64>,
    ) -> Self {
        let row = |(name, is_ours)| Row {
            name,
            is_ours,
            runs: Vec::new(),
            failure: None,
        };
        let rows = contestants.map(row).collect();
        Self { rows, bytes }
    }

    /// Adds a run of the contestant with this index.
    pub fn add(&mut self, contestant: usize, run: Measure) {
        self.rows[contestant].runs.push(run);
    }

    /// Excludes the contestant with this index.
    pub fn fail(&mut self, contestant: usize, reason: String) {
        self.rows[contestant].failure = Some(reason);
    }

    /// Returns whether the contestant with this index is excluded.
    pub fn has_failed(&self, contestant: usize) -> bool {
        self.rows[contestant].failure.is_some()
    }

    /// Returns the median ratio of our value to the other's in the same round.
    fn ratio(&self, other: &Row, value: Value) -> Option<f64> {
        let ours = self.rows.iter().find(|row| row.is_ours)?;
        if other.is_ours || ours.failure.is_some() {
            return None;
        }
        let pairs = ours.runs.iter().zip(&other.runs);
        let ratios = pairs.map(|(ours, theirs)| value(ours) / value(theirs));
        median(ratios, f64::total_cmp).filter(|ratio| ratio.is_finite())
    }

    /// Returns the names of the other contestants, with the median ratio of their wall time to ours.
    pub fn slowness(&self) -> Vec<(&'static str, f64)> {
        let others = self.rows.iter().filter(|row| row.failure.is_none());
        let ratio = |row: &Row| Some((row.name, self.ratio(row, wall)?.recip()));
        others.filter_map(ratio).collect()
    }

    /// Returns whether the durations of single reads were measured.
    fn has_reads(&self) -> bool {
        let mut runs = self.rows.iter().flat_map(|row| &row.runs);
        runs.any(|run| run.reads.is_some())
    }

    fn cells(&self, row: &Row) -> Option<Vec<String>> {
        let seconds = row.median(wall)?;
        let requests = row.runs.iter().filter_map(|run| run.requests);
        let requests = median(requests, |a, b| a.total().cmp(&b.total()));
        let mut cells = vec![row.name.to_owned(), time(seconds)];
        if let Some(bytes) = self.bytes {
            #[allow(clippy::cast_precision_loss, reason = "a rate for reading")]
            cells.push(format!("{:.2} GB/s", bytes as f64 / seconds / 1e9));
        }
        if self.has_reads() {
            let of = |read: Value| text(row.median(read), time);
            cells.extend([of(|run| or_nan(run.reads.map(|reads| reads.median)))]);
            cells.extend([of(|run| or_nan(run.reads.map(|reads| reads.p99)))]);
        }
        let ratio = |value| text(self.ratio(row, value), |ratio| format!("{ratio:.2}"));
        cells.extend([
            text(row.median(cpu), time),
            text(row.median(memory), |mib| format!("{mib:.0} MiB")),
            text(requests, |requests| requests.to_string()),
            text(requests, |requests| {
                format!("${:.4}", requests.cost() * 1e3)
            }),
            ratio(wall as Value),
            ratio(cpu),
        ]);
        Some(cells)
    }
}

impl Row {
    fn median(&self, value: Value) -> Option<f64> {
        median(self.runs.iter().map(value), f64::total_cmp).filter(|median| median.is_finite())
    }
}

/// Formats a table in Markdown.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = vec!["", "wall time"];
        head.extend(self.bytes.map(|_| "rate"));
        if self.has_reads() {
            head.extend(["median read", "99th percentile"]);
        }
        head.extend(["CPU time", "peak memory", "requests", "cost of 1000 runs"]);
        head.extend(["wall, ours to theirs", "CPU, ours to theirs"]);
        writeln!(f, "| {} |", head.join(" | "))?;
        writeln!(f, "|{}", "---|".repeat(head.len()))?;
        for row in &self.rows {
            let failed = || {
                let reason = row.failure.as_deref().unwrap_or("no run");
                let mut cells = vec![row.name.to_owned(), format!("failed: {reason}")];
                cells.resize(head.len(), String::new());
                cells
            };
            let cells = match row.failure {
                None => self.cells(row).unwrap_or_else(failed),
                Some(_) => failed(),
            };
            writeln!(f, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

/// Accessor of a run's value; NaN if the run has none.
type Value = fn(&Measure) -> f64;

fn wall(run: &Measure) -> f64 {
    run.wall.as_secs_f64()
}

fn cpu(run: &Measure) -> f64 {
    run.usage.map_or(f64::NAN, |usage| usage.cpu.as_secs_f64())
}

#[allow(clippy::cast_precision_loss, reason = "numbers for reading")]
fn memory(run: &Measure) -> f64 {
    run.usage.map_or(f64::NAN, |usage| usage.peak_memory as f64) / f64::from(1 << 20)
}

fn or_nan(duration: Option<Duration>) -> f64 {
    duration.map_or(f64::NAN, |duration| duration.as_secs_f64())
}

fn time(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        0.01.. => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{:.1} ms", seconds * 1e3),
    }
}

fn text<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map(show).unwrap_or_default()
}

fn median<T>(values: impl Iterator<Item = T>, order: fn(&T, &T) -> Ordering) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable_by(order);
    let middle = values.len() / 2;
    values.into_iter().nth(middle)
}
