//! `stub warm`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::{Operation, Server};
use stub_test_support::eventually;

use crate::mount::Mounted;
use crate::{server, stub};

/// Runs `stub warm` with these arguments, and returns its two streams and status.
fn warm(server: &Server, arguments: &[&str]) -> (String, String, Option<i32>) {
    said(&stub("warm", server).args(arguments).output().unwrap())
}

fn said(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let streams = (text(&output.stdout), text(&output.stderr));
    (streams.0, streams.1, output.status.code())
}

fn filled() -> Server {
    let server = server();
    for n in 0..20 {
        server.put("data", &format!("in/sub/{n}"), vec![n; 2048]);
    }
    server
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

#[test]
fn a_prefix_is_warmed_once_and_then_read_from_the_disk() {
    let (server, folder) = (filled(), tempfile::tempdir().unwrap());
    let cache = folder.path().join("cache");
    let arguments = ["s3://data/in", "--cache", path(&cache)];
    let (out, err, status) = warm(&server, &arguments);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(
        out,
        "fetched 21 files (40.0 KiB); 0 files (0 B) were in the cache\n"
    );
    let (out, _, status) = warm(&server, &arguments);
    assert_eq!(status, Some(0));
    assert_eq!(
        out,
        "fetched 0 files (0 B); 21 files (40.0 KiB) were in the cache\n"
    );
    server.log().clear();
    let run = stub("run", &server)
        .args([
            "--volume",
            "/stub-w=s3://data/in:ro,immutable",
            "--cache",
            path(&cache),
        ])
        .args([
            "--",
            "sh",
            "-c",
            "cat /stub-w/sub/* /stub-w/hello.txt | wc -c",
        ])
        .output()
        .unwrap();
    assert_eq!(said(&run).0.trim(), "40965", "{run:?}");
    let requests = server.log().requests();
    let gets = requests
        .iter()
        .filter(|it| it.operation == Operation::GetObject);
    assert_eq!(gets.count(), 0);
}

#[test]
fn a_folder_in_a_mount_is_warmed_for_it() {
    let (server, folder) = (filled(), tempfile::tempdir().unwrap());
    let (cache, at) = (folder.path().join("cache"), folder.path().join("mount"));
    fs::create_dir(&at).unwrap();
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o700)).unwrap();
    let mut mounted = Mounted::new(&server, &at, &["--read-only", "--cache", path(&cache)]);
    let sub = at.join("in/sub");
    let (out, err, status) = warm(&server, &[path(&sub), "--cache", path(&cache)]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.starts_with("fetched 20 files (40.0 KiB)"), "{out}");
    server.log().clear();
    for n in 0..20 {
        assert_eq!(fs::read(sub.join(n.to_string())).unwrap(), vec![n; 2048]);
    }
    let requests = server.log().requests();
    let gets = requests
        .iter()
        .filter(|it| it.operation == Operation::GetObject);
    assert!(gets.into_iter().all(|get| get.status == Some(304)));
    mounted.signal(Signal::SIGTERM);
    assert_eq!(mounted.status(), Some(0));
}

/// Mount of a folder at another one, until it is dropped.
struct Bound<'a>(&'a Path);

