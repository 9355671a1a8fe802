//! Calls that run beside their caller, and their ends.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use stub::{Error, ErrorKind};
use stub_test_support::{Clean, eventually, shared};

use crate::bucket::{self, BUCKET, volume};

#[stub::function]
fn doubles(n: u64) -> u64 {
    2 * n
}

#[stub::function]
fn fails() -> Result<u8, String> {
    Err("it fails".to_owned())
}

/// Creates a file to show that it has started, and waits.
#[stub::function]
fn hangs(begun: PathBuf) -> io::Result<()> {
    fs::write(begun, "")?;
    thread::sleep(Duration::from_hours(1));
    Ok(())
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn writes_and_hangs(begun: PathBuf) -> io::Result<()> {
    fs::write("/stub-it/data/closed", "all of it")?;
    fs::write(begun, "")?;
    thread::sleep(Duration::from_hours(1));
    Ok(())
}

#[stub::function(retries = 100)]
fn never_good(tries: PathBuf) -> Result<(), String> {
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(tries)
        .unwrap();
    io::Write::write_all(&mut file, b"x").unwrap();
    Err("not yet".to_owned())
}

#[stub::function]
async fn doubles_later(n: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    2 * n
}

#[stub::function]
async fn hangs_on_one(n: u64) -> u64 {
    if n == 1 {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    n
}

#[test]
fn a_call_goes_on_and_its_value_can_be_had_more_than_once() {
    let _clean = Clean::start();
    let calls: Vec<_> = (0..5).map(|n| doubles::spawn(n).unwrap()).collect();
    for (n, call) in (0..).zip(&calls) {
        assert_eq!(call.get(None).unwrap(), 2 * n);
        assert_eq!(call.get(Duration::ZERO).unwrap(), 2 * n);
        assert!(call.is_finished());
    }
    assert_ne!(calls[0].id(), calls[1].id());
    let failed = fails::spawn().unwrap();
    for _ in 0..2 {
        assert!(matches!(
            failed.get(None).unwrap_err().kind,
            ErrorKind::Failed { .. }
        ));
    }
}

#[test]
fn whoever_waits_for_a_call_may_give_up_and_end_it() {
    let _clean = Clean::start();
    let folder = shared();
    let begun = folder.path().join("begun");
    let call = hangs::spawn(begun.clone()).unwrap();
    eventually("it has begun", || begun.exists().then_some(()));
    let waited = Duration::from_millis(50);
    let Err(Error {
        kind: ErrorKind::StillRunning { waited: told, .. },
        ..
    }) = call.get(waited)
    else {
        panic!("it sleeps")
    };
    assert_eq!(told, waited);
    assert!(!call.is_finished());
    let start = Instant::now();
    call.cancel();
    assert!(matches!(
        call.get(None).unwrap_err().kind,
        ErrorKind::Cancelled
    ));
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "it ended when asked to"
    );
}

#[stub::function]
#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "that is what it does"
)]
fn prints(begun: PathBuf) -> io::Result<()> {
    println!("one");
    eprintln!("two");
    std::process::Command::new("sh")
        .args(["-c", "printf thr; printf ee"])
        .status()?;
    fs::write(begun, "")?;
    thread::sleep(Duration::from_hours(1));
    Ok(())
}

#[test]
fn what_a_call_prints_can_be_seen_while_it_goes_on() {
    let _clean = Clean::start();
    let folder = shared();
    let begun = folder.path().join("begun");
    let call = prints::spawn(begun.clone()).unwrap();
    eventually("it has printed", || begun.exists().then_some(()));
    eventually("it is here", || (call.logs().len() >= 8).then_some(()));
    let logs = call.logs();
    assert!(logs.contains("one\n") && logs.contains("two\n"), "{logs}");
    call.cancel();
    assert!(call.get(None).is_err());
    let logs = call.logs();
    assert!(logs.ends_with("three\n"), "{logs}");
}

#[test]
fn what_a_cancelled_call_had_written_is_stored() {
    let _clean = Clean::start();
    let (server, folder) = (bucket::server(), shared());
    bucket::choose(bucket::of(&server, BUCKET));
    let begun = folder.path().join("begun");
    let call = writes_and_hangs::spawn(begun.clone()).unwrap();
    eventually("it has begun", || begun.exists().then_some(()));
    call.cancel();
    assert!(matches!(
        call.get(None).unwrap_err().kind,
        ErrorKind::Cancelled
    ));
    assert_eq!(
        server.get(BUCKET, "closed").as_deref(),
        Some(&b"all of it"[..])
    );
}

