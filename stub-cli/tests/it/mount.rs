//! `stub mount`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::Server;

use crate::{server, stub};

/// Running `stub mount`. Dropping it, as after a failed test, unmounts it.
pub(crate) struct Mounted(pub(crate) Child);

impl Mounted {
    pub(crate) fn new(server: &Server, folder: &Path, options: &[&str]) -> Self {
        let mut command = stub("mount", server);
        command.arg("data").arg(folder).args(options);
        Self::of(command)
    }

    /// Mounts with a folder for the mount's state.
    fn with_state(server: &Server, folder: &Path, state: &Path) -> Self {
        let mut command = stub("mount", server);
        command.arg("data").arg(folder).env("XDG_STATE_HOME", state);
        Self::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.starts_with("s3://data is mounted at "), "{line:?}");
        Self(child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    pub(crate) fn status(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            self.signal(Signal::SIGTERM);
            self.0.wait().unwrap();
        }
    }
}

pub(crate) fn is_mounted(folder: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    table.contains(folder.to_str().unwrap())
}

#[test]
fn a_signal_stores_and_unmounts() {
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGALRM,
        Signal::SIGXCPU,
    ] {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let mut mounted = Mounted::new(&server, folder.path(), &[]);
        assert_eq!(
            fs::read(folder.path().join("in/hello.txt")).unwrap(),
            b"hello"
        );
        fs::write(folder.path().join("new.txt"), "new").unwrap();
        mounted.signal(signal);
        assert_eq!(mounted.status(), Some(0));
        assert!(!is_mounted(folder.path()));
        assert_eq!(server.get("data", "new.txt").unwrap(), "new".as_bytes());
    }
}

#[test]
fn an_unmount_from_outside_stores_and_ends_it() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let mut mounted = Mounted::new(&server, folder.path(), &["--prefix", "in/"]);
    fs::write(folder.path().join("new.txt"), "new").unwrap();
    assert!(
        Command::new("umount")
            .arg(folder.path())
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(mounted.status(), Some(0));
    assert_eq!(server.get("data", "in/new.txt").unwrap(), "new".as_bytes());
}

#[test]
fn a_read_only_mount_refuses_changes() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let mut mounted = Mounted::new(&server, folder.path(), &["--read-only"]);
    let error = fs::write(folder.path().join("new.txt"), "new").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    mounted.signal(Signal::SIGTERM);
    assert_eq!(mounted.status(), Some(0));
    assert_eq!(server.keys("data"), ["in/hello.txt"]);
}

#[test]
fn what_cannot_be_mounted_is_an_error_with_its_remedy() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let absent = folder.path().join("absent");
    let cases = [
        ("data", file.as_path(), 1),
        ("data", &absent, 1),
        ("s3://data", folder.path(), 2),
    ];
    for (bucket, at, lines) in cases {
        let output = stub("mount", &server).arg(bucket).arg(at).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), text.lines().count()),
            (Some(1), lines),
            "{text}"
        );
    }
    let wrong = stub("mount", &server).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!is_mounted(folder.path()));
}

#[test]
fn what_a_killed_mount_left_unfinished_is_aborted_by_the_next_one() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let state = tempfile::tempdir().unwrap();
    let begin = || Mounted::with_state(&server, folder.path(), state.path());
    let mounted = begin();
    let mut file = fs::File::create(folder.path().join("half")).unwrap();
    file.write_all(&vec![1; 20 << 20]).unwrap();
    let unfinished = || server.incomplete_uploads("data").len();
    assert_eq!(unfinished(), 1);
    mounted.signal(Signal::SIGKILL);
    drop(file);
    let _ = Command::new("umount").arg("-l").arg(folder.path()).status();
    drop(mounted);
    let again = begin();
    let start = Instant::now();
    while unfinished() > 0 {
        assert!(start.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(20));
    }
    drop(again);
    assert!(server.keys("data").iter().all(|key| key != "half"));
    let notes = fs::read_dir(state.path().join("stub/uploads")).unwrap();
    assert_eq!(notes.count(), 0);
}
