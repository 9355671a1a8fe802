//! Calls of programs instead of functions.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use stub_runtime::ErrorKind;
use stub_runtime::Retries;
use stub_runtime::call::{CallSpec, Ended, Limits, Outcome, Work};
use stub_runtime::engines::run_command;
use stub_runtime::local::Canceller;

use crate::harness::{folder, no_mounts};

fn spec(program: &str, arguments: &[&str]) -> CallSpec {
    CallSpec {
        version: CallSpec::VERSION,
        name: None,
        work: Work::Command {
            program: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
        },
        volumes: Vec::new(),
        environment: BTreeMap::new(),
        timeout: None,
        network: true,
        isolate: false,
        limits: Limits::default(),
        workdir: PathBuf::from("/"),
    }
}

fn shell(script: &str) -> CallSpec {
    spec("sh", &["-c", script])
}

fn ended(spec: &CallSpec) -> Ended {
    let Outcome { ended, not_stored } =
        run_command(spec, &Retries::default(), &Canceller::default()).unwrap();
    assert_eq!(not_stored, []);
    no_mounts();
    ended
}

#[test]
fn exit_statuses_signals_and_timeouts_come_back() {
    assert_eq!(ended(&shell("exit 0")), Ended::Exited { code: 0 });
    assert_eq!(ended(&shell("exit 37")), Ended::Exited { code: 37 });
    assert_eq!(ended(&shell("kill -15 $$")), Ended::Killed { signal: 15 });
    let after = Duration::from_millis(150);
    let slow = CallSpec {
        timeout: Some(after),
        ..shell("sleep 600")
    };
    assert_eq!(ended(&slow), Ended::TimedOut { after });
}

#[test]
fn environment_and_working_folder_are_the_specs() {
    let (_guard, path) = folder();
    let environment = BTreeMap::from([("GIVEN".to_owned(), "a value".to_owned())]);
    let script = "printf %s \"$GIVEN\" > found";
    let given = CallSpec {
        environment,
        workdir: path.clone(),
        ..shell(script)
    };
    assert_eq!(ended(&given), Ended::Exited { code: 0 });
    assert_eq!(
        std::fs::read_to_string(path.join("found")).unwrap(),
        "a value"
    );
}

#[test]
fn what_cannot_be_started_is_named() {
    let error = run_command(
        &spec("no-such-program", &[]),
        &Retries::default(),
        &Canceller::default(),
    )
    .unwrap_err();
    let ErrorKind::NotStarted { source } = &error.kind else {
        panic!("{error:?}")
    };
    assert_eq!(&*error.attempt.function, "no-such-program");
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = run_command(
        &spec(file.path().to_str().unwrap(), &[]),
        &Retries::default(),
        &Canceller::default(),
    )
    .unwrap_err();
    let ErrorKind::NotStarted { source, .. } = &error.kind else {
        panic!("{error:?}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
    let nowhere = CallSpec {
        workdir: "/no/such/folder".into(),
        ..shell("true")
    };
    let error = run_command(&nowhere, &Retries::default(), &Canceller::default()).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}

#[test]
fn standard_streams_are_the_callers() {
    let mut act = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "commands::cat_act", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    act.stdin
        .take()
        .unwrap()
        .write_all(b"through the job\n")
        .unwrap();
    let output = act.wait_with_output().unwrap();
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("through the job\n")
    );
}

#[test]
#[ignore = "run by another test"]
fn cat_act() {
    assert_eq!(ended(&spec("cat", &[])), Ended::Exited { code: 0 });
}
