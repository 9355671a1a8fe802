//! `stub run`.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use s3_local::{Policy, S3Local};

use crate::{program, server, stub};

/// Runs `stub run ARGUMENTS`, without volumes.
fn run(arguments: &[&str]) -> Output {
    program().arg("run").args(arguments).output().unwrap()
}

fn status(arguments: &[&str]) -> i32 {
    let output = run(arguments);
    assert_eq!(output.status.signal(), None);
    output.status.code().unwrap()
}

#[test]
fn the_status_is_the_programs_own() {
    assert_eq!(status(&["--", "true"]), 0);
    assert_eq!(status(&["--", "sh", "-c", "exit 7"]), 7);
    assert_eq!(status(&["--", "sh", "-c", "kill -TERM $$"]), 128 + 15);
}

#[test]
fn our_own_failures_have_statuses_of_their_own() {
    assert_eq!(status(&["--timeout", "1", "--", "sleep", "600"]), 124);
    assert_eq!(status(&["--no-such-option", "--", "true"]), 125);
    assert_eq!(status(&["--secret", "STUB_NOT_SET", "--", "true"]), 125);
    assert_eq!(status(&["--", "/etc/passwd"]), 126);
    assert_eq!(status(&["--", "no-such-program"]), 127);
}

#[test]
fn an_error_is_one_line() {
    let output = run(&["--secret", "STUB_NOT_SET", "--", "true"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        text,
        "stub: failed to pass secrets: not set in the environment: STUB_NOT_SET\n"
    );
}

#[test]
fn a_bucket_is_a_folder_for_the_program() {
    let server = server();
    let output = stub("run", &server)
        .args([
            "--volume",
            "/stub-in=s3://data/in:ro",
            "--volume",
            "/stub-out=s3://data/out",
        ])
        .args([
            "--",
            "sh",
            "-c",
            "cat /stub-in/hello.txt > /stub-out/copy.txt && ls /stub-in",
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.stdout, b"hello.txt\n");
    assert_eq!(
        server.get("data", "out/copy.txt").unwrap(),
        "hello".as_bytes()
    );
}

#[test]
fn the_program_sees_no_credentials_unless_they_are_handed_over() {
    let server = server();
    let show = [
        "--",
        "sh",
        "-c",
        "echo ${AWS_ACCESS_KEY_ID-none} ${AWS_SECRET_ACCESS_KEY-none} $A",
    ];
    let volume = ["--volume", "/stub-in=s3://data/in"];
    let output = stub("run", &server)
        .args(volume)
        .args(["--env", "A=b"])
        .args(show)
        .output();
    assert_eq!(output.unwrap().stdout, b"none none b\n");
    let handed = ["--secret", "AWS_ACCESS_KEY_ID"];
    let output = stub("run", &server)
        .args(volume)
        .args(handed)
        .args(show)
        .output()
        .unwrap();
    let expected = format!("{} none\n", server.access_key_id());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn a_bucket_that_does_not_exist_is_an_error_that_names_it() {
    let server = server();
    let mut command = stub("run", &server);
    let output = command
        .args(["--volume", "/stub-in=s3://missing", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(125));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("missing") && text.lines().count() == 2,
        "{text}"
    );
}

/// Starts a program that has written and closed the file `closed`, and waits.
fn waiting(server: &s3_local::Server) -> std::process::Child {
    let child = stub("run", server)
        .args(["--volume", "/stub-out=s3://data", "--", "sh", "-c"])
        .arg("printf all > /stub-out/closed; exec sleep 600")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    // The shell closes a copy of the descriptor before it writes, which stores the file empty.
    while server
        .get("data", "closed")
        .is_none_or(|bytes| bytes.is_empty())
    {
        assert!(Instant::now() < deadline, "it never waits");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_signal_ends_the_program_and_stores_what_it_wrote() {
    let server = server();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let child = waiting(&server);
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("stub: ending, and storing"), "{text}");
        assert_eq!(server.get("data", "closed").as_deref(), Some(&b"all"[..]));
        server.delete("data", "closed");
    }
}

#[test]
fn a_program_without_network_has_its_volumes() {
    let server = server();
    let reach = format!("exec 3<>/dev/tcp/127.0.0.1/{}", server.address().port());
    let script =
        format!("cat /stub-in/in/hello.txt; if ({reach}) 2>/dev/null; then echo reached; fi");
    for (option, expected) in [(None, "reached"), (Some("--no-network"), "")] {
        let output = stub("run", &server)
            .args(["--volume", "/stub-in=s3://data:ro"])
            .args(option)
            .args(["--", "bash", "-c", &script])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.trim_end().ends_with(expected) && output.status.success(),
            "{text}"
        );
        assert_eq!(text.contains("reached"), !expected.is_empty(), "{text}");
    }
}

#[test]
fn a_summary_says_what_was_asked_of_the_buckets() {
    let server = server();
    let output = stub("run", &server)
        .args(["--summary", "--volume", "/stub-in=s3://data", "--", "sh", "-c"])
        .arg("cat /stub-in/in/hello.txt > /dev/null; printf 123 > /stub-in/x; rm /stub-in/in/hello.txt")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let (begin, end) = text.split_once("; ").unwrap();
    assert!(
        begin.starts_with("stub: sh took ") && begin.ends_with(" s"),
        "{text}"
    );
    assert!(end.starts_with("read 5 B, wrote 3 B; "), "{text}");
    // It is what the server has seen.
    let log = server.log();
    let deletes = log.count(s3_local::Operation::DeleteObject)
        + log.count(s3_local::Operation::AbortMultipartUpload);
    assert!(
        end.contains(&format!(" {deletes} DELETE: $0.0000")),
        "{text}"
    );
    let lists = log.count(s3_local::Operation::ListObjectsV2);
    let gets = log.count(s3_local::Operation::GetObject);
    assert!(
        end.contains(&format!("; {lists} LIST, {gets} GET, ")),
        "{text} {lists} {gets}"
    );
}

/// Wraps a command so that its output streams are a terminal.
fn at_a_terminal(command: &Command) -> Command {
    let mut terminal = Command::new("script");
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let quoted: Vec<_> = words
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    terminal
        .args([
            "--quiet",
            "--return",
            "--command",
            &quoted.join(" "),
            "/dev/null",
        ])
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        terminal.env(name, value.unwrap());
    }
    terminal
}

#[test]
fn a_person_who_waits_sees_what_is_still_to_be_stored() {
    let server = server();
    server.knobs().set_bandwidth(Some(10_000_000));
    let mut command = stub("run", &server);
    command
        .args(["--volume", "/stub-out=s3://data", "--", "sh", "-c"])
        .arg("head -c 20000000 /dev/zero > /stub-out/x");
    let output = at_a_terminal(&command).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("storing 1 file: ["), "{text}");
    let output = command.output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "",
        "not in a pipe"
    );
}

