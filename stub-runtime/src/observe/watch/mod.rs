//! Telemetry of calls: reported by those who run them, for those who want to know.
//!
//! A `Watch` is of one call, however many sandboxes and inputs it has; a `Watched` is one of its
//! sandboxes. Events go to a line at the end (`summary`), to `bars` on a terminal, to `metrics`
//! that can be read meanwhile, and into records that are `kept` for a report.

#[cfg(feature = "progress")]
mod bars;
#[cfg(not(feature = "progress"))]
#[path = "no_bars.rs"]
mod bars;
mod kept;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
mod metrics;
mod sandbox;
mod say;
mod seeing;
mod summary;
mod trace;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use s3fs_core::Usage;
use tracing::Span;

use crate::call::{Attempt, Error, ErrorKind};
use crate::observe::report::{Record, SandboxId, Tried};

pub use bars::WarmingBar;
pub(crate) use bars::{InputsBar, above, are_shown, have_colours};
pub use kept::{want_history, write_history};
pub(crate) use sandbox::Watched;
pub use say::say;
pub use seeing::{Seeing, address};
pub(crate) use trace::{supervisor as supervisor_span, variables as trace_variables};

use metrics::Metrics;
use sandbox::Sandboxes;
use summary::Summary;
use trace::CallSpan;

/// Telemetry of one call.
#[derive(Debug)]
pub(crate) struct Watch {
    label: Arc<str>,
    id: String,
    /// State of the call until it has ended.
    open: Mutex<Option<Open>>,
    span: Mutex<CallSpan>,
    metrics: Metrics,
    record: Option<Mutex<Record>>,
    sandboxes: Mutex<Sandboxes>,
}

/// A call that has not ended.
#[derive(Debug)]
struct Open {
    /// Line at the end, if it is asked for.
    summary: Option<Summary>,
}

/// Attempt that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempted<'a> {
    /// The index of its input, if there are several.
    pub(crate) input: Option<u64>,
    /// The number of the try, from 1.
    pub(crate) number: u32,
    /// Its sandbox, if it had one and there is a record.
    pub(crate) sandbox: Option<SandboxId>,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// Error of the attempt, if it has no value.
    pub(crate) error: Option<&'a Error>,
    /// True if the input is tried again.
    pub(crate) is_retried: bool,
    /// True if the attempt was ended at once, as it was no longer wanted.
    pub(crate) is_abandoned: bool,
}

impl<'a> Attempted<'a> {
    /// Creates the record of an attempt that was never made, for this reason.
    pub(crate) fn not_run(input: Option<u64>, number: u32, error: &'a Error) -> Self {
        let now = Instant::now();
        Self {
            input,
            number,
            sandbox: None,
            began: now,
            ended: now,
            error: Some(error),
            is_retried: false,
            is_abandoned: false,
        }
    }

    /// Returns whether the attempt was no longer wanted.
    fn is_cancelled(&self) -> bool {
        let is_lost = matches!(
            self.error,
            Some(Error {
                kind: ErrorKind::Lost { .. },
                ..
            })
        );
        matches!(
            self.error,
            Some(Error {
                kind: ErrorKind::Cancelled,
                ..
            })
        ) || (self.is_abandoned && is_lost)
    }
}

impl Watch {
    /// Creates the telemetry of a call that begins.
    pub(crate) fn of(label: impl Into<Arc<str>>) -> Arc<Self> {
        let label = label.into();
        let id = new_id();
        let record = kept::are_wanted().then(|| Mutex::new(Record::new(&label, &id)));
        let open = Open {
            summary: Summary::of(&label),
        };
        Arc::new(Self {
            open: Mutex::new(Some(open)),
            span: Mutex::new(CallSpan::new(&label, &id)),
            metrics: Metrics::of(&label),
            record,
            sandboxes: Mutex::default(),
            label,
            id,
        })
    }

    /// Returns the label of the call: `module::name`, or the name of a command.
    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Returns the id of the call: unique on this machine.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the number of requests and bytes of the buckets until now.
    pub(crate) fn usage(&self) -> Usage {
        locked(&self.sandboxes).usage()
    }

    /// Returns the span of the call's events; a disabled span after the call has ended.
    pub(crate) fn span(&self) -> Span {
        locked(&self.span).span()
    }

    /// Records an attempt that has ended.
    pub(crate) fn attempted(&self, attempted: Attempted<'_>) {
        self.metrics.attempted(&attempted);
        let Some(record) = &self.record else {
            return;
        };
        let error = attempted.error.map(|error| format!("{error:#}"));
        locked(record).attempt(Tried {
            input: attempted.input,
            number: attempted.number,
            sandbox: attempted.sandbox,
            from: attempted.began,
            to: attempted.ended,
            error,
            is_retried: attempted.is_retried,
            is_cancelled: attempted.is_cancelled(),
        });
    }

    /// Records a call that can't begin.
    pub(crate) fn refused(&self, error: &Error) {
        self.attempted(Attempted::not_run(None, 1, error));
        self.end(Some(error));
    }

    /// Records the end of the call, with an error or without. Reports its usage, though other
    /// handles may still exist.
    pub(crate) fn end(&self, error: Option<&Error>) {
        let Some(Open { summary }) = locked(&self.open).take() else {
            return;
        };
        locked(&self.span).close();
        let (count, usage) = {
            let sandboxes = locked(&self.sandboxes);
            (sandboxes.count(), sandboxes.usage())
        };
        if let Some(summary) = summary {
            summary.say(count, usage);
        }
        if let Some(record) = &self.record {
            let mut record = locked(record);
            let now = Instant::now();
            if count > 0 {
                record.sample(now, usage, locked(&self.sandboxes).pending());
            }
            record.end(now, error.map(|error| format!("{error:#}")));
            kept::keep(&record);
        }
    }
}

/// Records as a failure that a command of this name can't be run, for this reason.
pub fn not_run(name: &str, reason: &str) {
    let attempt = Attempt::first(name);
    let reason = reason.to_owned();
    Watch::of(name).refused(&Error::new(attempt, ErrorKind::Options { reason }));
}

/// Creates the metrics of these names before their first run.
pub fn announce<'a>(names: impl Iterator<Item = &'a str>) {
    for name in names {
        let _ = Metrics::of(&name.into());
    }
}

/// Records the end of a call that was dropped.
impl Drop for Watch {
    fn drop(&mut self) {
        self.end(None);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn new_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    format!("{}-{number}", std::process::id())
}
