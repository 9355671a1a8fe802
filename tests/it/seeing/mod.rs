//! Observability: report pages, metrics, progress bars on a terminal, and spans.

use stub_test_support::{Clean, eventually, shared};

#[cfg(feature = "opentelemetry")]
mod exported;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::Server;
use serde_json::Value;

use crate::act::{act, output};
use crate::bucket;
use crate::examples::built;

fn program() -> String {
    built("examples").join("tasks").display().to_string()
}

/// Returns the command `tasks` with a bucket on this server.
fn tasks(server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::null());
    with_bucket(&mut command, server);
    command
}

fn with_bucket(command: &mut Command, server: &Server) {
    if !server.buckets().contains(&"examples".to_owned()) {
        server.create_bucket("examples");
    }
    command
        .env("S3_ENDPOINT_URL", server.endpoint_url())
        .env("AWS_ACCESS_KEY_ID", server.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key());
}

/// Returns a shell command whose streams are a terminal, unless they are redirected.
fn at_a_terminal(line: &str, server: &Server) -> Command {
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", line, "/dev/null"])
        .stdout(Stdio::piped());
    with_bucket(&mut command, server);
    command
}

/// Parses the records in a page.
fn records(page: &Path) -> Vec<Value> {
    let page = fs::read_to_string(page).unwrap();
    let (_, data) = page.split_once("type=\"application/json\"").unwrap();
    let data = data.split_once('>').unwrap().1;
    let data = data.split_once("</script>").unwrap().0;
    let data: Value = serde_json::from_str(data).unwrap();
    let records = data.get("records").cloned().unwrap_or(data);
    records.as_array().unwrap().clone()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_page_tells_of_each_input_and_of_the_requests() {
    let _clean = Clean::start();
    let server = bucket::server();
    let folder = shared();
    let [inputs, page] = ["inputs", "page.html"].map(|name| folder.path().join(name));
    let lines = (0..20).map(|n| format!("[\"{n}\", \"text\"]\n"));
    fs::write(
        &inputs,
        lines
            .chain(["[\"a/b\", \"\"]\n[1, 2, 3]\n".into()])
            .collect::<String>(),
    )
    .unwrap();
    let arguments = ["run", "note", "--inputs", inputs.to_str().unwrap()];
    let asked = ["--report", page.to_str().unwrap()];
    let output = tasks(&server, &[&arguments[..], &asked].concat()).output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    let [record] = <[Value; 1]>::try_from(records(&page)).unwrap();
    assert_eq!(record["name"], "tasks::note");
    assert_eq!(number(&record["totals"]["done"]), 20);
    // One whose folder is missing, and one that can't be its arguments.
    assert_eq!(number(&record["totals"]["failed"]), 2);
    let attempts = record["attempts"]["kept"].as_array().unwrap();
    let failed = attempts.iter().find(|one| one["input"] == 20).unwrap();
    assert_eq!(number(&failed["input"]), 20);
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("`tasks::note` (input 20) failed: "),
        "{error}"
    );
    let sandboxes = record["sandboxes"]["kept"].as_array().unwrap();
    let ran = |attempt: &&Value| attempt["sandbox"].as_u64().is_some();
    assert_eq!(attempts.iter().filter(ran).count(), 21);
    assert!(
        sandboxes
            .iter()
            .all(|one| one["ready"].is_number() && one["ended"].is_number())
    );
    let usage = &record["samples"]["last"]["usage"];
    assert_eq!(number(&usage["bytes_written"]), 80);
    assert!(number(&usage["puts"]) >= 20, "{usage}");
}

#[test]
fn any_program_can_be_asked_for_a_page_of_all_its_calls() {
    let _clean = Clean::start();
    let server = bucket::server();
    let folder = shared();
    let page = folder.path().join("page.html");
    let mut command = tasks(&server, &["run", "note", "--name", "x", "--text", "y"]);
    let status = command.env("STUB_REPORT", &page).status().unwrap();
    assert!(status.success());
    let [record] = <[Value; 1]>::try_from(records(&page)).unwrap();
    assert_eq!(number(&record["totals"]["done"]), 1);
    assert!(record["ended"].is_number());
}

/// Dies, or lasts until others have died.
#[stub::function(max_containers = 4)]
fn dies(n: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(n % 4 * 20));
    assert!(n % 4 != 1, "it dies");
    n
}

#[stub::function]
fn is_asked() -> bool {
    std::env::var_os("STUB_REPORT").is_some() || std::env::var_os("STUB_PROGRESS").is_some()
}

/// Runs calls with the page and the bars that the environment requests.
#[test]
#[ignore = "run by another test"]
fn watched_act() {
    let failed = dies::map(0..40).filter(Result::is_err).count();
    assert_eq!(failed, 10);
    let some: Vec<_> = dies::map((0..4000).step_by(4)).take(3).collect();
    assert_eq!(some.len(), 3);
    assert!(!is_asked().unwrap(), "a job's own calls are not asked for");
}

