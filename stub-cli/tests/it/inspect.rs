//! `stub policy`, `stub doctor`, `stub serve`, `stub completions` and `stub man`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::{Policy, Quirk, S3Local};

use crate::{program, server, stub};

fn text(command: &mut Command) -> (String, i32) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

#[test]
fn the_policy_is_what_the_volumes_need() {
    let (policy, status) = text(program().args(["policy", "--volume", "/a=s3://bucket/in:ro"]));
    assert_eq!(status, 0);
    assert!(policy.contains("\"arn:aws:s3:::bucket/in/*\""), "{policy}");
    assert!(!policy.contains("PutObject"), "{policy}");
}

#[test]
fn a_healthy_machine_and_bucket_are_said_to_be_so_and_left_as_they_were() {
    let server = server();
    let mut command = stub("doctor", &server);
    let (checks, status) = text(command.args(["--volume", "/a=s3://data"]));
    let lines: Vec<&str> = checks.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "ok    /dev/fuse",
            "ok    namespaces",
            "ok    s3://data/ s3:ListBucket",
            "ok    s3://data/ s3:GetObject",
            "ok    s3://data/ s3:PutObject",
            "ok    s3://data/ s3:AbortMultipartUpload",
            "ok    s3://data/ s3:DeleteObject",
            "ok    s3://data/ conditional PUT",
            "ok    s3://data/ conditional CompleteMultipartUpload",
            "ok    s3://data/ conditional copy",
            "ok    s3://data/ folder markers",
            "ok    s3://data/ copy of folder markers",
            "ok    s3://data/ metadata of folder markers",
            "ok    s3://data/ removal of empty folders",
            "ok    s3://data/ backslashes in keys",
            "ok    s3://data/ ordered listing",
            "ok    s3://data/ start-after",
            "ok    s3://data/ 10,000 parts",
        ]
    );
    assert_eq!(status, 0);
    assert_eq!(server.keys("data"), ["in/hello.txt"]);
    assert_eq!(server.incomplete_uploads("data"), Vec::<String>::new());
}

#[test]
fn what_a_server_lacks_is_a_note() {
    let server = server();
    for quirk in [
        Quirk::LengthRequired,
        Quirk::NoConditionalWrites,
        Quirk::CopyConditionOfParts,
        Quirk::TreeOrder,
        Quirk::FewParts,
        Quirk::NoMarkerCopies,
        Quirk::NoMarkerMetadata,
    ] {
        server.knobs().set_quirk(quirk, true);
    }
    let mut command = stub("doctor", &server);
    let (checks, status) = text(command.args(["--volume", "/a=s3://data"]));
    assert_eq!(status, 0, "{checks}");
    for capability in [
        "conditional PUT",
        "conditional CompleteMultipartUpload",
        "conditional copy",
        "copy of folder markers",
        "metadata of folder markers",
        "ordered listing",
        "10,000 parts",
    ] {
        let note = format!("note  s3://data/ {capability}: ");
        assert!(checks.contains(&note), "{note} in {checks}");
    }
    assert!(!checks.contains("FAIL"), "{checks}");
    assert_eq!(server.keys("data"), ["in/hello.txt"]);
    assert_eq!(server.incomplete_uploads("data"), Vec::<String>::new());
}

#[test]
fn a_directory_bucket_is_inspected() {
    let bucket = "data--use1-az4--x-s3";
    let server = server();
    server.create_bucket(bucket);
    let volume = format!("/a=s3://{bucket}");
    let (policy, _) = text(program().args(["policy", "--volume", &volume]));
    assert!(policy.contains("\"s3express:CreateSession\""), "{policy}");
    assert!(!policy.contains("\"s3:"), "{policy}");
    let (checks, status) = text(stub("doctor", &server).args(["--volume", &volume]));
    assert_eq!(status, 0, "{checks}");
    let lines: Vec<&str> = checks.lines().collect();
    let ok = |what: &str| lines.contains(&&*format!("ok    s3://{bucket}/ {what}"));
    assert!(ok("s3express:CreateSession"), "{checks}");
    assert!(ok("conditional CompleteMultipartUpload"), "{checks}");
    assert!(!checks.contains("s3:GetObject"), "{checks}");
    for capability in ["ordered listing", "start-after"] {
        let note = format!("note  s3://{bucket}/ {capability}: ");
        assert!(checks.contains(&note), "{checks}");
    }
    assert_eq!(server.keys(bucket), Vec::<String>::new());
    assert_eq!(server.incomplete_uploads(bucket), Vec::<String>::new());
    let tagged = format!("/a=s3://{bucket}:tag=a:b");
    let run = ["--volume", &tagged, "--", "true"];
    let output = stub("run", &server).args(run).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let expected = "objects of directory buckets have no tags";
    assert!(
        !output.status.success() && errors.contains(expected),
        "{errors}"
    );
}

