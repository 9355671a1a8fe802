//! Ends of `stub run`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use s3_local::Operation;

use crate::mount::{Mounted, is_mounted};
use crate::{server, stub};

use super::{
    Connections, against, children, ended, eventually, hang, is_there, repeat_sigterm, run, signal,
    silent, text,
};

#[test]
fn a_timeout_ends_a_run_that_is_still_connecting() {
    let listener = silent();
    let child = against(&listener, "run")
        .args(["--timeout", "1", "--volume", "/stub-out=s3://data"])
        .args(["--", "true"])
        .spawn()
        .unwrap();
    let connection = listener.accept().unwrap();
    assert_eq!(ended(child).status.code(), Some(124));
    drop(connection);
}

#[test]
fn a_timeout_and_a_signal_end_a_program_that_waits_for_the_bucket() {
    let go = tempfile::tempdir().unwrap();
    for (options, status) in [(&["--timeout", "3"][..], 124), (&[], 130)] {
        let server = server();
        server.put("data", "d/f", "1");
        let go = go.path().join(status.to_string());
        let script = format!(
            "echo ready; until test -e {}; do sleep 0.02; done; ls /stub-out/d; cat /stub-out/d/f",
            go.display()
        );
        let mut child = run(&server, options, &script);
        let mut ready = [0; 5];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .unwrap();
        hang(&server, Operation::ListObjectsV2, None);
        hang(&server, Operation::HeadObject, None);
        hang(&server, Operation::GetObject, None);
        let armed = server.knobs().pending_faults();
        File::create(go).unwrap();
        eventually("it waits", || server.knobs().pending_faults() < armed);
        if options.is_empty() {
            signal(&child, Signal::SIGTERM);
        }
        assert_eq!(ended(child).status.code(), Some(status));
    }
}

#[test]
fn what_a_server_does_not_take_after_a_timeout_is_named() {
    let server = server();
    hang(&server, Operation::PutObject, Some("second"));
    let script = "printf 1 > /stub-out/first; printf 2 > /stub-out/second; exec sleep 600";
    let output = ended(run(&server, &["--timeout", "2"], script));
    assert_eq!(output.status.code(), Some(124));
    let said = text(&output.stderr);
    assert!(said.contains("not stored: s3://data/second: "), "{said}");
    assert_eq!(server.get("data", "first").unwrap(), "1".as_bytes());
}

#[test]
fn a_second_signal_names_what_is_lost() {
    let server = server();
    hang(&server, Operation::PutObject, Some("second"));
    let script = "printf 1 > /stub-out/first; printf 2 > /stub-out/second; echo ready; sleep 600";
    let state = tempfile::tempdir().unwrap();
    let mut child = stub("run", &server)
        .args(["--volume", "/stub-out=s3://data", "--", "sh", "-c", script])
        .env("XDG_STATE_HOME", state.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 5];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .unwrap();
    signal(&child, Signal::SIGTERM);
    signal(&child, Signal::SIGINT);
    let output = ended(child);
    assert_eq!(output.status.code(), Some(130));
    let said = text(&output.stderr);
    assert!(said.contains("not stored: s3://data/second: "), "{said}");
}

#[test]
fn a_signal_that_is_sent_twice_leaves_a_run_its_time() {
    let server = server();
    let script = "trap 'sleep 1; printf term > /stub-out/trapped; exit 0' TERM; \
                  printf 1 > /stub-out/ready; while :; do sleep 0.05; done";
    let child = run(&server, &[], script);
    eventually("it is ready", || server.get("data", "ready").is_some());
    let is_quick = repeat_sigterm(&child);
    let output = ended(child);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let stored = server.get("data", "trapped");
    assert!(stored.is_some() || !is_quick, "{}", text(&output.stderr));
}

#[test]
fn a_program_gets_the_hangup_of_its_terminal_and_what_it_writes_then_is_stored() {
    let server = server();
    let script = "trap 'printf hup > /stub-out/trapped; exit 0' HUP; \
                  printf 1 > /stub-out/ready; while :; do sleep 0.05; done";
    let child = run(&server, &[], script);
    eventually("it is ready", || server.get("data", "ready").is_some());
    signal(&child, Signal::SIGHUP);
    let output = ended(child);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(server.get("data", "trapped").unwrap(), "hup".as_bytes());
}

#[test]
fn a_signal_that_was_to_be_ignored_is() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let stub = stub("mount", &server);
    // In the place of the program: `env` would undo it.
    let mut words: Vec<_> = stub.get_args().collect();
    words.insert(1, "nohup".as_ref());
    let mut command = Command::new(stub.get_program());
    command
        .args(words)
        .arg("data")
        .arg(folder.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in stub.get_envs() {
        command.env(name, value.unwrap());
    }
    let mut mounted = Mounted::of(command);
    mounted.signal(Signal::SIGHUP);
    fs::write(folder.path().join("after"), "1").unwrap();
    assert!(is_mounted(folder.path()));
    mounted.signal(Signal::SIGTERM);
    assert_eq!(mounted.status(), Some(0));
    assert_eq!(server.get("data", "after").unwrap(), "1".as_bytes());
}

