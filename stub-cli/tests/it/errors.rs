//! Printed errors of the program: each cause once, and the remedy on a line of its own.

use std::fs;
use std::path::Path;

use stub_test_support::repeated;

use crate::{program, server};

/// Returns the error that `stub ARGUMENTS` prints in a folder.
#[track_caller]
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let mut command = program();
    command
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder.join("no-settings"))
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("stub: "), "{text}");
    assert_eq!(repeated(&text), None, "{text}");
    text
}

#[test]
fn of_a_bucket_each_cause_is_printed_once() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let run = |url: &str| {
        let text = printed(
            folder.path(),
            &[
                "run",
                "--endpoint-url",
                url,
                "--force-path-style",
                "--retry-timeout",
                "1s",
                "--volume",
                "/stub-in=s3://data",
                "true",
            ],
        );
        let begin =
            "stub: `true` failed to mount volume `/stub-in`: failed to open bucket data at ";
        assert!(text.starts_with(begin), "{text}");
        text
    };
    let text = run(&server.endpoint_url());
    assert!(text.contains(", request ID 0"), "{text}");
    assert!(
        text.ends_with("\ncheck the access key and its secret, or renew the login or the file that they come from\n"),
        "{text}"
    );
    run("http://127.0.0.1:1");
    run("http://stub-errors.invalid");
}

#[test]
fn of_a_program_and_its_settings_each_cause_is_printed_once() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("stub.toml");
    printed(folder.path(), &["run", "no-such-program"]);
    fs::write(&settings, "[jobs.a]\ncommand = 7\n").unwrap();
    printed(folder.path(), &["jobs", "run", "a"]);
    fs::write(&settings, [0xff, 0xfe]).unwrap();
    let text = printed(folder.path(), &["jobs", "run", "a"]);
    assert!(text.contains("failed to read"), "{text}");
    assert!(text.contains("it is not UTF-8"), "{text}");
    let job = "[secrets]\nkeys.file = \"absent.env\"\n\n[jobs.a]\ncommand = [\"true\"]\nsecrets = [\"keys\"]\n";
    fs::write(&settings, job).unwrap();
    let text = printed(folder.path(), &["jobs", "run", "a"]);
    assert!(text.contains("No such file or directory"), "{text}");
    let job = "[jobs.a]\ncommand = [\"true\"]\n\n[jobs.a.volumes]\n\"/in\" = \"s3://data\"\n\n\
               [buckets.data]\nendpoint_url = \"http://id:secret@host\"\n";
    fs::write(&settings, job).unwrap();
    let text = printed(folder.path(), &["jobs", "run", "a"]);
    assert!(text.contains("failed to mount volume `/in`: "), "{text}");
}
