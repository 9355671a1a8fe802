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
use crate::report::{Record, Tried};

pub(crate) use bars::{Inputs as InputsBar, are_shown, beside};
pub use kept::{want_history, write_history};
pub(crate) use sandbox::Watched;
pub use seeing::Seeing;
pub(crate) use trace::supervisor as supervisor_span;

use metrics::Metrics;
use sandbox::Sandboxes;
use summary::Summary;

/// What one call does.
#[derive(Debug)]
pub(crate) struct Watch {
    label: Arc<str>,
    id: String,
    span: Span,
    metrics: Metrics,
    summary: Option<Summary>,
    record: Option<Mutex<Recorded>>,
    sandboxes: Mutex<Sandboxes>,
}

/// A record, and what the call will have ended with.
#[derive(Debug)]
struct Recorded {
    record: Record,
    error: Option<String>,
}

/// One attempt that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempted<'a> {
    /// The index of its input, if there are several.
    pub(crate) input: Option<u64>,
    /// The number of the try, from 1.
    pub(crate) number: u32,
    /// The number of its sandbox; that of the last one that began, if it had none.
    pub(crate) sandbox: Option<u64>,
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
        let record = kept::are_wanted().then(|| {
            let record = Record::new(&label, &id);
            Mutex::new(Recorded {
                record,
                error: None,
            })
        });
        Arc::new(Self {
            span: tracing::info_span!("call", function = %label, id),
            metrics: Metrics::of(&label),
            summary: Summary::of(&label),
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

    /// What its events belong to.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// An attempt has ended.
    pub(crate) fn attempted(&self, attempted: Attempted<'_>) {
        let now = Instant::now();
        self.metrics.attempted(&attempted, now);
        let Some(mut recorded) = self.record() else {
            return;
        };
        let error = attempted.error.map(Error::in_one_line);
        if attempted.input.is_none() && !attempted.is_retried {
            recorded.error.clone_from(&error);
        }
        let sandbox = self.sandboxes().recorded(attempted.sandbox);
        recorded.record.attempt(Tried {
            input: attempted.input,
            number: attempted.number,
            sandbox,
            from: attempted.began,
            to: now,
            error,
            is_retried: attempted.is_retried,
        });
    }

    fn record(&self) -> Option<MutexGuard<'_, Recorded>> {
        let record = self.record.as_ref()?;
        Some(record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn sandboxes(&self) -> MutexGuard<'_, Sandboxes> {
        self.sandboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call is over, with all its sandboxes.
impl Drop for Watch {
    fn drop(&mut self) {
        let sandboxes = self
            .sandboxes
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(summary) = &self.summary {
            summary.say(sandboxes.count(), sandboxes.usage());
        }
        if let Some(record) = self.record.take() {
            let recorded = record.into_inner().unwrap_or_else(PoisonError::into_inner);
            let Recorded { mut record, error } = recorded;
            record.end(Instant::now(), error);
            kept::keep(record);
        }
    }
}

fn new_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    format!("{}-{number}", std::process::id())
}
