//! End of runs and mounts: by signals, timeouts, kills, and servers that do not answer.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::{Fault, Injection, Operation, Server};

use crate::mount::{Mounted, is_mounted};
use crate::{server, stub};

/// Time limit of a test step: far longer than any takes on a busy machine, far shorter than the timeout
/// for a server that does not answer.
const LIMIT: Duration = Duration::from_secs(45);

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a prompt end of the process.
fn ended(mut child: Child) -> Output {
    eventually("it ends", || child.try_wait().unwrap().is_some());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a server that accepts connections and never answers. Dropping it closes the connections.
fn silent() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn against(listener: &TcpListener, subcommand: &str) -> Command {
    let address = listener.local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stub"));
    command
        .arg(subcommand)
        .arg("--endpoint-url")
        .arg(format!("http://{address}"))
        .arg("--force-path-style")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .stderr(Stdio::piped());
    command
}

/// Leaves all requests of an operation for a key unanswered from now on.
fn hang(server: &Server, operation: Operation, key: Option<&str>) {
    let injection = Injection::new(operation, Fault::Hang).times(10_000);
    server.knobs().inject(match key {
        Some(key) => injection.on_key(key),
        None => injection,
    });
}

fn run(server: &Server, options: &[&str], script: &str) -> Child {
    stub("run", server)
        .args(["--volume", "/stub-out=s3://data"])
        .args(options)
        .args(["--", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_mount_that_is_still_connecting_obeys_signals() {
    let (listener, folder) = (silent(), tempfile::tempdir().unwrap());
    let child = against(&listener, "mount")
        .arg("data")
        .arg(folder.path())
        .spawn()
        .unwrap();
    let connection = listener.accept().unwrap();
    signal(&child, Signal::SIGTERM);
    let output = ended(child);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("before s3://data was mounted"), "{said}");
    drop(connection);
}

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
fn a_second_signal_to_a_mount_names_what_is_lost_and_where_it_is_kept() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let state = tempfile::tempdir().unwrap();
    let mut command = stub("mount", &server);
    command
        .arg("data")
        .arg(folder.path())
        .env("XDG_STATE_HOME", state.path())
        .stderr(Stdio::piped());
    let mut mounted = Mounted::of(command);
    fs::write(folder.path().join("first"), "1").unwrap();
    hang(&server, Operation::PutObject, Some("second"));
    fs::write(folder.path().join("second"), "2").unwrap();
    mounted.signal(Signal::SIGTERM);
    mounted.signal(Signal::SIGHUP);
    let mut said = String::new();
    let stderr = mounted.0.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(mounted.status(), Some(1));
    let line = said
        .lines()
        .find(|line| line.contains("not stored: s3://data/second: "));
    let (_, kept) = line
        .unwrap_or_else(|| panic!("{said}"))
        .split_once("kept in ")
        .unwrap();
    assert_eq!(fs::read(kept).unwrap(), b"2");
    assert!(!is_mounted(folder.path()));
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
    let mut command = Command::new("nohup");
    command
        .arg(stub.get_program())
        .args(stub.get_args())
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

/// Returns the child processes of a process.
fn children(of: u32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap();
    children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

fn is_there(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None).is_ok()
}

#[test]
fn a_guardian_unmounts_what_a_killed_mount_leaves() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let mut mounted = Mounted::new(&server, folder.path(), &[]);
    let guardians = children(mounted.0.id());
    assert_eq!(guardians.len(), 1);
    mounted.signal(Signal::SIGKILL);
    assert_eq!(mounted.status(), None);
    eventually("it is unmounted", || !is_mounted(folder.path()));
    eventually("the guardian ends", || !is_there(guardians[0]));
}

#[test]
fn a_dead_mount_is_taken_away_by_the_next_one() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let mut mounted = Mounted::new(&server, folder.path(), &[]);
    for guardian in children(mounted.0.id()) {
        kill(Pid::from_raw(guardian), Signal::SIGKILL).unwrap();
    }
    mounted.signal(Signal::SIGKILL);
    mounted.status();
    let dead = fs::metadata(folder.path()).unwrap_err();
    assert_eq!(
        dead.raw_os_error(),
        Some(nix::errno::Errno::ENOTCONN as i32)
    );
    let mut again = Mounted::new(&server, folder.path(), &[]);
    assert_eq!(
        fs::read(folder.path().join("in/hello.txt")).unwrap(),
        b"hello"
    );
    again.signal(Signal::SIGTERM);
    assert_eq!(again.status(), Some(0));
    assert!(!is_mounted(folder.path()), "no other mount is below it");
}

/// Folder in which the kernel lists its FUSE connections.
struct Connections(tempfile::TempDir);

impl Connections {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounting = Command::new("mount")
            .args(["-t", "fusectl", "none"])
            .arg(folder.path())
            .status();
        assert!(mounting.unwrap().success());
        Self(folder)
    }

    /// Aborts the connection of a mount.
    fn abort(&self, folder: &Path) {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        self.abort_in(&table, folder);
    }

    /// Aborts the connection of a mount that is listed in this table.
    fn abort_in(&self, table: &str, folder: &Path) {
        let line = table
            .lines()
            .find(|line| line.contains(folder.to_str().unwrap()));
        let device = line.unwrap().split(' ').nth(2).unwrap();
        let minor = device.split_once(':').unwrap().1;
        fs::write(self.0.path().join(minor).join("abort"), "1").unwrap();
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn what_was_open_when_the_connection_was_aborted_is_not_stored() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let connections = Connections::new();
    let mut command = stub("mount", &server);
    command
        .arg("data")
        .arg(folder.path())
        .stderr(Stdio::piped());
    let mut mounted = Mounted::of(command);
    fs::write(folder.path().join("closed"), "1").unwrap();
    let mut open = File::create(folder.path().join("open")).unwrap();
    open.write_all(b"2").unwrap();
    connections.abort(folder.path());
    let mut said = String::new();
    let stderr = mounted.0.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(mounted.status(), Some(1), "{said}");
    assert!(said.contains("not stored: s3://data/open: "), "{said}");
    assert!(!said.contains("s3://data/closed"), "{said}");
    assert!(!is_mounted(folder.path()));
    assert_eq!(server.get("data", "closed").unwrap(), "1".as_bytes());
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

/// Program that opens and writes files, and ends with all of them open when its input ends.
const HOLDS_FILES: &str = "
import sys
files = [open(f'{sys.argv[1]}/{n}', 'wb', buffering=0) for n in range(200)]
for file in files: file.write(b'x')
print('ready', flush=True)
sys.stdin.read()
";

#[test]
fn a_mount_that_is_taken_away_while_files_are_open_ends_well_when_they_are_closed() {
    for _ in 0..10 {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let mut mounted = Mounted::new(&server, folder.path(), &[]);
        let mut holder = Command::new("python3")
            .args(["-c", HOLDS_FILES])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        let out = holder.stdout.as_mut().unwrap();
        out.read_exact(&mut ready).unwrap();
        let detached = Command::new("umount").arg("-l").arg(folder.path()).status();
        assert!(detached.unwrap().success());
        drop(holder.stdin.take());
        assert!(holder.wait().unwrap().success());
        assert_eq!(mounted.status(), Some(0));
        assert_eq!(server.keys("data").len(), 201);
    }
}

#[test]
fn every_byte_that_a_mount_accepts_while_it_ends_is_stored() {
    for round in 0..10_u64 {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let mut mounted = Mounted::new(&server, folder.path(), &[]);
        let path = folder.path().join("log");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"first line\n").unwrap();
        file.sync_data().unwrap();
        let writing = thread::spawn(move || {
            let mut accepted = 11;
            while let Ok(count) = file.write(b"one more line") {
                accepted += count;
                thread::sleep(Duration::from_micros(300));
            }
            accepted
        });
        thread::sleep(Duration::from_millis(20 + round * 3));
        mounted.signal(Signal::SIGTERM);
        let accepted = writing.join().unwrap();
        assert_eq!(mounted.status(), Some(0));
        assert_eq!(server.get("data", "log").unwrap().len(), accepted);
    }
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
