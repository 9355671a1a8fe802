//! `kill -9` of caller, supervisor and worker in the middle of an upload: the call returns an error,
//! nothing is left, and the bucket has no incomplete object.

use std::fs::{self, File};
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::{Operation, Server};
use stub::{Error, ErrorKind};
use stub_test_support::{Clean, descendants, eventually};

use crate::act::{act, tell, told};
use crate::bucket::{self, BUCKET, volume};

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn half_an_object() -> io::Result<()> {
    let mut file = File::create("/stub-it/data/half.bin")?;
    file.write_all(&vec![7; 40 << 20])?;
    // Someone else who uses the volume must not keep it alive.
    Command::new("sh")
        .args(["-c", "cd /stub-it/data && exec sleep 3600"])
        .spawn()?;
    thread::sleep(Duration::from_hours(1));
    file.write_all(b"the end")
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn returns() -> io::Result<usize> {
    Ok(fs::read_dir("/stub-it/data")?.count())
}

/// Returns the call's process with this name in the kernel.
pub(crate) fn process(name: &str) -> Pid {
    eventually(name, || {
        descendants(Pid::this()).into_iter().find(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|comm| comm.trim_end() == name)
        })
    })
}

/// Waits until a part is uploaded: before, the supervisor may not know the upload yet.
fn upload_has_begun(server: &Server) {
    eventually("an upload has begun", || {
        (server.log().count(Operation::UploadPart) > 0).then_some(())
    });
}

/// Kills one process of a call, and returns the call's error.
fn killing(server: &Server, name: &str) -> Error {
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            bucket::choose(bucket::of(server, BUCKET));
            half_an_object()
        });
        upload_has_begun(server);
        kill(process(name), Signal::SIGKILL).unwrap();
        call.join().unwrap().unwrap_err()
    })
}

fn nothing_half_made(server: &Server) {
    assert_eq!(server.keys(BUCKET), ["hello.txt", "in/deep.txt"]);
    assert_eq!(server.incomplete_uploads(BUCKET), Vec::<String>::new());
}

/// Checks that a new call succeeds.
fn another_call_works(server: &Server) {
    bucket::choose(bucket::of(server, BUCKET));
    assert_eq!(returns().unwrap(), 2);
}

#[test]
fn of_the_worker() {
    let clean = Clean::start();
    let server = bucket::server();
    let error = killing(&server, "stub-worker");
    // What a killed program had written is stored, as on any file system, but not called a success.
    assert!(
        matches!(error.kind, ErrorKind::Killed { signal: 9, .. }),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "`it::death::half_an_object` was killed by SIGKILL (by hand, or because memory ran out)"
    );
    assert_eq!(server.incomplete_uploads(BUCKET), Vec::<String>::new());
    clean.settle();
}

#[test]
fn of_the_supervisor() {
    let clean = Clean::start();
    let server = bucket::server();
    let error = killing(&server, "stub-supervisor");
    assert!(matches!(error.kind, ErrorKind::Lost { .. }), "{error:?}");
    let words = "`it::death::half_an_object` was lost: the process that supervised it was killed by signal 9";
    assert!(error.to_string().starts_with(words), "{error}");
    clean.settle();
    nothing_half_made(&server);
    another_call_works(&server);
}

#[test]
fn of_the_caller() {
    let clean = Clean::start();
    let server = bucket::server();
    let mut caller = tell(&mut act("death::caller_act"), &server)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    upload_has_begun(&server);
    caller.kill().unwrap();
    caller.wait().unwrap();
    clean.settle();
    nothing_half_made(&server);
    another_call_works(&server);
}

#[test]
#[ignore = "run by another test"]
fn caller_act() {
    bucket::choose(told(true));
    half_an_object().unwrap();
}
