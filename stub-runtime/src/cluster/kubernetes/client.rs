//! Client of the API server: one request after another.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::KubeConfigOptions;
use kube::{Api, Config};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::failures::{self, classify};
use super::frame::NAME;
use crate::cluster::error::ClusterError;
use crate::declare::Kubernetes as Settings;

/// Timeout of a request, which may then be answered another time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Maximum number of pods in one answer.
const PAGE: u32 = 500;

/// Grace period of `kubectl delete --now`, in seconds. With none at all, a pod would be forgotten
/// before it has ended.
const NOW: u32 = 1;

/// Label of the pods of a Job.
const OF_JOB: &str = "batch.kubernetes.io/job-name";

/// API of a cluster, in one namespace.
#[derive(Debug)]
pub(super) struct Client {
    runtime: Runtime,
    jobs: Api<Job>,
    pods: Api<Pod>,
    secrets: Api<Secret>,
    /// True if the server has ever accepted these credentials, so that it may do so again.
    was_admitted: Cell<bool>,
}

impl Client {
    /// Finds the cluster, without a request to it.
    pub(super) fn connect(settings: &Settings) -> Result<Self, ClusterError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("stub-kubernetes")
            .enable_all()
            .build()
            .map_err(|error| ClusterError::Unusable(format!("can't start a thread: {error}")))?;
        let (client, namespace) = runtime.block_on(async {
            let mut config = config(settings).await?;
            // Callers retry themselves, and can be cancelled meanwhile.
            config.default_retry = false;
            let namespace = settings.namespace.clone();
            let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
            let client = kube::Client::try_from(config);
            let client = client.map_err(|error| failures::no_cluster(&error))?;
            Ok::<_, ClusterError>((client, namespace))
        })?;
        Ok(Self {
            jobs: Api::namespaced(client.clone(), &namespace),
            pods: Api::namespaced(client.clone(), &namespace),
            secrets: Api::namespaced(client, &namespace),
            runtime,
            was_admitted: Cell::new(false),
        })
    }

    fn ask<T>(
        &self,
        what: &str,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ClusterError> {
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, answer).await });
        match answer {
            Ok(Ok(answer)) => {
                self.was_admitted.set(true);
                Ok(answer)
            }
            Ok(Err(error)) => Err(classify(what, &error, self.was_admitted.get())),
            Err(_) => Err(ClusterError::Unreachable {
                scheduler: NAME,
                reason: format!("{what}: there was no answer within {PATIENCE:?}"),
            }),
        }
    }

    /// Returns a Job, if it exists.
    pub(super) fn job(&self, name: &str) -> Result<Option<Job>, ClusterError> {
        self.ask(&format!("get the Job `{name}`"), self.jobs.get_opt(name))
    }

    /// Returns the pods of a Job that have not succeeded.
    pub(super) fn pods(&self, job: &str) -> Result<Vec<Pod>, ClusterError> {
        let what = format!("list the pods of the Job `{job}`");
        let mut page = of(job).fields("status.phase!=Succeeded").limit(PAGE);
        let mut pods = Vec::new();
        loop {
            let list = self.ask(&what, self.pods.list(&page))?;
            pods.extend(list.items);
            match list.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => page.continue_token = Some(next),
                None => return Ok(pods),
            }
        }
    }

    /// Creates a Job. An existing one is ours: the answer to an earlier request was lost.
    pub(super) fn make_job(&self, name: &str, job: &Job) -> Result<Job, ClusterError> {
        let parameters = PostParams::default();
        let what = format!("make the Job `{name}`");
        let made = self.ask(&what, exists(self.jobs.create(&parameters, job)))?;
        match made {
            Some(job) => Ok(job),
            None => self.job(name)?.ok_or_else(|| ClusterError::Unreachable {
                scheduler: NAME,
                reason: format!("{what}: it is there, and then it is not"),
            }),
        }
    }

    /// Creates a Secret, unless it exists.
    pub(super) fn make_secret(&self, name: &str, secret: &Secret) -> Result<(), ClusterError> {
        let parameters = PostParams::default();
        let made = exists(self.secrets.create(&parameters, secret));
        self.ask(&format!("make the Secret `{name}`"), made)
            .map(drop)
    }

    /// Suspends a Job: it starts no more pods, and ends those that it has.
    pub(super) fn suspend(&self, name: &str) -> Result<(), ClusterError> {
        let suspended = Patch::Merge(json!({ "spec": { "suspend": true } }));
        let parameters = PatchParams::default();
        let patched = self.jobs.patch(name, &parameters, &suspended);
        self.ask(&format!("suspend the Job `{name}`"), there(patched))
            .map(drop)
    }

    /// Removes a Job after its pods, which end at once.
    pub(super) fn kill(&self, name: &str) -> Result<(), ClusterError> {
        let after_pods = DeleteParams::foreground();
        let deleted = self.jobs.delete(name, &after_pods);
        self.ask(&format!("delete the Job `{name}`"), there(deleted))?;
        let now = DeleteParams::default().grace_period(NOW);
        let pods = of(name);
        let deleted = self.pods.delete_collection(&now, &pods);
        self.ask(&format!("delete the pods of the Job `{name}`"), deleted)
            .map(drop)
    }

    /// Removes a Job, all that it owns, and its Secret.
    pub(super) fn forget(&self, name: &str) -> Result<(), ClusterError> {
        let parameters = DeleteParams::background();
        let job = self.jobs.delete(name, &parameters);
        let job = self.ask(&format!("delete the Job `{name}`"), there(job));
        let secret = self.secrets.delete(name, &parameters);
        let secret = self.ask(&format!("delete the Secret `{name}`"), there(secret));
        job.and(secret).map(drop)
    }
}

fn of(job: &str) -> ListParams {
    ListParams::default().labels(&format!("{OF_JOB}={job}"))
}

/// Turns the error for a missing object into nothing.
async fn there<T>(answer: impl Future<Output = kube::Result<T>>) -> kube::Result<Option<T>> {
    match answer.await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        answer => answer.map(Some),
    }
}

/// Turns the error for an existing object into nothing.
async fn exists<T>(answer: impl Future<Output = kube::Result<T>>) -> kube::Result<Option<T>> {
    match answer.await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(None),
        answer => answer.map(Some),
    }
}

async fn config(settings: &Settings) -> Result<Config, ClusterError> {
    let Some(context) = &settings.context else {
        let inferred = Config::infer().await;
        return inferred.map_err(|error| failures::no_cluster(&error));
    };
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_kubeconfig(&options).await;
    config.map_err(|error| failures::no_cluster(&error))
}