#[test]
fn attempts_are_in_the_sandboxes_that_they_had() {
    let _clean = Clean::start();
    let folder = shared();
    let page = folder.path().join("page.html");
    let mut command = act("seeing::watched_act");
    let (good, text) = output(command.env("STUB_REPORT", &page).env("STUB_PROGRESS", "1"));
    assert!(good, "{text}");
    let [single, given_up, map] = <[Value; 3]>::try_from(records(&page)).unwrap();
    assert_eq!(
        number(&given_up["totals"]["failed"]),
        0,
        "{}",
        given_up["totals"]
    );
    assert!(number(&given_up["totals"]["done"]) >= 3);
    assert_eq!(single["name"], "it::seeing::is_asked");
    let sandboxes = map["sandboxes"]["kept"].as_array().unwrap();
    for attempt in map["attempts"]["kept"].as_array().unwrap() {
        let sandbox = usize::try_from(number(&attempt["sandbox"])).unwrap();
        let within = |name: &str| attempt[name].as_f64().unwrap();
        let life = |name: &str| sandboxes[sandbox][name].as_f64().unwrap();
        assert!(
            life("began") <= within("from"),
            "{attempt} {}",
            sandboxes[sandbox]
        );
        assert!(
            within("from") <= life("ended"),
            "{attempt} {}",
            sandboxes[sandbox]
        );
    }
}

#[test]
fn a_page_that_cannot_be_written_is_told_before_anything_is_run() {
    let _clean = Clean::start();
    let server = bucket::server();
    let arguments = [
        "run",
        "note",
        "--name",
        "x",
        "--text",
        "y",
        "--report",
        "/no/such/folder/page",
    ];
    let output = tasks(&server, &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("stub: failed to write `/no/such/folder/page`: "),
        "{text}"
    );
    assert_eq!(server.get("examples", "out/x"), None);
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn read(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

/// Returns the value of the metric whose line begins with `begin`.
fn metric(text: &str, begin: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(begin))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn metrics_can_be_read_while_it_runs() {
    let _clean = Clean::start();
    let server = bucket::server();
    let address = free_address();
    let mut command = tasks(&server, &["serve", "--metrics", &address.to_string()]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let of = "{function=\"tasks::tick-each-second\"";
    let text = eventually("two ticks are counted", || {
        let text = read(address)?;
        let ticks = metric(&text, &format!("stub_attempts_total{of},result=\"ok\"}}"))?;
        (ticks >= 2.0).then_some(text)
    });
    let puts = metric(
        &text,
        &format!("stub_requests_total{of},operation=\"PUT\"}}"),
    );
    assert!(puts.is_some_and(|puts| puts >= 2.0), "{text}");
    assert!(
        metric(&text, &format!("stub_attempt_seconds_count{of}")).is_some_and(|count| count >= 2.0)
    );
    assert!(text.contains("# TYPE stub_sandboxes gauge"), "{text}");
    end(child);
    let taken = TcpListener::bind(address).unwrap();
    let mut command = tasks(&server, &["serve", "--metrics", &address.to_string()]);
    let output = command.output().unwrap();
    drop(taken);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with(&format!("stub: failed to serve metrics at {address}: ")),
        "{text}"
    );
}

fn end(mut child: Child) {
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_person_who_waits_sees_how_far_a_map_has_come() {
    let _clean = Clean::start();
    let server = bucket::server();
    let folder = shared();
    let inputs = folder.path().join("inputs");
    fs::write(&inputs, "[\"a\", 1]\n".repeat(40)).unwrap();
    let line = format!(
        "{} run say --inputs {} > {}",
        program(),
        inputs.display(),
        folder.path().join("out").display()
    );
    let output = at_a_terminal(&line, &server)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(" of 40 done, 0 failed, "), "{text}");
    assert!(text.contains(" left"), "{text}");
    assert!(text.contains("[7] a ends"), "{text}");
}

#[test]
fn ctrl_c_at_a_terminal_is_the_callers_to_answer() {
    let _clean = Clean::start();
    let server = bucket::server();
    let line = format!("{} run wait --seconds 50", program());
    let mut command = at_a_terminal(&line, &server);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    eventually("it waits", || server.get("examples", "out/waiting"));
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"\x03").unwrap();
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    drop(keys);
    assert_eq!(child.wait().unwrap().code(), Some(130), "{text}");
    assert!(text.contains("stub: `tasks::wait` was cancelled"), "{text}");
}

#[test]
fn what_supervisors_log_says_of_which_call_it_is() {
    let _clean = Clean::start();
    let server = bucket::server();
    let mut command = tasks(&server, &["run", "note", "--name", "x", "--text", "y"]);
    command.env("STUB_LOG", "stub_runtime=debug,s3fs_core=debug");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let whole = "supervisor{function=\"tasks::note\" call=\"";
    assert!(
        text.contains(whole) && text.contains("sandbox=1}"),
        "{text}"
    );
}
