//! Command line of a program: its output, word for word, and its exit status.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::Server;
use stub_test_support::{Clean, eventually, shared, with_default_signals};

use crate::bucket;
use crate::examples::built;

fn tasks(arguments: &[&str]) -> Command {
    let mut command = with_default_signals(built("examples").join("tasks"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program; returns the output on both streams, and the exit status.
fn says(arguments: &[&str]) -> (String, String, i32) {
    let output = tasks(arguments).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (out, err, output.status.code().unwrap())
}

#[track_caller]
fn prints(arguments: &[&str], expected: &str) {
    assert_eq!(says(arguments), (expected.to_owned(), String::new(), 0));
}

#[track_caller]
fn refuses(arguments: &[&str], expected: &str, status: i32) {
    assert_eq!(
        says(arguments),
        (String::new(), expected.to_owned(), status)
    );
}

#[test]
fn functions_are_listed_with_their_arguments() {
    let _clean = Clean::start();
    prints(
        &["list"],
        "\
grep(pattern: String, files: Vec<String>, most: Option<usize>, number: bool)  Finds the lines that hold a text.
note(name: String, text: String)                                              Writes a text to a file of the bucket.
say(text: String, times: u32)                                                 Prints a text as often as it is told to, and a part of a line.
tick-each-second()                                                            Notes the time, each second.
wait(seconds: u64)                                                            Waits, after it has written that it does.
words(file: String)                                                           Counts the lines, words and bytes of a file.
",
    );
    let (json, _, status) = says(&["list", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &json[0]["name"]), (0, &"grep".into()));
    assert_eq!(json[5]["parameters"][0]["type"], "String");
    assert_eq!(json[5]["volumes"][0], "/in");
}

#[test]
fn help_comes_from_the_documentation() {
    let _clean = Clean::start();
    prints(
        &["run", "words", "--help"],
        "\
Counts the lines, words and bytes of a file.

The file is a key of the bucket `examples`.

Usage: tasks run words [OPTIONS]

Options:
      --write-result <FILE>
          Write the value to this file instead of printing it

      --engine <NAME>
          Run on this engine: `local`, or a cluster of `[engine]` in stub.toml, such as `slurm`

  -h, --help
          Print help (see a summary with '-h')

Arguments:
      --file <String>
          

Many inputs:
      --inputs <FILE>
          Call the function for each line of this file, which is JSON (`-`: standard input)

      --unordered
          Print values as they are ready instead of in the order of the inputs

Observation:
      --summary
          Print elapsed time, requests, bytes and their list price at the end

      --report <FILE>
          Write a page about the run to this file: attempts, throughput and requests over time

      --metrics <ADDRESS>
          Serve Prometheus metrics at this address during the run, such as 127.0.0.1:9091
",
    );
}

#[test]
fn arguments_have_the_types_of_the_function() {
    let _clean = Clean::start();
    prints(
        &["run", "words", "--file", "poems/short.txt"],
        "{\n  \"bytes\": 19,\n  \"lines\": 2,\n  \"words\": 6\n}\n",
    );
    let files = ["--files", "hello.txt", "--files", "poems/short.txt"];
    let grep = ["run", "grep", "--pattern", "be"];
    prints(
        &[&grep[..], &files[..], &["--number"]].concat(),
        "[\n  \"poems/short.txt:1: to be\",\n  \"poems/short.txt:2: or not to be\"\n]\n",
    );
    prints(
        &[&grep[..], &files[..], &["--most", "1"]].concat(),
        "[\n  \"poems/short.txt: to be\"\n]\n",
    );
    prints(&["run", "note", "--name", "x", "--text", "-y"], "");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let _clean = Clean::start();
    refuses(
        &["run", "wait", "--seconds", "soon"],
        "stub: `--seconds`, of type `u64`: `soon` is not a whole number from 0 that fits\n",
        2,
    );
    refuses(
        &["run", "word"],
        "error: unrecognized subcommand 'word'\n\n  tip: a similar subcommand exists: 'words'\n\n\
         Usage: tasks run <NAME>\n\nFor more information, try '--help'.\n",
        2,
    );
    refuses(
        &["run", "words", "--file", "no-such-file"],
        "stub: `tasks::words` failed: No such file or directory (os error 2)\n",
        1,
    );
    refuses(
        &["run", "words", "--inputs", "/no/such/file"],
        "stub: failed to read `/no/such/file`: No such file or directory (os error 2)\n",
        2,
    );
}

#[test]
fn what_is_declared_can_be_seen() {
    let _clean = Clean::start();
    prints(
        &["mounts"],
        "\
grep              /in   s3://examples/      read-only
note              /out  s3://examples/out/  read and write
tick-each-second  /out  s3://examples/out/  read and write
wait              /out  s3://examples/out/  read and write
words             /in   s3://examples/      read-only
",
    );
    let (policy, _, status) = says(&["policy"]);
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    assert_eq!(status, 0);
    assert_eq!(
        policy["Statement"][2]["Resource"][0],
        "arn:aws:s3:::examples/out/*"
    );
}

#[test]
fn a_file_of_inputs_gives_a_line_for_each() {
    let _clean = Clean::start();
    let folder = shared();
    let [inputs, results] = ["inputs", "results"].map(|name| folder.path().join(name));
    let lines = "\"hello.txt\"\n\n{\"file\": \"poems/short.txt\"}\n7\n\"no-such-file\"\n{\n";
    fs::write(&inputs, lines).unwrap();
    let inputs = inputs.to_str().unwrap();
    let to_file = ["--write-result", results.to_str().unwrap()];
    let run = ["run", "words", "--inputs", inputs];
    refuses(
        &[&run[..], &to_file[..]].concat(),
        "stub: 3 inputs failed\n",
        1,
    );
    assert_eq!(
        fs::read_to_string(&results).unwrap(),
        "\
{\"index\":0,\"value\":{\"bytes\":21,\"lines\":1,\"words\":4}}
{\"index\":1,\"value\":{\"bytes\":19,\"lines\":2,\"words\":6}}
{\"error\":\"`tasks::words` (input 2) was called with invalid arguments: `--file`, of type `String`: invalid type: integer `7`, expected a string\",\"index\":2}
{\"error\":\"`tasks::words` (input 3) failed: No such file or directory (os error 2)\",\"index\":3}
{\"error\":\"`tasks::words` (input 4) was called with invalid arguments: the line is not JSON: EOF while parsing an object at line 1 column 1\",\"index\":4}
"
    );
}

fn started(server: &Server, arguments: &[&str]) -> std::process::Child {
    server.create_bucket("examples");
    let mut command = tasks(arguments);
    command
        .env("S3_ENDPOINT_URL", server.endpoint_url())
        .env("AWS_ACCESS_KEY_ID", server.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Starts the function `wait`, and waits until its file is stored.
fn waiting(server: &Server) -> std::process::Child {
    let child = started(server, &["run", "wait", "--seconds", "50"]);
    eventually("it waits", || server.get("examples", "out/waiting"));
    child
}

fn signal(child: &std::process::Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

#[test]
fn an_interrupted_call_ends_politely_with_130() {
    let _clean = Clean::start();
    let server = bucket::server();
    let child = waiting(&server);
    signal(&child, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "stub: ending, and storing what was written; once more ends it at once\n\
         stub: `tasks::wait` was cancelled\n"
    );
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let clean = Clean::start();
    let server = bucket::server();
    let mut child = waiting(&server);
    signal(&child, Signal::SIGTERM);
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    clean.settle();
}

#[test]
fn functions_with_a_schedule_are_run_at_their_times() {
    let _clean = Clean::start();
    let server = bucket::server();
    let child = started(&server, &["serve"]);
    let first = eventually("it ticks", || server.get("examples", "out/tick"));
    eventually("it ticks again", || {
        server
            .get("examples", "out/tick")
            .filter(|now| *now != first)
    });
    signal(&child, Signal::SIGTERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("stub: tick-each-second: * * * * * *\nstub: tick-each-second begins\nstub: tick-each-second ended well\n"),
        "{text}"
    );
}

#[test]
fn lines_of_a_map_have_the_number_of_their_input() {
    let _clean = Clean::start();
    let folder = shared();
    let [inputs, results] = ["inputs", "results"].map(|name| folder.path().join(name));
    let lines: Vec<_> = (0..20)
        .map(|n| format!("[\"input {n}\", {}]", n % 4))
        .collect();
    let lines = lines.join("\n");
    fs::write(&inputs, lines).unwrap();
    let run = ["run", "say", "--inputs", inputs.to_str().unwrap()];
    let (out, err, status) =
        says(&[&run[..], &["--write-result", results.to_str().unwrap()]].concat());
    assert_eq!(status, 0, "{err}");
    for n in 0..20 {
        let prefix = format!("[{n}] ");
        let of = |text: &str| {
            let lines = text.lines().filter(|line| line.starts_with(&prefix));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let expected: Vec<_> = (1..=n % 4)
            .map(|k| format!("[{n}] input {n} {k}"))
            .collect();
        assert_eq!(of(&out), expected);
        assert_eq!(of(&err), [format!("[{n}] input {n} ends")]);
    }
}

#[test]
fn a_value_does_not_wait_for_the_next_line_and_neither_does_ctrl_c() {
    let _clean = Clean::start();
    let server = bucket::server();
    server.create_bucket("examples");
    let mut command = tasks(&["run", "note", "--inputs", "-"]);
    command
        .env("S3_ENDPOINT_URL", server.endpoint_url())
        .env("AWS_ACCESS_KEY_ID", server.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut values = BufReader::new(child.stdout.take().unwrap()).lines();
    for n in 0..3 {
        writeln!(stdin, "[\"{n}\", \"text\"]").unwrap();
        let value = values.next().unwrap().unwrap();
        assert_eq!(value, format!("{{\"index\":{n},\"value\":null}}"));
    }
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(stdin);
}
