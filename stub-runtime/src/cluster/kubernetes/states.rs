//! States of a Job's tasks, from the API's objects.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;

use super::indexes;
use super::pods::{self, Doing};
use crate::cluster::scheduler::{EndKind, Fate, Seen};

/// Time for which an image that could not be pulled is waited for.
const PULLING: SignedDuration = SignedDuration::from_mins(2);

/// Annotation with the number of a pod's task.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Returns the states of the tasks of a Job. `pods`: those of the Job that have not succeeded.
///
/// # Errors
/// No pod can begin; the text says why.
pub(super) fn seen(job: &Job, pods: &[Pod], now: Timestamp) -> Result<BTreeMap<u32, Seen>, String> {
    let (spec, status) = (job.spec.as_ref(), job.status.as_ref());
    let tasks = spec.and_then(|spec| spec.completions).unwrap_or(0);
    let tasks = u32::try_from(tasks).unwrap_or(0);
    let list = |list: Option<&String>| indexes::parse(list.map_or("", String::as_str), tasks);
    let completed = list(status.and_then(|status| status.completed_indexes.as_ref()));
    let failed = list(status.and_then(|status| status.failed_indexes.as_ref()));
    let doing: BTreeMap<u32, Doing> = pods
        .iter()
        .filter_map(|pod| Some((index(pod)?, pods::doing(pod, now))))
        .collect();
    let has_begun = !completed.is_empty()
        || doing
            .values()
            .any(|doing| matches!(doing, Doing::Running | Doing::Ended(_)));
    let over = why_over(job);
    let mut seen = BTreeMap::new();
    for task in 0..tasks {
        let state = match doing.get(&task) {
            _ if completed.contains(&task) => ended(EndKind::Completed, "Completed"),
            Some(Doing::Running) => Seen::Running,
            Some(Doing::Waiting) => Seen::Waiting,
            Some(Doing::Ended(fate)) => Seen::Ended(fate.clone()),
            Some(Doing::Stuck(stuck)) => match (stuck.for_good, stuck.waits >= PULLING) {
                // Others have begun: it is its node that can't.
                (false, true) if has_begun => ended(EndKind::Lost, &stuck.words),
                (true, _) | (_, true) => return Err(stuck.words.clone()),
                (false, false) => Seen::Waiting,
            },
            None if failed.contains(&task) => {
                ended(EndKind::Unknown, "its pod has failed and is gone")
            }
            None => match &over {
                Some((how, words)) => ended(*how, words),
                // Its turn has not come.
                None => Seen::Waiting,
            },
        };
        seen.insert(task, state);
    }
    Ok(seen)
}

fn ended(how: EndKind, words: &str) -> Seen {
    Seen::Ended(Fate::new(how, words))
}

fn index(pod: &Pod) -> Option<u32> {
    let of = |values: Option<&BTreeMap<String, String>>| values?.get(INDEX)?.parse().ok();
    // Before version 1.28, only the annotation.
    of(pod.metadata.annotations.as_ref()).or_else(|| of(pod.metadata.labels.as_ref()))
}

/// Returns the reason why a Job starts no more tasks, if it doesn't.
fn why_over(job: &Job) -> Option<(EndKind, String)> {
    if job.metadata.deletion_timestamp.is_some() {
        return Some((EndKind::Cancelled, "its Job was deleted".to_owned()));
    }
    if job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true) {
        return Some((EndKind::Cancelled, "its Job was suspended".to_owned()));
    }
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let over = conditions.iter().find(|condition| {
        matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
    })?;
    let reason = over.reason.as_ref().unwrap_or(&over.type_);
    Some((EndKind::Unknown, format!("its Job is over: {reason}")))
}

#[cfg(test)]
#[path = "states_tests.rs"]
mod tests;
