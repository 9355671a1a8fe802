//! Manifests of tasks as a Job, and of their call's key as a Secret: made without I/O.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    LocalObjectReference, PodSpec, PodTemplateSpec, Secret, SecretVolumeSource, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::container;
use super::frame::{Frame, KEY_VOLUME};
use super::names;
use crate::cluster::scheduler::{Needs, Submission};

/// Name of the key in the Secret.
const KEY: &str = "key";

/// Label of all objects, so that people find those of one call, or of all.
const MANAGER: (&str, &str) = ("app.kubernetes.io/managed-by", "stub");
const CALL: &str = "stub/call";
const FUNCTION: &str = "stub/function";

/// Time that a task has to store what it has written, when it is asked to end.
const GRACE: Duration = Duration::from_mins(1);

/// Time for which a Job that has ended is kept for a caller that reattaches. It is then removed
/// with its Secret.
const KEPT: Duration = Duration::from_hours(7 * 24);

impl Frame {
    /// Makes the Job of a submission.
    pub(super) fn job(&self, submission: &Submission<'_>) -> Job {
        let tasks = i32::try_from(submission.tasks).unwrap_or(i32::MAX);
        Job {
            metadata: self.metadata(&names::job(submission.name), Some(submission.label)),
            spec: Some(JobSpec {
                completion_mode: Some("Indexed".to_owned()),
                completions: Some(tasks),
                parallelism: Some(self.at_once(tasks, submission.needs)),
                // What a task gives has its number in its name: none is started twice. The caller,
                // who knows which of its inputs have ended, runs the others again as tasks of
                // another Job.
                backoff_limit_per_index: Some(0),
                max_failed_indexes: Some(tasks),
                ttl_seconds_after_finished: i32::try_from(KEPT.as_secs()).ok(),
                template: PodTemplateSpec {
                    metadata: Some(ObjectMeta {
                        labels: Some(self.labels(Some(submission.label))),
                        ..ObjectMeta::default()
                    }),
                    spec: Some(self.pod(submission)),
                },
                ..JobSpec::default()
            }),
            status: None,
        }
    }

    /// Makes the Secret of a Job with this name. It is removed with the Job, if that exists already.
    pub(super) fn secret(&self, name: &str, owner: Option<&Job>) -> Secret {
        let text = self.key.to_text().into_bytes();
        let owner = owner.and_then(|job| job.metadata.uid.clone());
        Secret {
            metadata: ObjectMeta {
                owner_references: owner.map(|uid| {
                    vec![OwnerReference {
                        api_version: "batch/v1".to_owned(),
                        kind: "Job".to_owned(),
                        name: name.to_owned(),
                        uid,
                        ..OwnerReference::default()
                    }]
                }),
                ..self.metadata(name, None)
            },
            data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(text))])),
            immutable: Some(true),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        }
    }

    fn metadata(&self, name: &str, label: Option<&str>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: self.settings.namespace.clone(),
            labels: Some(self.labels(label)),
            ..ObjectMeta::default()
        }
    }

    fn labels(&self, label: Option<&str>) -> BTreeMap<String, String> {
        let function = label.map(|label| (FUNCTION, names::label_value(label)));
        let fixed = [(MANAGER.0, MANAGER.1.to_owned()), (CALL, self.call.clone())];
        let labels = fixed.into_iter().chain(function);
        labels
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn at_once(&self, tasks: i32, needs: &Needs) -> i32 {
        let most = [self.settings.max_tasks, needs.at_once]
            .into_iter()
            .flatten();
        let most = most.filter_map(|most| i32::try_from(most).ok());
        most.fold(tasks, i32::min).max(1)
    }

    fn pod(&self, submission: &Submission<'_>) -> PodSpec {
        let settings = &self.settings;
        let pull = settings.image_pull_secret.clone();
        let deadline = submission.needs.time.map(|time| time.as_secs().max(1));
        let selector = &settings.node_selector;
        PodSpec {
            restart_policy: Some("Never".to_owned()),
            active_deadline_seconds: deadline.and_then(|seconds| i64::try_from(seconds).ok()),
            termination_grace_period_seconds: i64::try_from(GRACE.as_secs()).ok(),
            // Otherwise the body would have variables for the namespace's services.
            enable_service_links: Some(false),
            automount_service_account_token: Some(settings.service_account.is_some()),
            service_account_name: settings.service_account.clone(),
            image_pull_secrets: pull.map(|name| vec![LocalObjectReference { name }]),
            node_selector: (!selector.is_empty()).then(|| selector.clone()),
            containers: vec![container::container(self, submission)],
            volumes: Some(self.volumes(&names::job(submission.name))),
            ..PodSpec::default()
        }
    }

    fn volumes(&self, secret: &str) -> Vec<Volume> {
        let key = Volume {
            name: KEY_VOLUME.to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(secret.to_owned()),
                // Its files are root's: another user reads them as one of all, but only this
                // container has them.
                default_mode: Some(if self.user.0 == 0 { 0o400 } else { 0o444 }),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        };
        let folder = self.folder.as_deref();
        let spool = folder.map(|folder| container::spool(folder, &self.settings));
        [key].into_iter().chain(spool).collect()
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
