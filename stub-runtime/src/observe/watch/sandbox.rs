//! Sandboxes of a call, and the progress of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use s3fs_core::{Pending, Usage};
use tracing::Span;

use super::{Watch, bars, locked};
use crate::observe::report::SandboxId;
use crate::protocol::{Progress, Trace};

/// The sandboxes of a call.
#[derive(Debug, Default)]
pub(super) struct Sandboxes {
    count: u64,
    live: BTreeMap<u64, Progress>,
    /// Requests and bytes of the sandboxes that have ended.
    ended: Usage,
    storing: Option<bars::Storing>,
}

impl Sandboxes {
    /// Returns the number of sandboxes started.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the requests and bytes of all sandboxes until now.
    pub(super) fn usage(&self) -> Usage {
        let mut all = self.ended;
        for progress in self.live.values() {
            all += progress.usage;
        }
        all
    }

    /// Returns the files and bytes that are written and not stored yet.
    pub(super) fn pending(&self) -> Pending {
        let mut all = Pending::default();
        for progress in self.live.values() {
            all += progress.pending;
        }
        all
    }

    /// Shows the bar as soon as the call waits only for its files to be stored.
    fn show(&mut self) {
        let waits = !self.live.is_empty() && self.live.values().all(|progress| progress.is_storing);
        if !waits {
            self.storing = None;
            return;
        }
        let pending = self.pending();
        if self.storing.is_none() && pending.files > 0 {
            self.storing = bars::Storing::new();
        }
        if let Some(storing) = &mut self.storing {
            storing.set(pending);
        }
    }
}

/// Telemetry of one sandbox, as long as it exists.
#[derive(Debug)]
pub(crate) struct Watched {
    watch: Arc<Watch>,
    number: u64,
    /// Id of the sandbox in the record.
    recorded: Option<SandboxId>,
    span: Span,
}

impl Watched {
    /// Records a sandbox that begins.
    pub(crate) fn new(watch: Arc<Watch>) -> Self {
        let record = watch.record.as_ref();
        let recorded = record.map(|record| locked(record).sandbox_began(Instant::now()));
        let number = {
            let mut sandboxes = locked(&watch.sandboxes);
            sandboxes.count += 1;
            let number = sandboxes.count;
            sandboxes.live.insert(number, Progress::default());
            number
        };
        watch.metrics.sandboxes(1.0);
        let span = tracing::info_span!(parent: &watch.span(), "sandbox", number);
        Self {
            watch,
            number,
            recorded,
            span,
        }
    }

    /// Returns the sandbox's id in the record, if there is a record.
    pub(crate) fn recorded(&self) -> Option<SandboxId> {
        self.recorded
    }

    /// Returns the parent for the spans of its supervisor.
    pub(crate) fn trace(&self) -> Trace {
        Trace {
            call: self.watch.id.clone(),
            sandbox: self.number,
            context: locked(&self.watch.span).context(&self.span),
        }
    }

    /// Records that the work was started.
    pub(crate) fn started(&self) {
        tracing::debug!(parent: &self.span, "started");
        if let (Some(record), Some(id)) = (&self.watch.record, self.recorded) {
            locked(record).sandbox_ready(id, Instant::now());
        }
    }

    /// Records the progress of the sandbox.
    pub(crate) fn progress(&self, progress: Progress) {
        // Held from before the sum is made, so that sums are recorded in their order.
        let record = self.watch.record.as_ref().map(locked);
        let (usage, pending) = {
            let mut sandboxes = locked(&self.watch.sandboxes);
            if let Some(before) = sandboxes.live.insert(self.number, progress) {
                self.watch.metrics.progress(&before, &progress);
            }
            sandboxes.show();
            (sandboxes.usage(), sandboxes.pending())
        };
        if let Some(mut record) = record {
            record.sample(Instant::now(), usage, pending);
        }
    }
}

/// Records the end of the sandbox.
impl Drop for Watched {
    fn drop(&mut self) {
        let last = {
            let mut sandboxes = locked(&self.watch.sandboxes);
            let last = sandboxes.live.remove(&self.number).unwrap_or_default();
            sandboxes.ended += last.usage;
            sandboxes.show();
            last
        };
        let nothing_left = Progress {
            pending: Pending::default(),
            ..last
        };
        self.watch.metrics.progress(&last, &nothing_left);
        self.watch.metrics.sandboxes(-1.0);
        if let (Some(record), Some(id)) = (&self.watch.record, self.recorded) {
            locked(record).sandbox_ended(id, Instant::now());
        }
    }
}
