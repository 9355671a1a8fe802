//! The sandboxes of a call, and how far each has come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use s3fs_core::{Pending, Usage};
use tracing::Span;

use super::{Watch, bars, trace};
use crate::protocol::{Progress, Trace};
use crate::report::SandboxId;

/// The sandboxes of a call.
#[derive(Debug, Default)]
pub(super) struct Sandboxes {
    count: u64,
    live: BTreeMap<u64, Live>,
    /// What those that have ended asked of the buckets.
    ended: Usage,
    /// Of the last one that began.
    last: Option<SandboxId>,
    storing: Option<bars::Storing>,
}

#[derive(Debug, Default)]
struct Live {
    progress: Progress,
    recorded: Option<SandboxId>,
}

impl Sandboxes {
    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What all of them asked of the buckets until now.
    pub(super) fn usage(&self) -> Usage {
        let mut all = self.ended;
        for live in self.live.values() {
            all += live.progress.usage;
        }
        all
    }

    /// What is written and not stored yet.
    fn pending(&self) -> Pending {
        let mut all = Pending::default();
        for live in self.live.values() {
            all += live.progress.pending;
        }
        all
    }

    /// What the record calls a sandbox.
    pub(super) fn recorded(&self, number: Option<u64>) -> Option<SandboxId> {
        let live = number.and_then(|number| self.live.get(&number));
        live.map_or(self.last, |live| live.recorded)
    }

    /// Shows that the call waits for nothing but what is being stored, once that is so.
    fn show(&mut self) {
        let waits =
            !self.live.is_empty() && self.live.values().all(|live| live.progress.is_storing);
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

/// One sandbox, as long as it exists.
#[derive(Debug)]
pub(crate) struct Watched {
    watch: Arc<Watch>,
    number: u64,
    span: Span,
}

impl Watched {
    /// One that begins.
    pub(crate) fn new(watch: Arc<Watch>) -> Self {
        let recorded = watch
            .record()
            .map(|mut recorded| recorded.record.sandbox_began(Instant::now()));
        let number = {
            let mut sandboxes = watch.sandboxes();
            sandboxes.count += 1;
            sandboxes.last = recorded;
            let (number, progress) = (sandboxes.count, Progress::default());
            sandboxes.live.insert(number, Live { progress, recorded });
            number
        };
        watch.metrics.sandboxes(1.0);
        let span = tracing::info_span!(parent: &watch.span, "sandbox", number);
        Self {
            watch,
            number,
            span,
        }
    }

    /// Its number among those of the call, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// What the spans of its supervisor belong to.
    pub(crate) fn trace(&self) -> Trace {
        Trace {
            call: self.watch.id.clone(),
            sandbox: self.number,
            context: trace::context(&self.span),
        }
    }

    /// Its work was started.
    pub(crate) fn started(&self) {
        tracing::debug!(parent: &self.span, "started");
        if let Some(mut recorded) = self.watch.record()
            && let Some(id) = self.watch.sandboxes().recorded(Some(self.number))
        {
            recorded.record.sandbox_ready(id, Instant::now());
        }
    }

    /// It has come so far.
    pub(crate) fn progress(&self, progress: Progress) {
        let (usage, pending) = {
            let mut sandboxes = self.watch.sandboxes();
            if let Some(live) = sandboxes.live.get_mut(&self.number) {
                self.watch.metrics.progress(&live.progress, &progress);
                live.progress = progress;
            }
            sandboxes.show();
            (sandboxes.usage(), sandboxes.pending())
        };
        if let Some(mut recorded) = self.watch.record() {
            recorded.record.sample(Instant::now(), usage, pending);
        }
    }
}

/// It has ended.
impl Drop for Watched {
    fn drop(&mut self) {
        let live = {
            let mut sandboxes = self.watch.sandboxes();
            let live = sandboxes.live.remove(&self.number).unwrap_or_default();
            sandboxes.ended += live.progress.usage;
            sandboxes.show();
            live
        };
        let nothing_left = Progress {
            pending: Pending::default(),
            ..live.progress
        };
        self.watch.metrics.progress(&live.progress, &nothing_left);
        self.watch.metrics.sandboxes(-1.0);
        if let (Some(mut recorded), Some(id)) = (self.watch.record(), live.recorded) {
            recorded.record.sandbox_ended(id, Instant::now());
        }
    }
}
