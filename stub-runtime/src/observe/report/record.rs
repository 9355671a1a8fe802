//! Record of a call over time, in bounded memory for any number of inputs and any duration.

use std::time::Instant;

use s3fs_core::{Pending, Usage};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::attempts::{AttemptRecord, Attempts, ERROR};
use super::bins::Bins;
use super::cut::cut;
use super::samples::{Sample, Samples};
use super::sandboxes::{SandboxId, Sandboxes};
use super::tally::{Ending, Tally};

/// Format version of records. It changes when an older reader would misunderstand one.
const VERSION: u32 = 1;

/// Record of a call until now, or until its end. All times but the first are seconds since the beginning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    version: u32,
    name: String,
    id: String,
    #[serde(with = "time::serde::rfc3339")]
    begun: OffsetDateTime,
    /// Beginning of the call; without meaning in a record that was read.
    #[serde(skip, default = "Instant::now")]
    beginning: Instant,
    /// End of the call; none while it runs, or if its process was killed.
    ended: Option<f64>,
    /// Latest time of any event.
    latest: f64,
    error: Option<String>,
    totals: Tally,
    attempts: Attempts,
    sandboxes: Sandboxes,
    throughput: Bins,
    samples: Samples,
}

/// Attempt that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    /// Index of the input, from 0, if the call has several.
    pub(crate) input: Option<u64>,
    /// Number of the attempt, from 1.
    pub(crate) number: u32,
    /// Sandbox in which it ran, if it had one.
    pub(crate) sandbox: Option<SandboxId>,
    /// Start time.
    pub(crate) from: Instant,
    /// End time.
    pub(crate) to: Instant,
    /// Error, if it failed.
    pub(crate) error: Option<String>,
    /// True if its input is tried again, if it failed.
    pub(crate) is_retried: bool,
    /// True if it failed because it was no longer wanted.
    pub(crate) is_cancelled: bool,
}

/// Reason for which a file is no valid record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// A newer version of this program has written it.
    #[error("it has version {0} of the format, and this program knows {VERSION}")]
    Newer(u32),
    /// The file is no record, or is damaged.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Record {
    /// Creates the record of a call that begins now.
    pub(crate) fn new(name: &str, id: &str) -> Self {
        Self::begun_at(name, id, OffsetDateTime::now_utc(), Instant::now())
    }

    fn begun_at(name: &str, id: &str, begun: OffsetDateTime, beginning: Instant) -> Self {
        Self {
            version: VERSION,
            name: name.to_owned(),
            id: id.to_owned(),
            begun: in_milliseconds(begun),
            beginning,
            ended: None,
            latest: 0.0,
            error: None,
            totals: Tally::default(),
            attempts: Attempts::default(),
            sandboxes: Sandboxes::default(),
            throughput: Bins::default(),
            samples: Samples::default(),
        }
    }

    /// Parses a record that [`serde_json`] has written.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }

        let Versioned { version } = serde_json::from_slice(json)?;
        if version > VERSION {
            return Err(ReadError::Newer(version));
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// Returns the name of the call.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the start time.
    pub(crate) fn begun(&self) -> OffsetDateTime {
        self.begun
    }

    /// Returns the total of requests and bytes of the buckets, if it was measured.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.samples.usage()
    }

    /// Returns the number of attempts that are recorded one by one.
    pub(crate) fn kept_attempts(&self) -> usize {
        self.attempts.len()
    }

    /// Records the start of a sandbox.
    pub(crate) fn sandbox_began(&mut self, at: Instant) -> SandboxId {
        let at = self.note(at);
        self.sandboxes.began(at)
    }

    /// Records that a sandbox has its mounts, and that its work begins.
    pub(crate) fn sandbox_ready(&mut self, id: SandboxId, at: Instant) {
        let at = self.note(at);
        self.sandboxes.ready(id, at);
    }

    /// Records the end of a sandbox.
    pub(crate) fn sandbox_ended(&mut self, id: SandboxId, at: Instant) {
        let at = self.note(at);
        self.sandboxes.ended(id, at);
    }

    /// Records an attempt that has ended.
    pub(crate) fn attempt(&mut self, tried: Tried) {
        let from = self.note(tried.from);
        let to = self.note(tried.to);
        let ending = match &tried.error {
            None => Ending::Done,
            Some(_) if tried.is_cancelled => Ending::Cancelled,
            Some(_) if tried.is_retried => Ending::Retried,
            Some(_) => Ending::Failed,
        };
        self.totals.count(ending);
        self.throughput.count(to, ending);
        self.attempts.add(AttemptRecord {
            input: tried.input,
            number: tried.number,
            sandbox: tried.sandbox,
            from,
            to,
            ending,
            error: tried.error,
        });
    }

    /// Records the requests and bytes of the whole call until now, and the data that is not stored yet.
    pub(crate) fn sample(&mut self, at: Instant, usage: Usage, pending: Pending) {
        let at = self.note(at);
        self.samples.add(Sample { at, usage, pending });
    }

    /// Records the end of the call.
    pub(crate) fn end(&mut self, at: Instant, error: Option<String>) {
        self.ended = Some(self.note(at));
        self.error = error.map(|error| cut(&error, ERROR));
    }

    /// Converts a time to seconds since the beginning, rounded to microseconds: more digits would
    /// only make the file longer.
    fn note(&mut self, at: Instant) -> f64 {
        let since = at.saturating_duration_since(self.beginning).as_secs_f64();
        let seconds = (since * 1e6).round() / 1e6;
        self.latest = self.latest.max(seconds);
        seconds
    }
}