#[test]
fn keys_that_a_mount_can_not_show_are_counted() {
    let server = server();
    for key in ["in//x", "in/./y", "long/in/\u{1b}/"] {
        server.put("data", key, "x");
    }
    let mut command = stub("doctor", &server);
    let (checks, status) = text(command.args(["--volume", "/a=s3://data"]));
    let wanted = "note  s3://data/ names: 2 of 4 keys are not shown in a mount, since no file can have their \
                  names: \"in/./y\", \"in//x\"";
    assert_eq!(checks.lines().last(), Some(wanted), "{checks}");
    assert_eq!(status, 0);
}

#[test]
fn what_is_missing_is_said() {
    let policy = Policy::read_only("data");
    let server = S3Local::builder()
        .access_key("limited", "limited-secret", policy)
        .start();
    server.create_bucket("data");
    let mut command = stub("doctor", &server);
    command
        .env("AWS_ACCESS_KEY_ID", "limited")
        .env("AWS_SECRET_ACCESS_KEY", "limited-secret");
    let (checks, status) = text(command.args([
        "--json",
        "--volume",
        "/a=s3://data",
        "--volume",
        "/b=s3://absent",
    ]));
    assert_eq!(status, 1);
    let checks: serde_json::Value = serde_json::from_str(&checks).unwrap();
    let problem = |what: &str| {
        let checks = checks.as_array().unwrap();
        let check = checks.iter().find(|check| check["what"] == what);
        check.unwrap_or_else(|| panic!("{what} in {checks:?}"))["problem"].as_str()
    };
    assert_eq!(problem("s3://data/ s3:GetObject"), None);
    for action in ["s3:PutObject", "s3:DeleteObject"] {
        let problem = problem(&format!("s3://data/ {action}")).unwrap();
        assert!(problem.contains("access denied"), "{problem}");
    }
    assert!(problem("s3://absent/").is_some());
}

/// Starts `stub serve` and parses its output of this many lines.
fn serving(arguments: &[&str], lines: usize) -> (Child, Vec<(String, String)>) {
    let mut child = program()
        .arg("serve")
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .take(lines);
    let variables = lines.map(|line| {
        let line = line.unwrap();
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    let variables = variables.collect();
    (child, variables)
}

#[test]
fn a_folder_is_served_as_buckets_and_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (script, expected) in [("echo kept > /stub-b/x", ""), ("cat /stub-b/x", "kept\n")] {
        let (mut server, variables) = serving(&[path, "--bucket", "data"], 4);
        let url = variables[0].1.clone();
        let output = program()
            .args(["run", "--endpoint-url", &url, "--force-path-style"])
            .args(["--volume", "/stub-b=s3://data", "--", "sh", "-c", script])
            .envs(variables)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        kill(
            Pid::from_raw(server.id().try_into().unwrap()),
            Signal::SIGINT,
        )
        .unwrap();
        assert!(server.wait().unwrap().success());
    }
}

#[test]
fn a_server_of_https_is_used_with_its_certificate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.pem");
    let https = ["--bucket", "data", "--https", file.to_str().unwrap()];
    let (mut server, variables) = serving(&https, 5);
    let find = |name| variables.iter().find(|(known, _)| known == name);
    let url = &find("AWS_ENDPOINT_URL").unwrap().1;
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    // Several parts each way, of a size that no block divides; the second mount has no page of it.
    let write = "seq 3000001 > /stub-b/x && sha256sum < /stub-b/x";
    let read = "seq 3000001 | cmp - /stub-b/x && sha256sum < /stub-b/x";
    let run = |script| {
        let mut run = program();
        run.args(["run", "--endpoint-url", url, "--force-path-style"])
            .args(["--volume", "/stub-b=s3://data", "--", "sh", "-c", script])
            .envs(variables.iter().cloned());
        run
    };
    let sums = [write, read].map(|script| {
        let output = run(script).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    assert_eq!(sums[0], sums[1]);
    let refused = run(read).env_remove("AWS_CA_BUNDLE").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("certificate"), "{said}");
    kill(
        Pid::from_raw(server.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    assert!(server.wait().unwrap().success());
}

#[test]
fn shells_and_readers_of_manuals_are_served() {
    let stub = program;
    let (script, status) = text(stub().args(["completions", "bash"]));
    assert!(status == 0 && script.contains("--no-network"), "{script}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(text(stub().arg("man").arg(&pages)).1, 0);
    let page = std::fs::read_to_string(pages.join("stub-run.1")).unwrap();
    assert!(
        page.contains("\\-\\-volume") && page.contains("Exit status"),
        "{page}"
    );
}
