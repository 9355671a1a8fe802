//! `stub k8s manifest`.

use std::fs;
use std::process::Output;

use s3_local::Server;
use serde_json::Value;
use tempfile::TempDir;

use crate::{program, server};

/// Creates a folder with settings, in which call records are stored as well.
fn folder(server: &Server, engine: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "[buckets.data]\nendpoint_url = \"{}\"\nforce_path_style = true\n[engine.kubernetes]\n{engine}\n",
        server.endpoint_url()
    );
    fs::write(folder.path().join("stub.toml"), settings).unwrap();
    folder
}

fn manifest(folder: &TempDir, server: &Server) -> Output {
    program()
        .args(["k8s", "manifest", "--env", "TOKEN=a-secret-token"])
        .args(["--memory", "512MiB", "--timeout", "1h", "--workdir", "/"])
        .args(["--", "echo", "hello"])
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env("AWS_ACCESS_KEY_ID", server.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key())
        // There is none to be asked.
        .env("KUBECONFIG", "/nonexistent")
        .output()
        .unwrap()
}

#[test]
fn a_manifest_has_what_kubectl_takes_and_no_secret_but_in_the_secret() {
    let server = server();
    let folder = folder(&server, "image = \"image:1\"\nspool = \"s3://data/calls\"");
    let output = manifest(&folder, &server);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&list["apiVersion"], &list["kind"]),
        (&"v1".into(), &"List".into())
    );
    let (secret, job) = (&list["items"][0], &list["items"][1]);
    assert_eq!(
        (&secret["kind"], &job["kind"]),
        (&"Secret".into(), &"Job".into())
    );
    assert_eq!(secret["metadata"]["name"], job["metadata"]["name"]);
    let id = job["metadata"]["labels"]["stub/call"].as_str().unwrap();
    assert!(said.contains(&format!("stub jobs attach {id}")), "{said}");
    assert!(folder.path().join(format!("stub/calls/{id}.json")).exists());
    // What it needs is there, sealed.
    let keys = server.keys("data");
    for name in ["call", "closed", "sub/0", "in/0/0"] {
        assert!(keys.contains(&format!("calls/{id}/{name}")), "{keys:?}");
    }
    let key = secret["data"]["key"].as_str().unwrap();
    let text = job.to_string();
    for hidden in [server.secret_access_key(), "a-secret-token", key] {
        assert!(!text.contains(hidden), "{text}");
    }
}

#[test]
fn settings_that_lack_something_are_told() {
    let server = server();
    for (engine, part) in [
        ("spool = \"s3://data/calls\"", "set `image`"),
        ("image = \"i\"", "set `spool`"),
        (
            "image = \"i\"\nspool = \"s3://data/x\"\nfuse = \"yes\"",
            "device plugin",
        ),
        ("imgae = \"i\"", "did you mean `image`?"),
    ] {
        let output = manifest(&folder(&server, engine), &server);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(part), "{said}");
    }
}
