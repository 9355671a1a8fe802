#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;
use crate::cluster::kubernetes::frame::{KEY_FILE, KEY_FOLDER};
use crate::cluster::seal::SealKey;
use crate::declare::Kubernetes as Settings;

/// Makes the frame of a spool in a bucket.
fn frame(settings: Settings) -> Frame {
    Frame {
        settings,
        call: "0123456789abcdef".to_owned(),
        key: SealKey::generate().unwrap(),
        folder: None,
        user: (0, 0),
    }
}

fn job(frame: &Frame, tasks: u32, needs: &Needs) -> Value {
    let submission = Submission {
        name: "word_count-0123456789abcdef-2",
        label: "demo::word_count",
        tasks,
        script: "echo \"$1\" $(id) $$",
        needs,
    };
    serde_json::to_value(frame.job(&submission)).unwrap()
}

#[test]
fn a_job_is_what_a_call_needs_and_runs_no_task_twice() {
    let needs = Needs {
        cpu: Some(1.5),
        memory: Some(1 << 30),
        time: Some(Duration::from_mins(15)),
        at_once: Some(4),
    };
    let frame = frame(Settings::new("image:1").namespace("jobs").max_tasks(9));
    let job = job(&frame, 10, &needs);
    assert_eq!(job["apiVersion"], "batch/v1");
    assert_eq!(
        job["metadata"]["name"],
        "stub-word-count-0123456789abcdef-2"
    );
    let spec = &job["spec"];
    for (name, expected) in [
        ("completionMode", json!("Indexed")),
        ("completions", json!(10)),
        ("parallelism", json!(4)),
        ("backoffLimitPerIndex", json!(0)),
        ("maxFailedIndexes", json!(10)),
    ] {
        assert_eq!(spec[name], expected, "{name}");
    }
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Never");
    assert_eq!(pod["activeDeadlineSeconds"], 900);
    assert_eq!(pod["automountServiceAccountToken"], false);
    let container = &pod["containers"][0];
    let amounts = json!({ "cpu": "1500m", "memory": "1073741824" });
    assert_eq!(container["resources"]["requests"], amounts);
    assert_eq!(container["resources"]["limits"], amounts);
    assert_eq!(container["securityContext"]["privileged"], true);
    assert_eq!(container["command"][2], "echo \"$$1\" $$(id) $$$$");
    let labels = &spec["template"]["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/managed-by"], "stub");
    assert_eq!(labels["stub/call"], "0123456789abcdef");
    assert_eq!(labels["stub/function"], "demo--word-count");
}

#[test]
fn nothing_is_asked_for_that_was_not_said() {
    let job = job(&frame(Settings::new("i")), 1, &Needs::default());
    assert_eq!(job["spec"]["completions"], 1);
    let pod = &job["spec"]["template"]["spec"];
    for name in ["activeDeadlineSeconds", "nodeSelector", "imagePullSecrets"] {
        assert_eq!(pod[name], Value::Null, "{name}");
    }
    assert_eq!(pod["containers"][0]["resources"], Value::Null);
}

#[test]
fn a_device_takes_the_place_of_privileges() {
    let settings = Settings::new("i")
        .fuse("smarter-devices/fuse")
        .service_account("tasks")
        .image_pull_secret("registry")
        .node_selector([("disk", "ssd")]);
    let job = job(&frame(settings), 1, &Needs::default());
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], true);
    assert_eq!(pod["imagePullSecrets"][0]["name"], "registry");
    assert_eq!(pod["nodeSelector"]["disk"], "ssd");
    let container = &pod["containers"][0];
    assert_eq!(
        container["resources"]["limits"]["smarter-devices/fuse"],
        "1"
    );
    let security = &container["securityContext"];
    assert_eq!(security["privileged"], Value::Null);
    assert_eq!(security["capabilities"]["add"], json!(["SYS_ADMIN"]));
    assert_eq!(security["seccompProfile"]["type"], "Unconfined");
    assert_eq!(security["appArmorProfile"]["type"], "Unconfined");
}

#[test]
fn the_key_is_in_the_secret_and_nowhere_else() {
    let frame = frame(Settings::new("i"));
    let (submitted, key) = (job(&frame, 1, &Needs::default()), frame.key.to_text());
    assert!(!submitted.to_string().contains(&key));
    let volume = &submitted["spec"]["template"]["spec"]["volumes"][0]["secret"];
    assert_eq!(volume["secretName"], submitted["metadata"]["name"]);
    assert_eq!(volume["defaultMode"], 0o400);
    let owner = Job {
        metadata: ObjectMeta {
            uid: Some("u-1".to_owned()),
            ..ObjectMeta::default()
        },
        ..Job::default()
    };
    let secret = frame.secret("stub-x", Some(&owner));
    assert_eq!(secret.data.as_ref().unwrap()[KEY].0, key.as_bytes());
    let owners = secret.metadata.owner_references.unwrap();
    assert_eq!((&*owners[0].uid, &*owners[0].name), ("u-1", "stub-x"));
    assert!(
        frame
            .secret("stub-x", None)
            .metadata
            .owner_references
            .is_none()
    );
    assert!(KEY_FILE.starts_with(KEY_FOLDER) && KEY_FILE.ends_with(KEY));
}

#[test]
fn a_folder_is_a_claim_or_what_the_nodes_have() {
    let mut frame = frame(Settings::new("i"));
    frame.folder = Some("/shared/spool".into());
    frame.user = (1000, 100);
    let job_of =
        |frame: &Frame| job(frame, 1, &Needs::default())["spec"]["template"]["spec"].clone();
    let pod = job_of(&frame);
    assert_eq!(pod["volumes"][1]["hostPath"]["path"], "/shared/spool");
    assert_eq!(
        pod["containers"][0]["volumeMounts"][1]["mountPath"],
        "/shared/spool"
    );
    assert_eq!(pod["containers"][0]["securityContext"]["runAsUser"], 1000);
    assert_eq!(pod["volumes"][0]["secret"]["defaultMode"], 0o444);
    frame.settings.volume_claim = Some("spool".to_owned());
    let volume = &job_of(&frame)["volumes"][1];
    assert_eq!(volume["persistentVolumeClaim"]["claimName"], "spool");
    assert_eq!(volume["hostPath"], Value::Null);
}
