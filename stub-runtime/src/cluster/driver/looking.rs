//! Asking the scheduler about the state of tasks.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Driver;
use crate::cluster::error::ClusterError;
use crate::cluster::scheduler::{EndKind, Fate};

/// Time after the end of a task at which the scheduler's record of it is no longer waited for.
const LATE: Duration = Duration::from_secs(15);

impl Driver {
    /// Asks the scheduler, if that is due. Returns whether it was.
    pub(super) fn look(&mut self) -> Result<bool, ClusterError> {
        let now = Instant::now();
        if self.spool.is_none() || !self.pauses.is_scheduler_due(now) {
            return Ok(false);
        }
        if let Some(program) = self.unsynced.take() {
            program.sync();
        }
        let mut expected = self.state.expected();
        if let Some(pending) = &self.pending {
            expected.remove(&pending.number);
        }
        if expected.is_empty() {
            self.pauses.asked_scheduler(now);
            return Ok(false);
        }
        let jobs: Vec<_> = expected
            .iter()
            .filter_map(|number| Some((*number, self.jobs.get(number)?.clone())))
            .collect();
        let looked = if jobs.is_empty() {
            Ok(std::collections::BTreeMap::new())
        } else {
            self.cluster.scheduler.look(&jobs)
        };
        let now = Instant::now();
        let seen = match looked {
            Ok(seen) => seen,
            Err(error) => {
                self.pauses.asked_scheduler(now);
                return Err(error);
            }
        };
        // One that an earlier caller wrote, and never started, is in none.
        let known: BTreeSet<u32> = expected;
        self.state.looked(now, &known, &seen);
        self.find_fates();
        if self.state.has_gone() {
            self.collect_soon();
        }
        self.pauses.asked_scheduler(now);
        if !self.state.without_fate().is_empty() {
            self.pauses.expect_news(now);
        }
        let (waiting, running) = self.state.active();
        tracing::debug!(waiting, running, "tasks");
        Ok(true)
    }

    fn find_fates(&mut self) {
        for (id, since) in self.state.without_fate() {
            let known = match self.jobs.get(&id.submission) {
                Some(job) => self.cluster.scheduler.fate(job, id.task),
                None => Some(Fate::new(EndKind::Unknown, "it was never started")),
            };
            let unknown = || {
                let words = "the scheduler doesn't know what became of it";
                (since.elapsed() >= LATE).then(|| Fate::new(EndKind::Unknown, words))
            };
            let Some(mut fate) = known.or_else(unknown) else {
                continue;
            };
            if matches!(fate.how, EndKind::Died | EndKind::Unfit)
                && let Some(job) = self.jobs.get(&id.submission)
                && let Some(log) = self.log_of(job, id.task)
            {
                fate.words = format!("{}: {log}", fate.words);
            }
            tracing::info!(task = %id, how = ?fate.how, words = fate.words, "task ended without a result");
            self.state.fate(id, fate);
        }
    }
}
