//! Ends of `stub mount`.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::Operation;

use crate::mount::{Mounted, is_mounted};
use crate::{server, stub};

use super::{
    Connections, against, children, ended, eventually, hang, is_there, repeat_sigterm, signal,
    silent, text,
};

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
    mounted.signal(Signal::SIGINT);
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
fn a_signal_that_is_sent_twice_leaves_a_mount_its_time() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let mut mounted = Mounted::new(&server, folder.path(), &[]);
    server.knobs().set_latency(Duration::from_millis(500));
    fs::write(folder.path().join("file"), "1").unwrap();
    if repeat_sigterm(&mounted.0) {
        assert_eq!(mounted.status(), Some(0));
        assert_eq!(server.get("data", "file").unwrap(), "1".as_bytes());
    }
}

/// File system that covers a mount. Dropping it unmounts both.
struct Cover<'a>(&'a Path);

impl<'a> Cover<'a> {
    fn new(folder: &'a Path) -> Self {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "none"]).arg(folder);
        assert!(command.status().unwrap().success());
        Self(folder)
    }
}

impl Drop for Cover<'_> {
    fn drop(&mut self) {
        let unmounted = || Command::new("umount").arg("-l").arg(self.0).status();
        while is_mounted(self.0) && unmounted().is_ok_and(|status| status.success()) {}
    }
}

#[test]
fn every_byte_that_a_covered_mount_accepts_is_stored() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let mut mounted = Mounted::new(&server, folder.path(), &[]);
    let mut file = File::create(folder.path().join("log")).unwrap();
    file.write_all(b"first line\n").unwrap();
    file.sync_data().unwrap();
    let _cover = Cover::new(folder.path());
    fs::write(folder.path().join("covering"), "").unwrap();
    let writing = thread::spawn(move || {
        let mut accepted = 11;
        while let Ok(count) = file.write(b"one more line") {
            accepted += count;
            thread::sleep(Duration::from_millis(1));
        }
        accepted
    });
    mounted.signal(Signal::SIGTERM);
    let accepted = writing.join().unwrap();
    assert_eq!(mounted.status(), Some(1));
    assert_eq!(server.get("data", "log").unwrap().len(), accepted);
    assert!(folder.path().join("covering").exists(), "it is left alone");
}

#[test]
fn what_a_covered_mount_loses_is_named_beside_the_reason_that_it_stays() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let mut command = stub("mount", &server);
    command
        .arg("data")
        .arg(folder.path())
        .stderr(Stdio::piped());
    let mut mounted = Mounted::of(command);
    hang(&server, Operation::PutObject, Some("lost"));
    fs::write(folder.path().join("lost"), "1").unwrap();
    let _cover = Cover::new(folder.path());
    mounted.signal(Signal::SIGTERM);
    mounted.signal(Signal::SIGINT);
    let mut said = String::new();
    let stderr = mounted.0.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(mounted.status(), Some(1), "{said}");
    assert!(said.contains("not stored: s3://data/lost: "), "{said}");
    assert!(said.contains("another mount covers it"), "{said}");
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
fn a_mount_ends_though_a_program_writes_without_a_pause() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    server.knobs().set_latency(Duration::from_millis(50));
    let mut mounted = Mounted::new(&server, folder.path(), &[]);
    // In the folder, not by its path: that is another one once the bucket is unmounted.
    let script = "n=0; while test $n -lt 200000 && echo > f$n; do n=$((n + 1)); done";
    let mut writing = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let is_stored = |file| server.keys("data").iter().any(|key| key == file);
    eventually("it writes", || is_stored("f9"));
    mounted.signal(Signal::SIGTERM);
    eventually("the mount ends", || !is_mounted(folder.path()));
    eventually("writing is refused", || {
        writing.try_wait().unwrap().is_some()
    });
    assert_eq!(mounted.status(), Some(0));
}
