//! Status of pods, as reported by their node.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde_json::{Value, json};

use crate::cluster::{Accident, Objects};

/// Sets the container's state.
pub(super) fn contain(pod: &mut Value, state: &Value) {
    pod["status"]["containerStatuses"] = json!([{
        "name": pod["spec"]["containers"][0]["name"], "image": "", "imageID": "",
        "ready": false, "restartCount": 0, "state": state,
    }]);
}

/// Sets the status of a container that can't start.
pub(super) fn wait(pod: &mut Value, reason: &str, since: &str) {
    pod["status"] = json!({ "phase": "Pending", "startTime": since });
    let message = "the image can't be had from the test's registry";
    contain(
        pod,
        &json!({ "waiting": { "reason": reason, "message": message } }),
    );
}

/// Sets the status after an accident.
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

/// Sets the status of a container that has ended by itself, with its message.
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
