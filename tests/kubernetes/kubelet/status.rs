//! What a node says of its pods.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde_json::{Value, json};

use crate::cluster::{Accident, Objects};

/// The container's state.
pub(super) fn contain(pod: &mut Value, state: &Value) {
    pod["status"]["containerStatuses"] = json!([{
        "name": pod["spec"]["containers"][0]["name"], "image": "", "imageID": "",
        "ready": false, "restartCount": 0, "state": state,
    }]);
}

/// A container that can't begin.
pub(super) fn wait(pod: &mut Value, reason: &str, since: &str) {
    pod["status"] = json!({ "phase": "Pending", "startTime": since });
    let message = "the image can't be had from the test's registry";
    contain(
        pod,
        &json!({ "waiting": { "reason": reason, "message": message } }),
    );
}

/// What an accident leaves.
pub(super) fn meet(pod: &mut Value, accident: Accident) {
    pod["status"]["phase"] = json!("Failed");
    match accident {
        Accident::NodeLost => {
            pod["status"]["conditions"] = json!([{
                "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
            }]);
            pod["status"]
                .as_object_mut()
                .unwrap()
                .remove("containerStatuses");
            Objects::end_pod(pod, 0);
        }
        Accident::OutOfMemory => {
            let state = json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
            contain(pod, &state);
        }
    }
}

/// How a container has ended by itself, with what it said.
pub(super) fn end(pod: &mut Value, status: ExitStatus, said: &str) {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    let is_success = code == 0;
    pod["status"]["phase"] = json!(if is_success { "Succeeded" } else { "Failed" });
    let reason = if is_success { "Completed" } else { "Error" };
    let mut ended = json!({ "exitCode": code, "reason": reason });
    let policy = &pod["spec"]["containers"][0]["terminationMessagePolicy"];
    if !is_success && policy == "FallbackToLogsOnError" {
        ended["message"] = json!(said);
    }
    contain(pod, &json!({ "terminated": ended }));
}
