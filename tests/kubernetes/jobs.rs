//! Controller of Jobs, and garbage collector of orphans.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::cluster::{Objects, deletion, phase};

/// Results of a Job's tasks.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    completed: BTreeSet<u64>,
    failed: BTreeSet<u64>,
    failures: BTreeMap<u64, u64>,
    /// Number of created pods, for their names.
    made: u64,
}

/// Names used by the real controller, as annotation and label.
pub(crate) const INDEX: &str = "batch.kubernetes.io/job-completion-index";
pub(crate) const OF_JOB: &str = "batch.kubernetes.io/job-name";

/// Advances all Jobs by one step.
pub(crate) fn reconcile(objects: &mut Objects) {
    let names: Vec<String> = objects.jobs.keys().cloned().collect();
    for name in names {
        count(objects, &name);
        step(objects, &name);
    }
    collect(objects);
}

fn pods_of<'a>(objects: &'a mut Objects, job: &'a str) -> impl Iterator<Item = &'a mut Value> {
    let pods = objects.pods.values_mut();
    pods.filter(move |pod| pod["metadata"]["labels"][OF_JOB] == job)
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn index(pod: &Value) -> u64 {
    let index = pod["metadata"]["annotations"][INDEX].as_str();
    index.unwrap().parse().unwrap()
}

/// Counts each ended pod once.
fn count(objects: &mut Objects, name: &str) {
    let is_suspended = objects.jobs[name]["spec"]["suspend"] == true;
    let limit = objects.jobs[name]["spec"]["backoffLimitPerIndex"].as_u64();
    let ended: Vec<_> = pods_of(objects, name)
        .filter(|pod| matches!(phase(pod), "Succeeded" | "Failed"))
        .map(|pod| (uid(pod), index(pod), phase(pod) == "Succeeded"))
        .collect();
    let tally = objects.tallies.entry(name.to_owned()).or_default();
    for (uid, index, is_success) in ended {
        if !objects.counted.insert(uid) {
            continue;
        }
        if is_success {
            tally.completed.insert(index);
        } else if !is_suspended {
            let failures = tally.failures.entry(index).or_default();
            *failures += 1;
            if limit.is_some_and(|limit| *failures > limit) {
                tally.failed.insert(index);
            }
        }
    }
}

fn step(objects: &mut Objects, name: &str) {
    let job = objects.jobs[name].clone();
    let spec = &job["spec"];
    let number = |name: &str| spec[name].as_u64().unwrap();
    let (completions, parallelism) = (number("completions"), number("parallelism"));
    let tally = objects.tallies.entry(name.to_owned()).or_default();
    let decided: BTreeSet<u64> = tally.completed.union(&tally.failed).copied().collect();
    let is_over = decided.len() as u64 == completions;
    let status = status(tally, is_over);
    let ends = spec["suspend"] == true || deletion(&job).is_some() || is_over;
    let grace = spec["template"]["spec"]["terminationGracePeriodSeconds"].as_i64();
    let mut active = BTreeSet::new();
    for pod in pods_of(objects, name).filter(|pod| matches!(phase(pod), "Pending" | "Running")) {
        if ends && deletion(pod).is_none() {
            Objects::end_pod(pod, grace.unwrap_or(30));
        }
        active.insert(index(pod));
    }
    if !ends {
        for index in 0..completions {
            let is_free = !decided.contains(&index) && !active.contains(&index);
            if is_free && (active.len() as u64) < parallelism {
                make_pod(objects, &job, index);
                active.insert(index);
            }
        }
    }
    let job = objects.jobs.get_mut(name).unwrap();
    job["status"] = status;
    job["status"]["active"] = json!(active.len());
}

fn status(tally: &Tally, is_over: bool) -> Value {
    let mut status = json!({ "succeeded": tally.completed.len(), "failed": tally.failures.len() });
    for (name, list) in [
        ("completedIndexes", &tally.completed),
        ("failedIndexes", &tally.failed),
    ] {
        if !list.is_empty() {
            status[name] = json!(compressed(list));
        }
    }
    if is_over {
        let (kind, reason) = if tally.failed.is_empty() {
            ("Complete", "CompletionsReached")
        } else {
            ("Failed", "FailedIndexes")
        };
        status["conditions"] = json!([{ "type": kind, "status": "True", "reason": reason }]);
    }
    status
}

/// Formats numbers as ranges, such as `1,3-5,7`.
fn compressed(numbers: &BTreeSet<u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let parts = ranges.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        // Two are no range.
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    });
    parts.collect::<Vec<_>>().join(",")
}

fn make_pod(objects: &mut Objects, job: &Value, index: u64) {
    let (template, owner) = (&job["spec"]["template"], job["metadata"]["name"].as_str());
    let owner = owner.unwrap();
    let tally = objects.tallies.entry(owner.to_owned()).or_default();
    tally.made += 1;
    let name = format!("{owner}-{index}-{:05}", tally.made);
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": template["metadata"], "spec": template["spec"],
        "status": { "phase": "Pending" },
    });
    let metadata = &mut pod["metadata"];
    metadata["name"] = json!(name);
    metadata["annotations"][INDEX] = json!(index.to_string());
    metadata["labels"][INDEX] = json!(index.to_string());
    metadata["labels"][OF_JOB] = json!(owner);
    metadata["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "Job", "name": owner, "uid": uid(job), "controller": true,
    }]);
    let variable = json!({ "name": "JOB_COMPLETION_INDEX", "value": index.to_string() });
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        match container["env"].as_array_mut() {
            Some(variables) => variables.push(variable.clone()),
            None => container["env"] = json!([variable]),
        }
    }
    objects.register(&mut pod);
    objects.pods.insert(name, pod);
}

/// Removes deleted Jobs without pods, and objects whose Job is gone.
fn collect(objects: &mut Objects) {
    let with_pods: BTreeSet<String> = objects
        .pods
        .values()
        .filter_map(|pod| Some(pod["metadata"]["labels"][OF_JOB].as_str()?.to_owned()))
        .collect();
    objects
        .jobs
        .retain(|name, job| deletion(job).is_none() || with_pods.contains(name));
    let uids: BTreeSet<String> = objects.jobs.values().map(uid).collect();
    let is_orphan = |object: &Value| {
        let owner = object["metadata"]["ownerReferences"][0]["uid"].as_str();
        owner.is_some_and(|owner| !uids.contains(owner))
    };
    for pod in objects.pods.values_mut().filter(|pod| is_orphan(pod)) {
        Objects::end_pod(pod, 60);
    }
    objects.secrets.retain(|_, secret| !is_orphan(secret));
    let jobs = &objects.jobs;
    objects.tallies.retain(|name, _| jobs.contains_key(name));
}

#[test]
fn numbers_are_compressed_as_documented() {
    assert_eq!(compressed(&[1, 3, 4, 5, 7].into()), "1,3-5,7");
    assert_eq!(compressed(&[0, 1].into()), "0,1");
}
