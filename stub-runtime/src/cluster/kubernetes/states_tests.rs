#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;

const NOW: &str = "2030-01-01T12:00:00Z";

/// Returns the states of five tasks.
fn look(mut job: Value, pods: &[Value]) -> Result<BTreeMap<u32, Seen>, String> {
    job["spec"]["completions"] = json!(5);
    job["spec"]["template"] = json!({});
    let job: Job = serde_json::from_value(job).unwrap();
    let pods = pods.iter().cloned().map(serde_json::from_value);
    let pods: Vec<Pod> = pods.collect::<Result<_, _>>().unwrap();
    seen(&job, &pods, NOW.parse().unwrap())
}

fn pod(index: u32, phase: &str, more: &Value) -> Value {
    let mut status = json!({ "phase": phase, "startTime": "2030-01-01T11:59:00Z" });
    for (name, value) in more.as_object().unwrap() {
        status[name] = value.clone();
    }
    let annotations = json!({ INDEX: index.to_string() });
    json!({ "metadata": { "name": "p", "annotations": annotations }, "status": status })
}

/// Makes the status of a container.
fn container(state: &Value) -> Value {
    let status = json!({
        "name": "task", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
        "state": state,
    });
    json!({ "containerStatuses": [status] })
}

fn exited(reason: &str, status: i32, message: &str) -> Value {
    container(&json!({ "terminated": {
        "reason": reason, "exitCode": status, "message": message,
    } }))
}

fn waits(reason: &str) -> Value {
    container(&json!({ "waiting": { "reason": reason, "message": "no such image" } }))
}

/// Returns the fate of a task whose pod has failed with this status.
fn fate(more: &Value) -> Fate {
    let seen = look(json!({}), &[pod(0, "Failed", more)]).unwrap();
    match &seen[&0] {
        Seen::Ended(fate) => fate.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_job_says_and_what_its_pods_say_make_one_picture() {
    let job = json!({ "status": { "completedIndexes": "0,2", "failedIndexes": "3" } });
    let seen = look(job, &[pod(1, "Running", &json!({}))]).unwrap();
    assert_eq!(seen[&0], ended(EndKind::Completed, "Completed"));
    assert_eq!(seen[&1], Seen::Running);
    assert_eq!(seen[&2], ended(EndKind::Completed, "Completed"));
    assert!(matches!(&seen[&3], Seen::Ended(fate) if fate.how == EndKind::Unknown));
    assert_eq!(seen[&4], Seen::Waiting);
}

#[test]
fn how_a_pod_failed_is_told_from_what_it_did() {
    let how = |more: Value| fate(&more).how;
    let disrupted = json!({ "conditions": [{
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
    }] });
    assert_eq!(
        fate(&disrupted),
        Fate::new(EndKind::Lost, "DeletionByTaintManager")
    );
    for reason in ["Evicted", "NodeLost", "OutOfmemory"] {
        assert_eq!(how(json!({ "reason": reason })), EndKind::Lost, "{reason}");
    }
    assert_eq!(
        how(json!({ "reason": "DeadlineExceeded" })),
        EndKind::TimedOut
    );
    assert_eq!(how(exited("OOMKilled", 137, "")), EndKind::Died);
    assert_eq!(
        how(exited("ContainerStatusUnknown", 137, "")),
        EndKind::Lost
    );
    assert_eq!(how(exited("StartError", 128, "no sh")), EndKind::Unfit);
    for status in [78, 126, 127] {
        assert_eq!(how(exited("Error", status, "")), EndKind::Unfit, "{status}");
    }
    let died = fate(&exited("Error", 1, "stub: first\n\nstub: second\n"));
    assert_eq!(died.how, EndKind::Died);
    assert_eq!(
        died.words,
        "Error, exit status 1: stub: first; stub: second"
    );
}

#[test]
fn a_pod_that_is_to_end_runs_until_its_time_is_over() {
    let until = |time: &str| {
        let mut pod = pod(0, "Running", &json!({}));
        pod["metadata"]["deletionTimestamp"] = json!(time);
        look(json!({}), &[pod]).unwrap().remove(&0).unwrap()
    };
    assert_eq!(until("2030-01-01T12:00:30Z"), Seen::Running);
    assert_eq!(until("2030-01-01T11:59:45Z"), Seen::Running);
    assert!(
        matches!(until("2030-01-01T11:59:00Z"), Seen::Ended(fate) if fate.how == EndKind::Lost)
    );
}

#[test]
fn an_image_that_stays_away_is_refused_and_not_waited_for() {
    let waiting = pod(0, "Pending", &waits("ErrImagePull"));
    let seen = look(json!({}), std::slice::from_ref(&waiting)).unwrap();
    assert_eq!(seen[&0], Seen::Waiting);
    let mut long = pod(0, "Pending", &waits("ImagePullBackOff"));
    long["status"]["startTime"] = json!("2030-01-01T11:57:00Z");
    let error = look(json!({}), std::slice::from_ref(&long)).unwrap_err();
    assert!(error.contains("ImagePullBackOff: no such image; look whether `image`"));
    // A node of its own.
    let others = [long, pod(1, "Running", &json!({}))];
    let seen = look(json!({}), &others).unwrap();
    assert!(matches!(&seen[&0], Seen::Ended(fate) if fate.how == EndKind::Lost));
    let wrong = pod(0, "Pending", &waits("InvalidImageName"));
    assert!(look(json!({}), &[wrong]).is_err());
    let creating = pod(0, "Pending", &waits("ContainerCreating"));
    assert_eq!(look(json!({}), &[creating]).unwrap()[&0], Seen::Waiting);
}

#[test]
fn a_job_that_is_over_starts_nothing() {
    for (job, how) in [
        (json!({ "spec": { "suspend": true } }), EndKind::Cancelled),
        (
            json!({ "metadata": { "deletionTimestamp": NOW } }),
            EndKind::Cancelled,
        ),
        (
            json!({ "status": { "conditions": [{
                "type": "Failed", "status": "True", "reason": "FailedIndexes",
            }] } }),
            EndKind::Unknown,
        ),
    ] {
        let seen = look(job, &[pod(1, "Running", &json!({}))]).unwrap();
        assert_eq!(seen[&1], Seen::Running);
        assert!(matches!(&seen[&0], Seen::Ended(fate) if fate.how == how));
    }
}
