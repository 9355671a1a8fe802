//! `stub jobs`, and other effects of `stub.toml`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::Server;
use tempfile::TempDir;

use crate::{program, server};

/// Creates a folder with a `stub.toml` whose bucket `data` is on the server.
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

/// Runs `stub ARGUMENTS` in a folder, for a user without settings.
fn stub(folder: &Path, arguments: &[&str]) -> Output {
    program()
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
        text.contains("stub.toml`: line 10: unknown field `comand`"),
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
        "stub: failed to find job `no`; there are: copy, flaky, slow\n"
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
        text.contains("others can read the secret\nrun `chmod 600`"),
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
    let mut serving = program()
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
    assert!(
        text.contains("none has a schedule\nset one in stub.toml"),
        "{text}"
    );
}

#[test]
fn what_runs_did_is_kept_for_a_report() {
    let server = server();
    let folder = folder(&server, JOBS);
    let state = folder.path().join("state");
    let run = |arguments: &[&str]| {
        let mut command = program();
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_STATE_HOME", &state);
        says(&command.output().unwrap())
    };
    let (_, text, status) = run(&["jobs", "report"]);
    assert_eq!(status, 125);
    assert!(text.contains("no run is recorded"), "{text}");
    assert_eq!(run(&["jobs", "run", "flaky"]).2, 0);
    assert_eq!(run(&["jobs", "run", "slow"]).2, 124);
    assert_eq!(run(&["jobs", "run", "slow"]).2, 124);
    let (text, _, _) = run(&["jobs", "report", "--output", "all.html"]);
    assert_eq!(text, "all.html: 3 runs\n");
    let (text, _, _) = run(&["jobs", "report", "flaky", "--output", "flaky.html"]);
    assert_eq!(text, "flaky.html: 1 runs of `flaky`\n");
    let page = fs::read_to_string(folder.path().join("flaky.html")).unwrap();
    assert!(page.contains("\"name\":\"flaky\""), "{page}");
    assert!(
        page.contains("\"totals\":{\"done\":1,\"retried\":2,\"failed\":0,"),
        "{page}"
    );
    assert!(page.contains("`flaky` failed: exit status 1"), "{page}");
    let (_, text, status) = run(&["jobs", "report", "copy", "--output", "copy.html"]);
    assert_eq!(status, 125);
    assert!(text.contains("no run of `copy` is recorded"), "{text}");
    assert!(!folder.path().join("copy.html").exists());
}

#[test]
fn a_secret_may_be_a_profile() {
    let job = r#"
[secrets]
prod.profile = "prod"
absent.profile = "staging"

[jobs.shows]
command = ["sh", "-c", "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_REGION"]
secrets = ["prod"]

[jobs.cannot]
command = ["true"]
secrets = ["absent"]
"#;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stub.toml"), job).unwrap();
    let config = folder.path().join("config");
    let profile =
        "[profile prod]\naws_access_key_id = ID\naws_secret_access_key = KEY\nregion = eu-west-3\n";
    fs::write(&config, profile).unwrap();
    let run = |name: &str| {
        let mut command = program();
        command
            .args(["jobs", "run", name])
            .current_dir(folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_STATE_HOME", folder.path())
            .env("AWS_CONFIG_FILE", &config)
            .env("AWS_SHARED_CREDENTIALS_FILE", "/no/such/file");
        says(&command.output().unwrap())
    };
    assert_eq!(
        run("shows"),
        ("ID KEY eu-west-3\n".to_owned(), String::new(), 0)
    );
    let (_, text, status) = run("cannot");
    assert_eq!(status, 125);
    assert!(
        text.contains("staging") && text.contains("no such profile"),
        "{text}"
    );
}
