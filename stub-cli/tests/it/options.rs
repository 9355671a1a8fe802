//! Options of volumes: each with its volume, for all volumes of a command, and in `stub.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use nix::sys::signal::Signal;
use s3_local::{Operation, S3Local, Server};

use crate::mount::Mounted;
use crate::{program, server, stub};

/// Returns the headers of the first request that stored this key.
#[track_caller]
fn headers(server: &Server, key: &str) -> BTreeMap<String, String> {
    let requests = server.log().requests();
    let put = requests.iter().find(|request| {
        request.operation == Operation::PutObject && request.key.as_deref() == Some(key)
    });
    put.unwrap_or_else(|| panic!("{key} in {requests:?}"))
        .headers
        .clone()
}

#[track_caller]
fn well(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

const WRITTEN: [(&str, &str); 5] = [
    ("x-amz-server-side-encryption", "AES256"),
    ("x-amz-storage-class", "STANDARD_IA"),
    ("x-amz-tagging", "project=apollo&who=me%3Aand%20you"),
    ("x-amz-acl", "bucket-owner-full-control"),
    ("x-amz-expected-bucket-owner", "123456789012"),
];

#[track_caller]
fn assert_written(headers: &BTreeMap<String, String>) {
    for (name, value) in WRITTEN {
        let found = headers.get(name).map(String::as_str);
        assert_eq!(found, Some(value), "{name} in {headers:?}");
    }
}

#[test]
fn options_of_a_volume_arrive_at_the_server() {
    let server = server();
    let volume = "/stub-out=s3://data/out:sse=AES256,storage-class=STANDARD_IA,tag=project:apollo,\
                  tag=who:me:and you,acl=bucket-owner-full-control,owner=123456789012";
    let output = stub("run", &server)
        .args([
            "--volume",
            volume,
            "--volume",
            "/stub-plain=s3://data/plain",
        ])
        .args(["--", "sh", "-c"])
        .arg("printf x > /stub-out/new && printf x > /stub-plain/new")
        .output()
        .unwrap();
    well(&output);
    assert_written(&headers(&server, "out/new"));
    let plain = headers(&server, "plain/new");
    for (name, _) in WRITTEN {
        assert!(!plain.contains_key(name), "{name}");
    }
    let class = server.storage_class("data", "out/new");
    assert_eq!(class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(server.tags("data", "out/new").unwrap().len(), 2);
}

#[test]
fn flags_are_for_mounts_too() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let flags = [
        "--sse=AES256",
        "--storage-class=STANDARD_IA",
        "--tag=project:apollo",
        "--tag=who:me:and you",
        "--acl=bucket-owner-full-control",
        "--expected-bucket-owner=123456789012",
        "--allow-delete=no",
    ];
    let mut mounted = Mounted::new(&server, folder.path(), &flags);
    fs::write(folder.path().join("new"), "x").unwrap();
    assert!(fs::remove_file(folder.path().join("in/hello.txt")).is_err());
    mounted.signal(Signal::SIGTERM);
    assert_eq!(mounted.status(), Some(0));
    assert_written(&headers(&server, "new"));
}

#[test]
fn what_is_frozen_is_asked_for_once() {
    for flags in [
        &["--immutable"][..],
        &["--metadata-ttl=indefinite"],
        &["--metadata-ttl", "1h"],
    ] {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let mut mounted = Mounted::new(&server, folder.path(), flags);
        let read = || fs::read_to_string(folder.path().join("in/hello.txt")).unwrap();
        assert_eq!(read(), "hello");
        server.log().clear();
        assert_eq!(read(), "hello");
        assert_eq!(server.log().requests().len(), 0, "{flags:?}");
        mounted.signal(Signal::SIGTERM);
        assert_eq!(mounted.status(), Some(0));
    }
    let server = server();
    let script = "cat /v/in/hello.txt && cat /v/in/hello.txt";
    let output = stub("run", &server)
        .args([
            "--volume",
            "/v=s3://data:ro,immutable",
            "--",
            "sh",
            "-c",
            script,
        ])
        .output()
        .unwrap();
    well(&output);
    let requests = server.log().requests();
    let gets = requests
        .iter()
        .filter(|it| it.operation == Operation::GetObject);
    assert_eq!(gets.count(), 1);
}

/// Runs a program that writes three files, in a folder with a `stub.toml`.
fn write_three(server: &Server, folder: &Path, flags: &[&str]) {
    let settings = "[buckets.data]\nstorage_class = \"GLACIER_IR\"\ntags = { from = \"file\" }\n\n\
                    [buckets.\"*\"]\nallow_overwrite = false\n";
    fs::write(folder.join("stub.toml"), settings).unwrap();
    let output = stub("run", server)
        .current_dir(folder)
        .args(flags)
        .args(["--volume", "/stub-a=s3://data/a:storage-class=ONEZONE_IA"])
        .args(["--volume", "/stub-b=s3://data/b"])
        .args(["--", "sh", "-c"])
        .arg("printf x > /stub-a/new && printf x > /stub-b/new")
        .output()
        .unwrap();
    well(&output);
}

#[test]
fn a_volume_goes_before_flags_and_flags_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (flags, of_b, tag) in [
        (&[][..], "GLACIER_IR", "from=file"),
        (
            &["--storage-class=STANDARD_IA", "--tag=from:flag"][..],
            "STANDARD_IA",
            "from=flag",
        ),
    ] {
        let server = server();
        write_three(&server, folder.path(), flags);
        for (key, class) in [("a/new", "ONEZONE_IA"), ("b/new", of_b)] {
            let headers = headers(&server, key);
            assert_eq!(headers["x-amz-storage-class"], class, "{key} {flags:?}");
            assert_eq!(headers["x-amz-tagging"], tag, "{key} {flags:?}");
        }
    }
}

