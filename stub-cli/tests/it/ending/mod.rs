//! Ends of runs and mounts: by signals, timeouts, kills, and servers that do not answer.

mod mounts;
mod runs;

use std::fs::{self};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::{Fault, Injection, Operation, Server};
use stub_test_support::Patience;

use crate::{program, stub};

/// Time limit of a test step: far longer than any takes on a busy machine, far shorter than the timeout
/// for a server that does not answer.
const LIMIT: Duration = Duration::from_secs(45);

pub(super) fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

/// Sends SIGTERM several times in quick succession, as `timeout` does. Returns whether that was quick: on
/// a machine that stood still, the last ones are further demands.
pub(super) fn repeat_sigterm(child: &Child) -> bool {
    let start = Instant::now();
    for _ in 0..3 {
        signal(child, Signal::SIGTERM);
        thread::sleep(Duration::from_millis(20));
    }
    start.elapsed() < Duration::from_millis(500)
}

pub(crate) fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    Patience::new(LIMIT).eventually(what, is_so);
}

/// Returns the child processes of a process.
pub(super) fn children(of: u32) -> Vec<i32> {
    let of = Pid::from_raw(of.try_into().unwrap());
    let children = stub_test_support::children(of).into_iter();
    children.map(Pid::as_raw).collect()
}

/// Waits for a prompt end of the process.
pub(super) fn ended(mut child: Child) -> Output {
    eventually("it ends", || child.try_wait().unwrap().is_some());
    child.wait_with_output().unwrap()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a server that accepts connections and never answers. Dropping it closes the connections.
pub(super) fn silent() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

pub(super) fn against(listener: &TcpListener, subcommand: &str) -> Command {
    let address = listener.local_addr().unwrap();
    let mut command = program();
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
pub(super) fn hang(server: &Server, operation: Operation, key: Option<&str>) {
    let injection = Injection::new(operation, Fault::Hang).times(10_000);
    server.knobs().inject(match key {
        Some(key) => injection.on_key(key),
        None => injection,
    });
}

pub(super) fn run(server: &Server, options: &[&str], script: &str) -> Child {
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

pub(super) fn is_there(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None).is_ok()
}

/// Folder in which the kernel lists its FUSE connections.
pub(super) struct Connections(tempfile::TempDir);

impl Connections {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounting = Command::new("mount")
            .args(["-t", "fusectl", "none"])
            .arg(folder.path())
            .status();
        assert!(mounting.unwrap().success());
        Self(folder)
    }

    /// Aborts the connection of a mount.
    pub(super) fn abort(&self, folder: &Path) {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        self.abort_in(&table, folder);
    }

    /// Aborts the connection of a mount that is listed in this table.
    pub(super) fn abort_in(&self, table: &str, folder: &Path) {
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
