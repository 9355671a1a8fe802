//! Acts, which run in their own process: callers, and the functions that they call.

use std::fs;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use stub::{Call, CloudBucketMount};
use stub_runtime::Retries;
use stub_runtime::call::{CallSpec, Limits, Work};
use stub_runtime::{cli, engines};

#[stub::function]
fn double(number: u64) -> u64 {
    2 * number
}

#[stub::function]
fn slowly(number: u64) -> u64 {
    sleep(Duration::from_millis(400));
    number
}

#[stub::function(volumes = <"/stub-it-k8s/data" => CloudBucketMount::new("data")>)]
fn hold(name: String) -> io::Result<()> {
    fs::write(format!("/stub-it-k8s/data/{name}"), "begun")?;
    sleep(Duration::from_mins(10));
    fs::write(format!("/stub-it-k8s/data/{name}"), "ended")
}

#[stub::function]
fn linger() {
    sleep(Duration::from_mins(10));
}

#[stub::function(timeout = Duration::from_mins(5), cpu = 0.5, memory = 512, lenient_limits = true)]
fn modest() -> bool {
    // Of the task itself, and of nobody's body.
    std::env::var_os("JOB_COMPLETION_INDEX").is_some() && !fs::exists("/run/no-such-file").unwrap()
}

fn argument() -> String {
    std::env::var("STUB_IT_ARGUMENT").unwrap()
}

/// Prints a message for the test.
fn say(text: &str) {
    writeln!(io::stdout().lock(), "said: {text}").unwrap();
}

fn joined(values: impl Iterator<Item = stub::Result<u64>>) -> String {
    let values =
        values.map(|value| value.map_or_else(|error| error.to_string(), |n| n.to_string()));
    values.collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "an act"]
fn doubles() {
    let count: u64 = argument().parse().unwrap();
    say(&joined(double::map(0..count)));
}

#[test]
#[ignore = "an act"]
fn maps_slowly() {
    let count: u64 = argument().parse().unwrap();
    say(&joined(slowly::map(0..count)));
}

#[test]
#[ignore = "an act"]
fn drops_a_map() {
    let mut values = slowly::map(0..argument().parse().unwrap());
    say(&joined(values.next().into_iter()));
    drop(values);
    say("dropped");
}

#[test]
#[ignore = "an act"]
fn calls_once() {
    let ended = modest();
    say(&ended.map_or_else(|error| error.to_string(), |value| value.to_string()));
}

#[test]
#[ignore = "an act"]
fn lingers() {
    say(&linger().unwrap_err().to_string());
}

#[test]
#[ignore = "an act"]
fn holds_and_cancels() {
    let call = hold::spawn(argument()).unwrap();
    say(call.id());
    // The test says when.
    io::stdin().read_line(&mut String::new()).unwrap();
    call.cancel();
    say(&call.get(None).unwrap_err().to_string());
}

#[test]
#[ignore = "an act"]
fn spawns_and_waits() {
    let call = slowly::spawn_map(0..argument().parse().unwrap()).unwrap();
    say(call.id());
    sleep(Duration::from_mins(10));
}

#[test]
#[ignore = "an act"]
fn finds_again() {
    let call = Call::<Vec<u64>>::from_map_id(&argument()).unwrap();
    say(&joined(call.get(None).unwrap().into_iter().map(Ok)));
}

#[test]
#[ignore = "an act"]
fn writes_down() {
    let spec = CallSpec {
        version: CallSpec::VERSION,
        name: None,
        work: Work::Command {
            program: "sh".into(),
            arguments: vec!["-c".into(), argument().into()],
        },
        volumes: Vec::new(),
        environment: [("TOKEN".to_owned(), "a-secret-token".to_owned())].into(),
        timeout: None,
        network: true,
        isolate: false,
        limits: Limits::default(),
        workdir: "/".into(),
    };
    let manifest = engines::manifest(&spec, &Retries::default()).unwrap();
    say(&manifest.id);
    let text: serde_json::Value = serde_json::from_str(&manifest.text).unwrap();
    say(&text.to_string());
}

#[test]
#[ignore = "an act"]
fn attaches() {
    say(&format!("{:?}", cli::attach(&argument())));
}