#[test]
fn what_a_program_had_open_when_its_connection_was_aborted_is_not_stored() {
    let (server, connections) = (server(), Connections::new());
    let script = "printf 1 > /stub-out/closed; exec 3> /stub-out/open; printf 2 >&3; \
                  grep ' /stub-out ' /proc/self/mountinfo; read line; exit 0";
    let mut child = stub("run", &server)
        .args(["--volume", "/stub-out=s3://data", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut table = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    said.read_line(&mut table).unwrap();
    connections.abort_in(&table, Path::new("/stub-out"));
    drop(child.stdin.take());
    let output = ended(child);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("not stored: s3://data/open: "), "{said}");
    assert!(!said.contains("s3://data/closed"), "{said}");
}

#[test]
fn nothing_is_moved_any_more_when_the_caller_of_a_run_is_killed() {
    let server = server();
    for number in 0..1500 {
        server.put("data", &format!("from/{number:04}"), "bytes");
    }
    server.knobs().set_latency(Duration::from_millis(200));
    let script = "echo ready; exec mv /stub-out/from /stub-out/to";
    let mut child = run(&server, &[], script);
    let mut ready = [0; 5];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .unwrap();
    let copies = || server.log().count(Operation::CopyObject);
    eventually("it copies", || copies() > 64);
    let supervisors = children(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the supervisor ends", || {
        !supervisors.iter().any(|pid| is_there(*pid))
    });
    assert!(copies() < 1500, "{}", copies());
    assert_eq!(server.log().count(Operation::DeleteObject), 0);
    let keys = server.keys("data");
    assert_eq!(
        keys.iter().filter(|key| key.starts_with("from/")).count(),
        1500
    );
}

#[test]
fn a_folder_whose_move_is_cut_short_by_a_timeout_stays_where_it_was() {
    let server = server();
    for number in 0..3000 {
        server.put("data", &format!("from/{number:04}"), "bytes");
    }
    server.knobs().set_latency(Duration::from_millis(100));
    let script = "exec mv /stub-out/from /stub-out/to";
    let output = ended(run(&server, &["--timeout", "2"], script));
    assert_eq!(output.status.code(), Some(124), "{}", text(&output.stderr));
    let keys = server.keys("data");
    let count = |prefix: &str| keys.iter().filter(|key| key.starts_with(prefix)).count();
    assert_eq!((count("from/"), count("to/")), (3000, 0));
}

/// Program that stops the first process of its sandbox, and continues.
const STOPS_INIT: &str = "
import ctypes, time
ATTACH = 16
assert ctypes.CDLL(None).ptrace(ATTACH, 1, 0, 0) == 0
open('/stub-out/stopped', 'w').close()
time.sleep(600)
";

#[test]
fn a_root_program_that_stops_the_first_process_of_its_sandbox_does_not_outlive_its_time() {
    let server = server();
    let child = stub("run", &server)
        .args(["--timeout", "4", "--volume", "/stub-out=s3://data"])
        .args(["--", "python3", "-c", STOPS_INIT])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = ended(child);
    assert_eq!(output.status.code(), Some(124), "{}", text(&output.stderr));
    assert!(server.get("data", "stopped").is_some(), "it was stopped");
}

/// Program that passes a file to a process outside by a socket, and ends.
const HANDS_OVER: &str = "
import array, socket, sys
file = open('/stub-out/handed', 'wb', buffering=0)
file.write(b'inside ')
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
line.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [file.fileno()]))])
line.recv(1)
";

/// Program that receives the file, writes to it until a write fails, and prints the number of accepted
/// bytes.
const WRITES_ON: &str = "
import array, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.bind(sys.argv[1])
line.listen()
print('ready', flush=True)
inside, _ = line.accept()
_, rights, _, _ = inside.recvmsg(1, socket.CMSG_LEN(4))
file = array.array('i', rights[0][2])[0]
inside.send(b'x')
accepted = 7
try:
    while True:
        accepted += os.write(file, b'outside ')
except OSError:
    print(accepted, flush=True)
";

#[test]
fn what_a_program_outside_writes_through_a_handed_descriptor_is_stored_or_refused() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let socket = folder.path().join("socket");
    let mut outside = Command::new("python3")
        .args(["-c", WRITES_ON])
        .arg(&socket)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    let out = outside.stdout.as_mut().unwrap();
    out.read_exact(&mut ready).unwrap();
    let child = stub("run", &server)
        .args([
            "--volume",
            "/stub-out=s3://data",
            "--",
            "python3",
            "-c",
            HANDS_OVER,
        ])
        .arg(&socket)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = ended(child);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let accepted = text(&outside.wait_with_output().unwrap().stdout);
    let stored = server.get("data", "handed").unwrap().len();
    assert_eq!(accepted.trim(), stored.to_string());
}