impl<'a> Bound<'a> {
    fn new(folder: &Path, at: &'a Path) -> Self {
        let mut command = Command::new("mount");
        command.arg("--bind").arg(folder).arg(at);
        assert!(command.status().unwrap().success());
        Self(at)
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_folder_in_a_mount_is_warmed_whatever_its_name_and_wherever_it_is_bound() {
    let (server, folder) = (filled(), tempfile::tempdir().unwrap());
    let (cache, at) = (folder.path().join("cache"), folder.path().join("mount"));
    let bound = folder.path().join("bound");
    fs::create_dir(&at).unwrap();
    fs::create_dir(&bound).unwrap();
    server.put("data", "a,b_c/exp:profile=none/1", vec![1; 100]);
    server.put("data", "a,b_c/a:ro/1", vec![1; 200]);
    server.put("data", "a,b_c/in/sub/1", vec![1; 300]);
    let mut mounted = Mounted::new(&server, &at, &["--read-only", "--prefix", "a,b_c/"]);
    for (below, bytes) in [("exp:profile=none", 100), ("a:ro", 200)] {
        let (out, err, status) = warm(&server, &[path(&at.join(below)), "--cache", path(&cache)]);
        assert_eq!(status, Some(0), "{err}");
        assert!(
            out.starts_with(&format!("fetched 1 file ({bytes} B)")),
            "{out}"
        );
    }
    let is_bound = Bound::new(&at.join("in"), &bound);
    let (out, err, status) = warm(
        &server,
        &[path(&bound.join("sub")), "--cache", path(&cache)],
    );
    drop(is_bound);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.starts_with("fetched 1 file (300 B)"), "{out}");
    mounted.signal(Signal::SIGTERM);
    assert_eq!(mounted.status(), Some(0));
}

#[test]
fn a_prefix_without_objects_is_an_error() {
    let (server, folder) = (filled(), tempfile::tempdir().unwrap());
    let cache = folder.path().join("cache");
    for nothing in ["s3://data/inn", "s3://data/in/hello.txt"] {
        let (_, err, status) = warm(&server, &[nothing, "--cache", path(&cache)]);
        assert_eq!(status, Some(1), "{err}");
        let words = format!("{nothing}/ has no objects\ngive the prefix of a folder");
        assert!(err.contains(&words), "{err}");
    }
}

#[test]
fn what_can_not_be_warmed_is_told() {
    let (server, folder) = (filled(), tempfile::tempdir().unwrap());
    let cache = folder.path().join("cache");
    let (_, err, status) = warm(&server, &["s3://data/in"]);
    assert_eq!(status, Some(1));
    assert!(err.contains("volume has no cache"), "{err}");
    let (_, err, status) = warm(&server, &[path(folder.path()), "--cache", path(&cache)]);
    assert_eq!(status, Some(1));
    assert!(err.contains("is in no mounted bucket"), "{err}");
    server.put("data", "in/large", vec![7; 1 << 20]);
    let small = [
        "s3://data/in",
        "--cache-size",
        "1MiB",
        "--cache",
        path(&cache),
    ];
    let (out, err, status) = warm(&server, &small);
    assert_eq!(status, Some(1));
    assert!(out.starts_with("fetched 21 files"), "{out}");
    assert!(
        err.contains("cache of 1.0 MiB has no room for 1 file (1.0 MiB)"),
        "{err}"
    );
}

#[test]
fn a_signal_ends_it_and_what_is_there_stays() {
    let (server, folder) = (filled(), tempfile::tempdir().unwrap());
    let cache = folder.path().join("cache");
    for n in 0..2000 {
        server.put("data", &format!("many/{n}"), vec![1; 100]);
    }
    server.knobs().set_latency(Duration::from_millis(20));
    let mut command = stub("warm", &server);
    command.args(["s3://data/many", "--cache", path(&cache)]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let gets = || {
        let requests = server.log().requests();
        let gets = requests.iter();
        gets.filter(|it| it.operation == Operation::GetObject)
            .count()
    };
    eventually("nothing is fetched", || gets() > 100);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let (out, err, status) = said(&child.wait_with_output().unwrap());
    assert_eq!(status, Some(130), "{err}");
    assert!(
        out.starts_with("fetched ") && err.contains("ended by a signal"),
        "{out}{err}"
    );
    server.knobs().set_latency(Duration::ZERO);
    let (out, err, status) = warm(&server, &["s3://data/many", "--cache", path(&cache)]);
    assert_eq!(status, Some(0), "{err}");
    assert!(!out.contains("; 0 files (0 B) were in the cache"), "{out}");
}