#[test]
fn what_a_volume_does_not_allow_is_refused() {
    let server = server();
    let script = "echo more > /stub-v/new && ! rm /stub-v/in/hello.txt && \
                  ! echo other > /stub-v/in/hello.txt";
    let volume = "/stub-v=s3://data:allow-delete=no,allow-overwrite=no";
    let output = stub("run", &server)
        .args(["--volume", volume, "--", "sh", "-c", script])
        .output()
        .unwrap();
    well(&output);
    assert_eq!(server.get("data", "in/hello.txt").unwrap(), "hello");
    assert_eq!(server.get("data", "new").unwrap(), "more\n");
}

#[test]
fn each_volume_has_its_own_endpoint_and_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let server = S3Local::builder()
            .root_key(name, format!("secret-of-{name}"))
            .start();
        server.create_bucket("data");
        server
    };
    let (from, to) = (start("from"), start("to"));
    from.put("data", "x", "moved");
    let keys = ["from", "to"].map(|name| {
        format!("[{name}]\naws_access_key_id = {name}\naws_secret_access_key = secret-of-{name}\n")
    });
    let credentials = folder.path().join("credentials");
    fs::write(&credentials, keys.concat()).unwrap();
    let volume = |path: &str, server: &Server, profile: &str| {
        let url = server.endpoint_url();
        format!("{path}=s3://data:rw,profile={profile},endpoint={url},path-style=yes")
    };
    let output = program()
        .args(["run", "--endpoint-url", "http://127.0.0.1:1"])
        .args(["--volume", &volume("/stub-from", &from, "from")])
        .args(["--volume", &volume("/stub-to/day=1", &to, "to")])
        .args(["--", "cp", "/stub-from/x", "/stub-to/day=1/"])
        .env("AWS_SHARED_CREDENTIALS_FILE", &credentials)
        .output()
        .unwrap();
    well(&output);
    assert_eq!(to.get("data", "x").unwrap(), "moved");
}

#[test]
fn a_job_has_options_with_its_volumes() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let url = server.endpoint_url();
    let settings = format!(
        "[jobs.a]\ncommand = [\"sh\", \"-c\", \"printf x > /stub-out/new\"]\n\n[jobs.a.volumes]\n\
         \"/stub-out\" = \"s3://data/out:endpoint={url},path-style=yes,storage-class=STANDARD_IA\"\n"
    );
    fs::write(folder.path().join("stub.toml"), settings).unwrap();
    let output = program()
        .args(["jobs", "run", "a"])
        .current_dir(folder.path())
        .envs(stub_test_support::keys(&server))
        .output()
        .unwrap();
    well(&output);
    assert_eq!(
        headers(&server, "out/new")["x-amz-storage-class"],
        "STANDARD_IA"
    );
}

#[test]
fn the_doctor_probes_with_the_headers_of_the_volume() {
    let server = server();
    let output = stub("doctor", &server)
        .args(["--sse", "AES256", "--volume", "/a=s3://data"])
        .output()
        .unwrap();
    well(&output);
    let requests = server.log().requests();
    let mut writes = requests.iter().filter(|request| {
        let creating = [Operation::PutObject, Operation::CreateMultipartUpload];
        creating.contains(&request.operation) && request.status == Some(200)
    });
    let first = writes.next().unwrap();
    for request in std::iter::once(first).chain(writes) {
        let sse = request.headers.get("x-amz-server-side-encryption");
        assert_eq!(sse.map(String::as_str), Some("AES256"), "{request:?}");
    }
}

#[test]
fn the_policy_has_what_options_need() {
    let output = program()
        .args(["policy", "--region", "cn-north-1", "--acl=private"])
        .args(["--sse=aws:kms", "--sse-kms-key-id=1-2", "--volume"])
        .arg("/a=s3://data/in:tag=a:b")
        .output()
        .unwrap();
    well(&output);
    let policy: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let writing = &statements[2];
    assert_eq!(writing["Resource"][0], "arn:aws-cn:s3:::data/in/*");
    let actions = writing["Action"].as_array().unwrap();
    for action in [
        "s3:GetObjectTagging",
        "s3:PutObjectTagging",
        "s3:PutObjectAcl",
    ] {
        assert!(actions.iter().any(|found| found == action), "{writing}");
    }
    let key = "arn:aws-cn:kms:cn-north-1:*:key/1-2";
    assert_eq!(statements[3]["Resource"][0], key);
}
