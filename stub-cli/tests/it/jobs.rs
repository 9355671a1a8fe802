//! `stub jobs`, and what else `stub.toml` does.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::Server;
use tempfile::TempDir;

use crate::server;

/// A folder with a `stub.toml` whose bucket `data` is that of the server.
fn folder(server: &Server, jobs: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.env");
    let (id, secret) = (server.access_key_id(), server.secret_access_key());
    let text = format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}\n");
    fs::write(&keys, text).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[secrets]\nkeys.file = \"keys.env\"\n\n[buckets.data]\nendpoint_url = \"{}\"\n\
         force_path_style = true\nsecret = \"keys\"\n\n{jobs}",
        server.endpoint_url()
    );
    fs::write(folder.path().join("stub.toml"), text).unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    folder
}

/// `stub ARGUMENTS` in a folder, for a user without settings of their own.
fn stub(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stub"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder.join("no-settings"))
        .env_remove("AWS_ACCESS_KEY_ID")
        .output()
        .unwrap()
}

fn says(output: &Output) -> (String, String, i32) {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    (out, err, output.status.code().unwrap())
}

const JOBS: &str = r#"
[jobs.copy]
description = "Copies the greeting."
command = ["sh", "-c", "cat /stub-in/hello.txt > /stub-out/$NAME; echo copied $1; pwd", "sh"]
volumes = { "/stub-in" = "s3://data/in:ro", "/stub-out" = "s3://data/out" }
env = { NAME = "copy" }

[jobs.flaky]
command = ["sh", "-c", "echo x >> tries; test $(wc -l < tries) = 3"]
retries = 5
retry_delay = "1s"

[jobs.slow]
command = ["sleep", "600"]
timeout = "1s"
"#;

#[test]
fn jobs_are_listed_and_run_from_wherever_one_is_below() {
    let server = server();
    let folder = folder(&server, JOBS);
    let below = folder.path().join("below");
    let listed = "copy   Copies the greeting.\nflaky  sh -c echo x >> tries; test $(wc -l < tries) = 3\nslow   sleep 600\n";
    assert_eq!(says(&stub(&below, &["jobs", "list"])).0, listed);
    let (json, _, _) = says(&stub(&below, &["jobs", "list", "--json"]));
    assert!(json.contains("\"Copies the greeting.\""), "{json}");
    let ran = says(&stub(&below, &["jobs", "run", "copy", "--", "it"]));
    let expected = format!(
        "copied it\n{}\n",
        folder.path().canonicalize().unwrap().display()
    );
    assert_eq!(ran, (expected, String::new(), 0));
    assert_eq!(
        server.get("data", "out/copy").as_deref(),
        Some(&b"hello"[..])
    );
}

#[test]
fn a_job_is_tried_again_and_has_its_time() {
    let server = server();
    let folder = folder(&server, JOBS);
    assert_eq!(says(&stub(folder.path(), &["jobs", "run", "flaky"])).2, 0);
    let tries = fs::read_to_string(folder.path().join("tries")).unwrap();
    assert_eq!(tries.lines().count(), 3);
    assert_eq!(says(&stub(folder.path(), &["jobs", "run", "slow"])).2, 124);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let server = server();
    let wrong = folder(&server, "[jobs.a]\ncomand = [\"x\"]\n");
    let (_, text, status) = says(&stub(wrong.path(), &["jobs", "run", "a"]));
    assert_eq!(status, 125);
    assert!(
        text.contains("stub.toml`, line 10: unknown field `comand`"),
        "{text}"
    );
    assert!(
        text.trim_end().ends_with("did you mean `command`?"),
        "{text}"
    );
    let right = folder(&server, JOBS);
    let (_, text, _) = says(&stub(right.path(), &["jobs", "run", "no"]));
    assert_eq!(
        text,
        "stub: there is no job `no`; there are: copy, flaky, slow\n"
    );
}

#[test]
fn volumes_of_the_command_line_have_the_defaults_too() {
    let server = server();
    let folder = folder(&server, "");
    let volume = ["run", "--volume", "/stub-in=s3://data/in:ro"];
    let program = ["--", "cat", "/stub-in/hello.txt"];
    let ran = says(&stub(folder.path(), &[&volume[..], &program[..]].concat()));
    assert_eq!(ran, ("hello".to_owned(), String::new(), 0));
    let keys = folder.path().join("keys.env");
    fs::set_permissions(keys, fs::Permissions::from_mode(0o644)).unwrap();
    let (_, text, status) = says(&stub(folder.path(), &[&volume[..], &program[..]].concat()));
    assert_eq!(status, 125);
    assert!(
        text.contains("others can read the secret; run `chmod 600`"),
        "{text}"
    );
}

#[test]
fn jobs_with_a_schedule_are_run_at_their_times_until_a_signal() {
    let server = server();
    let jobs = r#"
[jobs.often]
command = ["sh", "-c", "echo x >> ran"]
schedule = "* * * * * *"

[jobs.failing]
command = ["sh", "-c", "exit 3"]
schedule = "* * * * * *"

[jobs.never]
command = ["sh", "-c", "echo x >> never"]
"#;
    let folder = folder(&server, jobs);
    let mut serving = Command::new(env!("CARGO_BIN_EXE_stub"))
        .args(["jobs", "serve"])
        .current_dir(folder.path())
        .env("XDG_CONFIG_HOME", folder.path().join("no-settings"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(serving.stderr.take().unwrap()).lines();
    let mut said: Vec<String> = Vec::new();
    for line in lines.map(Result::unwrap) {
        said.push(line);
        let ended = |words: &str| said.iter().any(|line| line == words);
        if ended("stub: often ended well") && ended("stub: failing failed with status 3") {
            break;
        }
    }
    kill(
        Pid::from_raw(serving.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert!(serving.wait().unwrap().success());
    assert_eq!(
        said[..2],
        ["stub: failing: * * * * * *", "stub: often: * * * * * *"]
    );
    assert!(folder.path().join("ran").exists() && !folder.path().join("never").exists());
    let wrong = self::folder(
        &server,
        "[jobs.a]\ncommand = [\"x\"]\nschedule = \"at night\"\n",
    );
    let (_, text, _) = says(&stub(wrong.path(), &["jobs", "serve"]));
    assert!(
        text.contains("line 11: the schedule `at night` is not understood"),
        "{text}"
    );
    let none = self::folder(&server, "[jobs.a]\ncommand = [\"x\"]\n");
    let (_, text, _) = says(&stub(none.path(), &["jobs", "serve"]));
    assert!(text.contains("no job has a `schedule`"), "{text}");
}