#[test]
fn names_of_objects_reach_neither_terminal_nor_log_as_they_are() {
    let policy = Policy::read_only("data");
    let server = S3Local::builder()
        .access_key("limited", "limited-secret", policy)
        .start();
    server.create_bucket("data");
    let output = stub("run", &server)
        .env("AWS_ACCESS_KEY_ID", "limited")
        .env("AWS_SECRET_ACCESS_KEY", "limited-secret")
        .args(["--volume", "/stub-out=s3://data/out", "--", "sh", "-c"])
        .arg("printf x > \"/stub-out/$(printf 'a\\033]0;owned\\007\\nstub: all is well')\"; true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains(r"s3://data/out/a\u{1b}]0;owned\u{7}\nstub: all is well"),
        "{text}"
    );
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    assert!(
        !text
            .lines()
            .any(|line| line.starts_with("stub: all is well")),
        "{text}"
    );
}

#[test]
fn descriptors_that_a_shell_made_are_handed_on() {
    let script = |text: &str| {
        let output = Command::new("bash")
            .args(["-c", text])
            .env("STUB", env!("CARGO_BIN_EXE_stub"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(script("\"$STUB\" run -- cat <(echo x) <(echo y)"), "x\ny\n");
    assert_eq!(script("\"$STUB\" run -- sh -c 'cat <&7' 7<<<z"), "z\n");
    // One that a program writes to ends when the program does.
    let text = "\"$STUB\" run -- sh -c 'echo w >&5' 5>&1 >/dev/null | cat";
    assert_eq!(script(text), "w\n");
}

#[test]
fn a_working_folder_may_be_relative() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let output = program()
        .args(["run", "--workdir", "in", "--", "pwd"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let path = folder.path().canonicalize().unwrap().join("in");
    let expected = format!("{}\n", path.display());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn a_mount_path_may_hold_an_equals_sign() {
    let server = server();
    let output = stub("run", &server)
        .args([
            "--volume",
            "/stub-in/day=1=s3://data/in:ro",
            "--",
            "cat",
            "/stub-in/day=1/hello.txt",
        ])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"hello", "{output:?}");
}