/// Rounds to milliseconds.
fn in_milliseconds(time: OffsetDateTime) -> OffsetDateTime {
    let up = time.saturating_add(time::Duration::microseconds(500));
    up.replace_millisecond(up.millisecond()).unwrap_or(time)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use time::format_description::well_known::Rfc3339;

    use super::*;

    /// Creates a record that began at a given time.
    pub(crate) fn begun(name: &str, time: &str) -> (Record, Instant) {
        let beginning = Instant::now();
        let time = OffsetDateTime::parse(time, &Rfc3339).unwrap();
        let record = Record::begun_at(name, "id", time, beginning);
        (record, beginning)
    }

    /// Makes an attempt of an input, with times in seconds.
    pub(crate) fn tried(input: u64, beginning: Instant, from: f64, to: f64) -> Tried {
        Tried {
            input: Some(input),
            number: 1,
            sandbox: None,
            from: beginning + Duration::from_secs_f64(from),
            to: beginning + Duration::from_secs_f64(to),
            error: None,
            is_retried: false,
            is_cancelled: false,
        }
    }

    #[test]
    fn a_call_is_told_in_seconds_since_its_beginning() {
        let (mut record, beginning) = begun("f", "2025-01-02T03:04:05.6789Z");
        let after = |seconds| beginning + Duration::from_secs_f64(seconds);
        let sandbox = record.sandbox_began(after(0.25));
        record.sandbox_ready(sandbox, after(0.5));
        record.attempt(Tried {
            sandbox: Some(sandbox),
            error: Some("no".to_owned()),
            is_retried: true,
            ..tried(7, beginning, 0.5, 0.75)
        });
        record.attempt(Tried {
            sandbox: Some(sandbox),
            number: 2,
            ..tried(7, beginning, 0.75, 1.5)
        });
        let usage = Usage {
            gets: 3,
            ..Usage::default()
        };
        record.sample(after(1.75), usage, Pending { files: 1, bytes: 9 });
        record.sandbox_ended(sandbox, after(2.0));
        record.end(after(2.5), None);

        let value = serde_json::to_value(&record).unwrap();
        assert_eq!(value["begun"], "2025-01-02T03:04:05.679Z");
        assert_eq!(value["ended"], 2.5);
        assert_eq!(
            value["totals"],
            json!({"done": 1, "retried": 1, "failed": 0, "cancelled": 0})
        );
        let life = json!({"began": 0.25, "ready": 0.5, "ended": 2.0});
        assert_eq!(value["sandboxes"]["kept"], json!([life]));
        let first = json!({
            "input": 7, "number": 1, "sandbox": 0, "from": 0.5, "to": 0.75, "ending": "retried", "error": "no",
        });
        assert_eq!(value["attempts"]["kept"][0], first);
        assert_eq!(value["attempts"]["kept"][1]["ending"], "done");
        assert_eq!(value["samples"]["last"]["at"], 1.75);
        assert_eq!(
            value["samples"]["last"]["pending"],
            json!({"files": 1, "bytes": 9})
        );
        assert_eq!(record.usage(), Some(usage));
    }

    #[test]
    fn what_was_written_is_read() {
        let (mut record, beginning) = begun("f", "2025-01-02T03:04:05Z");
        record.attempt(tried(0, beginning, 0.5, 1.5));
        record.sandbox_began(beginning);
        record.sample(beginning, Usage::default(), Pending::default());
        record.end(beginning, Some("no".to_owned()));
        let written = serde_json::to_vec(&record).unwrap();
        let read = Record::from_json(&written).unwrap();
        assert_eq!(serde_json::to_vec(&read).unwrap(), written);
    }

    #[test]
    fn a_newer_form_is_not_guessed_at() {
        let newer = Record::from_json(br#"{"version": 2, "else": true}"#).unwrap_err();
        assert!(matches!(newer, ReadError::Newer(2)), "{newer}");
        let damaged = Record::from_json(br#"{"version": 1"#).unwrap_err();
        assert!(matches!(damaged, ReadError::Json(_)), "{damaged}");
    }

    #[test]
    fn a_million_attempts_stay_bounded() {
        let (mut record, beginning) = begun("f", "2025-01-02T03:04:05Z");
        for input in 0..1_000_000_u32 {
            let from = f64::from(input) / 100.0;
            let is_error = input % 3 == 0;
            record.attempt(Tried {
                error: is_error.then(|| "€".repeat(2500)),
                is_retried: input % 2 == 0,
                ..tried(input.into(), beginning, from, from + 0.01)
            });
            let sandbox = record.sandbox_began(beginning);
            record.sandbox_ended(sandbox, beginning);
            record.sample(beginning, Usage::default(), Pending::default());
        }
        let Tally {
            done,
            retried,
            failed,
            cancelled,
        } = record.totals;
        assert_eq!(
            (done, retried, failed, cancelled),
            (666_666, 166_667, 166_667, 0)
        );
        let length = serde_json::to_vec(&record).unwrap().len();
        assert!(length < 16 << 20, "{length} bytes");
    }

    #[test]
    fn nothing_is_before_the_beginning_and_the_error_of_the_call_is_cut() {
        let earlier = Instant::now();
        let mut record = Record::new("f", "id");
        record.attempt(tried(0, earlier, 0.0, 0.0));
        record.end(earlier, Some("e".repeat(3000)));
        let value: Value = serde_json::to_value(&record).unwrap();
        assert_eq!(
            (&value["ended"], &value["latest"]),
            (&json!(0.0), &json!(0.0))
        );
        assert_eq!(record.error.unwrap().chars().count(), 2000);
    }
}
