//! What calls do while they do it: told by those who run them, for those who want to know.
//!
//! A `Watch` is of one call, however many sandboxes and inputs it has; a `Watched` is one of its sandboxes. What is
//! told goes to a line at the end (`summary`), to `bars` on a terminal, to `metrics` that anybody may read meanwhile,
//! and into records that are `kept` for a report.

mod bars;
mod kept;
mod metrics;
mod sandbox;
mod seeing;
mod summary;
mod trace;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::Span;

use crate::error::Error;
use crate::report::{Record, SandboxId, Tried};

pub(crate) use bars::{Inputs as InputsBar, are_shown, beside, say};
pub use kept::{want_history, write_history};
pub(crate) use sandbox::Watched;
pub use seeing::{Seeing, address};
pub(crate) use trace::{supervisor as supervisor_span, variables as trace_variables};

use metrics::Metrics;
use sandbox::Sandboxes;
use summary::Summary;
use trace::CallSpan;

/// What one call does.
#[derive(Debug)]
pub(crate) struct Watch {
    label: Arc<str>,
    id: String,
    /// Until it has ended.
    open: Mutex<Option<Open>>,
    span: Mutex<CallSpan>,
    metrics: Metrics,
    record: Option<Mutex<Record>>,
    sandboxes: Mutex<Sandboxes>,
}

/// What a call that has not ended will end with.
#[derive(Debug, Default)]
struct Open {
    summary: Option<Summary>,
    error: Option<String>,
}

/// One attempt that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempted<'a> {
    /// The index of its input, if there are several.
    pub(crate) input: Option<u64>,
    /// The number of the try, from 1.
    pub(crate) number: u32,
    /// Its sandbox, if it had one and there is a record.
    pub(crate) sandbox: Option<SandboxId>,
    pub(crate) began: Instant,
    /// Why it has no value.
    pub(crate) error: Option<&'a Error>,
    /// Whether there will be another one.
    pub(crate) is_retried: bool,
}

impl Watch {
    /// Of a call that begins.
    pub(crate) fn of(label: impl Into<Arc<str>>) -> Arc<Self> {
        let label = label.into();
        let id = new_id();
        let record = kept::are_wanted().then(|| Mutex::new(Record::new(&label, &id)));
        let open = Open {
            summary: Summary::of(&label),
            error: None,
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

    /// What is called: `module::name`, or the name of a command.
    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// What tells the call from the others of this machine.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What its events belong to; nothing when it has ended.
    pub(crate) fn span(&self) -> Span {
        locked(&self.span).span()
    }

    /// An attempt has ended.
    pub(crate) fn attempted(&self, attempted: Attempted<'_>) {
        let now = Instant::now();
        self.metrics.attempted(&attempted, now);
        let Some(record) = &self.record else {
            return;
        };
        let error = attempted.error.map(Error::in_one_line);
        locked(record).attempt(Tried {
            input: attempted.input,
            number: attempted.number,
            sandbox: attempted.sandbox,
            from: attempted.began,
            to: now,
            error,
            is_retried: attempted.is_retried,
        });
    }

    /// It has ended, with an error or without. What it took is told, though others may still have it.
    pub(crate) fn end(&self, error: Option<&Error>) {
        if let Some(open) = &mut *locked(&self.open) {
            open.error = error.map(Error::in_one_line);
        }
        self.finish();
    }

    fn finish(&self) {
        let Some(Open { summary, error }) = locked(&self.open).take() else {
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
            record.end(now, error);
            kept::keep(&record);
        }
    }
}

/// One that was given up ends then.
impl Drop for Watch {
    fn drop(&mut self) {
        self.finish();
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
