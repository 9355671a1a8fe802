//! Kubernetes, by its API. Without I/O, `manifest` and `container` make the requests; `states`,
//! `pods` and `indexes` read the answers. `client` sends requests, `failures` classifies their
//! errors, `printed` writes requests down instead.

mod client;
mod container;
mod failures;
mod frame;
mod indexes;
mod manifest;
mod names;
mod pods;
mod printed;
mod states;

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::error::ClusterError;
use super::names::BatchId;
use super::scheduler::{EndKind, Fate, JobId, Room, Scheduler, Seen, Submission};
use super::seal::SealKey;
use super::spool::Location;
use crate::declare::Kubernetes as Settings;

use client::Client;
use frame::{Frame, NAME};

pub(super) use frame::KEY_FILE;
pub(super) use printed::Printed;

/// Assumed number of places: not everybody may ask for the number of nodes that a cluster has, or would have.
const PLACES: usize = 64;

/// Maximum number of tasks of one Job.
const TASKS: usize = 1000;

/// Time for which failed requests to end Jobs are repeated, with pauses: nobody else would end them.
const TRYING: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);

/// Cluster with Kubernetes.
#[derive(Debug)]
pub(super) struct Kubernetes {
    frame: Frame,
    /// Client of the cluster, made on first use by the thread that needs it.
    client: Option<Client>,
}

impl Kubernetes {
    pub(super) fn new(settings: Settings, call: &str, key: SealKey, spool: &Location) -> Self {
        Self {
            frame: Frame::new(settings, call, key, spool),
            client: None,
        }
    }

    fn client(&mut self) -> Result<&Client, ClusterError> {
        if self.client.is_none() {
            self.client = Some(Client::connect(&self.frame.settings)?);
        }
        let absent = || ClusterError::Unusable("there is no client".to_owned());
        self.client.as_ref().ok_or_else(absent)
    }

    /// Applies an operation to all Jobs, also if the server is away for some seconds. Returns the
    /// first error, after all were tried.
    fn each(
        &mut self,
        jobs: &[JobId],
        act: impl Fn(&Client, &str) -> Result<(), ClusterError>,
    ) -> Result<(), ClusterError> {
        let client = self.client()?;
        let (mut ended, until) = (Ok(()), Instant::now() + TRYING);
        for job in jobs {
            let acted = loop {
                match act(client, job) {
                    Err(error) if error.may_pass() && Instant::now() < until => sleep(PAUSE),
                    acted => break acted,
                }
            };
            ended = ended.and(acted);
        }
        ended
    }
}

/// Checks settings.
pub(super) fn check(settings: &Settings) -> Result<(), ClusterError> {
    let wrong = |reason: &str| Err(ClusterError::Unusable(reason.to_owned()));
    if settings.image.is_empty() {
        return wrong(
            "there is no image for pods; set `image` in `[engine.kubernetes]` of stub.toml to one that has this program, or sh, sha256sum and curl",
        );
    }
    match &settings.fuse {
        Some(resource) if !resource.contains('/') => wrong(&format!(
            "`fuse` is `{resource}`; write `privileged`, or the resource of a device plugin, such as smarter-devices/fuse"
        )),
        _ => Ok(()),
    }
}

impl Scheduler for Kubernetes {
    fn room(&mut self) -> Result<Room, ClusterError> {
        Ok(Room {
            places: self.frame.settings.max_tasks.unwrap_or(PLACES).max(1),
            tasks: TASKS,
        })
    }

    fn submit(&mut self, submission: &Submission<'_>) -> Result<JobId, ClusterError> {
        let (name, job) = (names::job(submission.name), self.frame.job(submission));
        let job = self.client()?.make_job(&name, &job)?;
        let secret = self.frame.secret(&name, Some(&job));
        // Pods wait for it. The Job comes first, because it takes its Secret with it when it goes.
        if let Err(error) = self.client()?.make_secret(&name, &secret) {
            // Without it, its pods would wait for ever. One of which nobody knows is found again.
            if !matches!(error, ClusterError::Unreachable { .. }) {
                let _ = self.client()?.forget(&name);
            }
            return Err(error);
        }
        Ok(name)
    }

    fn find(&mut self, name: &str) -> Result<Option<JobId>, ClusterError> {
        let name = names::job(name);
        let Some(job) = self.client()?.job(&name)? else {
            return Ok(None);
        };
        // The process that created the Job may have ended before it created the Secret.
        let secret = self.frame.secret(&name, Some(&job));
        self.client()?.make_secret(&name, &secret)?;
        Ok(Some(name))
    }

    fn look(&mut self, jobs: &[(u32, JobId)]) -> Result<BTreeMap<BatchId, Seen>, ClusterError> {
        let client = self.client()?;
        let mut all = BTreeMap::new();
        for (submission, name) in jobs {
            let Some(job) = client.job(name)? else {
                continue;
            };
            let pods = client.pods(name)?;
            let seen = states::seen(&job, &pods, Timestamp::now());
            let seen = seen.map_err(|reason| ClusterError::Hopeless {
                scheduler: NAME,
                reason,
            })?;
            let submission = *submission;
            let seen = seen
                .into_iter()
                .map(|(task, seen)| (BatchId { submission, task }, seen));
            all.extend(seen);
        }
        Ok(all)
    }

    fn fate(&mut self, job: &JobId, _task: u32) -> Option<Fate> {
        // As long as a Job is there, it is known what became of its tasks.
        let words = format!("the Job `{job}` was deleted");
        Some(Fate::new(EndKind::Cancelled, words))
    }

    fn ask_to_end(&mut self, jobs: &[JobId]) -> Result<(), ClusterError> {
        self.each(jobs, Client::suspend)
    }

    fn kill(&mut self, jobs: &[JobId]) -> Result<(), ClusterError> {
        self.each(jobs, Client::kill)
    }

    fn forget(&mut self, jobs: &[JobId]) {
        if let Err(error) = self.each(jobs, Client::forget) {
            tracing::warn!(%error, "failed to delete the Jobs of a call");
        }
    }
}