#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 2)]
fn writes_and_waits(folder: PathBuf, n: u64) -> io::Result<()> {
    fs::write(format!("/stub-it/data/{n}"), "all of it")?;
    fs::write(folder.join(n.to_string()), "")?;
    // The second one ends later, but in time.
    if n == 1 {
        let script = "trap 'sleep 0.3; exit 0' TERM; sleep 600 & wait";
        std::process::Command::new("sh")
            .args(["-c", script])
            .status()?;
    }
    thread::sleep(Duration::from_hours(1));
    Ok(())
}

#[test]
fn what_a_cancelled_map_had_written_is_stored_by_all_of_it() {
    let _clean = Clean::start();
    let (server, folder) = (bucket::server(), shared());
    bucket::choose(bucket::of(&server, BUCKET));
    let path = folder.path().to_owned();
    let inputs = [(path.clone(), 0), (path.clone(), 1)];
    let call = writes_and_waits::spawn_map(inputs).unwrap();
    eventually("both have begun", || {
        (path.join("0").exists() && path.join("1").exists()).then_some(())
    });
    call.cancel();
    assert!(matches!(
        call.get(None).unwrap_err().kind,
        ErrorKind::Cancelled
    ));
    for key in ["0", "1"] {
        assert_eq!(server.get(BUCKET, key).as_deref(), Some(&b"all of it"[..]));
    }
}

/// Starts a process that takes a moment to end after SIGTERM.
#[stub::function]
fn starts_something(folder: PathBuf) -> io::Result<()> {
    let script = format!(
        "trap 'sleep 0.2; echo > {0}/ended; exit' TERM; echo > {0}/begun; sleep 600 & wait",
        folder.display()
    );
    std::process::Command::new("sh")
        .args(["-c", &script])
        .status()?;
    Ok(())
}

#[test]
fn what_a_cancelled_call_had_started_has_its_time_to_end() {
    let _clean = Clean::start();
    let folder = shared();
    let call = starts_something::spawn(folder.path().to_owned()).unwrap();
    eventually("it has begun", || {
        folder.path().join("begun").exists().then_some(())
    });
    call.cancel();
    assert!(matches!(
        call.get(None).unwrap_err().kind,
        ErrorKind::Cancelled
    ));
    assert!(folder.path().join("ended").exists());
}

#[test]
fn inputs_that_panic_are_an_error() {
    let _clean = Clean::start();
    let inputs = (0..10).inspect(|n| assert!(*n < 5, "no more"));
    let call = doubles::spawn_map(inputs).unwrap();
    assert!(matches!(
        call.get(None).unwrap_err().kind,
        ErrorKind::Lost { .. }
    ));
}

#[test]
fn a_cancelled_call_is_not_tried_again() {
    let _clean = Clean::start();
    let folder = shared();
    let tries = folder.path().join("tries");
    let call = never_good::spawn(tries.clone()).unwrap();
    eventually("it was tried", || tries.exists().then_some(()));
    call.cancel();
    assert!(matches!(
        call.get(None).unwrap_err().kind,
        ErrorKind::Cancelled
    ));
    assert!(fs::read(&tries).unwrap().len() <= 2);
}

#[test]
fn a_map_in_the_background_has_all_values() {
    let _clean = Clean::start();
    let call = doubles::spawn_map(0..100).unwrap();
    let expected: Vec<u64> = (0..100).map(|n| 2 * n).collect();
    assert_eq!(call.get(None).unwrap(), expected);
    let call = hangs::spawn_map([PathBuf::from("/tmp/stub-it-begun-x")]).unwrap();
    call.cancel();
    assert!(matches!(
        call.get(None).unwrap_err().kind,
        ErrorKind::Cancelled
    ));
    let _ = fs::remove_file("/tmp/stub-it-begun-x");
}

#[tokio::test]
async fn async_functions_are_mapped_and_spawned() {
    let _clean = Clean::start();
    let mut values = doubles_later::map(0..20);
    let mut all = Vec::new();
    while let Some(value) = values.next().await {
        all.push(value.unwrap());
    }
    assert_eq!(all, (0..20).map(|n| 2 * n).collect::<Vec<_>>());
    assert_eq!(doubles_later::spawn(4).unwrap().await.unwrap(), 8);
    doubles_later::for_each(0..5).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_ends_what_it_runs() {
    let clean = Clean::start();
    let mut values = hangs_on_one::map(0..2);
    assert_eq!(values.next().await.unwrap().unwrap(), 0);
    drop(values);
    tokio::task::block_in_place(|| clean.settle());
}

#[test]
fn a_map_is_cancelled_while_its_iterator_waits() {
    let _clean = Clean::start();
    let (sender, inputs) = std::sync::mpsc::channel();
    let call = doubles::spawn_map(inputs).unwrap();
    sender.send(1).unwrap();
    call.cancel();
    let error = call.get(None).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Cancelled), "{error:?}");
    drop(sender);
}
