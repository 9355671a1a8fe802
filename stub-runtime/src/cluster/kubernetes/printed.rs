//! A submission that is written down instead of being sent: somebody else sends it.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;

use serde_json::json;

use super::frame::{Frame, NAME};
use super::names;
use crate::cluster::error::ClusterError;
use crate::cluster::names::BatchId;
use crate::cluster::scheduler::{Fate, JobId, Room, Scheduler, Seen, Submission};
use crate::cluster::seal::SealKey;
use crate::cluster::spool::Location;
use crate::declare::Kubernetes as Settings;

/// Scheduler that prints one submission, of one task, and knows nothing of its later state.
#[derive(Debug)]
pub(in crate::cluster) struct Printed {
    frame: Frame,
    printed: Sender<String>,
}

impl Printed {
    /// `printed` gets the text.
    pub(in crate::cluster) fn new(
        settings: Settings,
        call: &str,
        key: SealKey,
        spool: &Location,
        printed: Sender<String>,
    ) -> Self {
        Self {
            frame: Frame::new(settings, call, key, spool),
            printed,
        }
    }
}

impl Scheduler for Printed {
    fn room(&mut self) -> Result<Room, ClusterError> {
        Ok(Room {
            places: 1,
            tasks: 1,
        })
    }

    fn submit(&mut self, submission: &Submission<'_>) -> Result<JobId, ClusterError> {
        let name = names::job(submission.name);
        // In this order, in which `kubectl` makes them: the pod finds its key.
        let (secret, job) = (self.frame.secret(&name, None), self.frame.job(submission));
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [secret, job] });
        let text = serde_json::to_string_pretty(&list);
        let text = text.map_err(|error| ClusterError::Refused {
            scheduler: NAME,
            reason: format!("write the Job `{name}` down: {error}"),
        })?;
        // The receiver waits for the text, so sending does not fail.
        let _ = self.printed.send(text);
        Ok(name)
    }

    fn find(&mut self, _name: &str) -> Result<Option<JobId>, ClusterError> {
        Ok(None)
    }

    fn look(&mut self, jobs: &[(u32, JobId)]) -> Result<BTreeMap<BatchId, Seen>, ClusterError> {
        let one = |submission: u32| BatchId {
            submission,
            task: 0,
        };
        let waiting = jobs
            .iter()
            .map(|(submission, _)| (one(*submission), Seen::Waiting));
        Ok(waiting.collect())
    }

    fn fate(&mut self, _job: &JobId, _task: u32) -> Option<Fate> {
        None
    }

    fn ask_to_end(&mut self, _jobs: &[JobId]) -> Result<(), ClusterError> {
        Ok(())
    }

    fn kill(&mut self, _jobs: &[JobId]) -> Result<(), ClusterError> {
        Ok(())
    }
}
