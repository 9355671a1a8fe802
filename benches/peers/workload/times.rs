//! Times of a workload, as its process tells them to the one that measures.

use std::time::Duration;

/// Times of a run.
pub struct Times {
    pub begin: Duration,
    pub end: Duration,
    /// Durations of single reads, where they are measured.
    pub reads: Option<Reads>,
}

/// Durations of single reads.
#[derive(Clone, Copy)]
pub struct Reads {
    pub median: Duration,
    /// Duration that one read in a hundred exceeds.
    pub p99: Duration,
}

impl Reads {
    /// Returns the quantiles of these durations; `None` without any.
    pub fn of(mut durations: Vec<Duration>) -> Option<Self> {
        durations.sort_unstable();
        let at = |hundredths: usize| durations.get(durations.len() * hundredths / 100);
        Some(Self {
            median: *at(50)?,
            p99: *at(99)?,
        })
    }
}

impl Times {
    /// Writes the times in nanoseconds.
    pub fn to_words(&self) -> String {
        let mut times = vec![self.begin, self.end];
        times.extend(
            self.reads
                .iter()
                .flat_map(|reads| [reads.median, reads.p99]),
        );
        let words: Vec<String> = times
            .iter()
            .map(|time| time.as_nanos().to_string())
            .collect();
        words.join(" ")
    }

    /// Reads times that [`to_words`](Self::to_words) wrote.
    pub fn from_words(words: &str) -> Option<Self> {
        let times: Result<Vec<u64>, _> = words.split_whitespace().map(str::parse).collect();
        let times: Vec<Duration> = times.ok()?.into_iter().map(Duration::from_nanos).collect();
        let (begin, end, reads) = match times[..] {
            [begin, end] => (begin, end, None),
            [begin, end, median, p99] => (begin, end, Some(Reads { median, p99 })),
            _ => return None,
        };
        Some(Self { begin, end, reads })
    }
}
