//! Number of requests to a server, by kinds as on a bill, and the bytes of ranged GETs.

use std::fmt;
use std::io;
use std::str::FromStr;

use s3_local::{Operation, RequestLog};

/// Names of the kinds, as on a bill.
const KINDS: [&str; 5] = ["LIST", "GET", "HEAD", "PUT", "other"];

/// List price of one request of each kind, in US dollars, in the first region.
#[allow(dead_code, reason = "each benchmark uses its part")]
const PRICES: [f64; 5] = [5e-6, 0.4e-6, 0.4e-6, 5e-6, 0.0];

/// Number of requests of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requests {
    counts: [u64; KINDS.len()],
    /// Number of bytes that ranged GETs asked for, as far as the log reaches back.
    ranged: u64,
}

impl Requests {
    /// Returns the requests of a server's log.
    pub fn of(log: &RequestLog) -> Self {
        let mut counts = [0; KINDS.len()];
        for &operation in Operation::ALL {
            counts[kind(operation)] += log.count(operation);
        }
        let requests = log.requests();
        let ranged = requests
            .iter()
            .filter_map(|request| length(request.range.as_deref()?));
        Self {
            counts,
            ranged: ranged.sum(),
        }
    }

    /// Returns the total number of requests.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the price of the requests, in US dollars.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    #[allow(clippy::cast_precision_loss, reason = "numbers for reading")]
    pub fn cost(&self) -> f64 {
        let priced = self.counts.iter().zip(PRICES);
        priced.map(|(&count, price)| count as f64 * price).sum()
    }

    /// Formats the counts as words of a reply.
    pub fn to_words(self) -> String {
        format!(
            "{} {}",
            self.counts.map(|count| count.to_string()).join(" "),
            self.ranged
        )
    }
}

impl FromStr for Requests {
    type Err = io::Error;

    /// Parses the words of a reply.
    fn from_str(words: &str) -> io::Result<Self> {
        let counts: Result<Vec<u64>, _> = words.split(' ').map(str::parse).collect();
        let mut counts = counts.map_err(io::Error::other)?;
        let ranged = counts.pop().unwrap_or_default();
        let counts = counts.try_into();
        let counts = counts.map_err(|_| io::Error::other("another number of kinds"))?;
        Ok(Self { counts, ranged })
    }
}

/// Lists the kinds with at least one request, and the size of ranges.
impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.counts.iter().zip(KINDS);
        let words: Vec<String> = counted
            .filter(|&(&count, _)| count > 0)
            .map(|(count, kind)| match (kind, self.ranged >> 20) {
                ("GET", mib @ 1..) => format!("{count} GET of {mib} MiB"),
                _ => format!("{count} {kind}"),
            })
            .collect();
        f.write_str(if words.is_empty() { "none" } else { "" })?;
        f.write_str(&words.join(", "))
    }
}

/// Returns the number of bytes of a closed range, such as `bytes=0-99`.
fn length(range: &str) -> Option<u64> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some(last.parse::<u64>().ok()? + 1 - first.parse::<u64>().ok()?)
}

/// Returns the index of an operation's kind. Deleting and aborting are free.
fn kind(operation: Operation) -> usize {
    match operation {
        Operation::ListBuckets
        | Operation::ListObjects
        | Operation::ListObjectsV2
        | Operation::ListParts
        | Operation::ListMultipartUploads => 0,
        Operation::GetObject | Operation::GetBucketLocation => 1,
        Operation::HeadObject | Operation::HeadBucket => 2,
        Operation::PutObject
        | Operation::CopyObject
        | Operation::CreateMultipartUpload
        | Operation::UploadPart
        | Operation::UploadPartCopy
        | Operation::CompleteMultipartUpload => 3,
        _ => 4,
    }
}
