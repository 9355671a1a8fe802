//! Maps over a volume that can be written. Inputs that write nothing share a request to store; the
//! inputs here write after many that do not, so that such a request covers them too.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stub::{ErrorKind, Retries};
use stub_test_support::{Clean, shared};

use crate::bucket::{self, BUCKET, volume};

/// Number of inputs that a worker may have at once.
const AHEAD: u64 = 16;

/// Index of the input in question: by then, the worker is given that many at once.
const LATE: u64 = 60;

fn write(name: &str, n: u64) -> io::Result<()> {
    fs::write(format!("/stub-it/data/{name}"), format!("number {n}"))
}

#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 1)]
fn writes_seldom(n: u64) -> io::Result<u64> {
    if n.is_multiple_of(LATE) {
        write(&n.to_string(), n)?;
    }
    Ok(n)
}

#[test]
fn a_value_is_seen_after_its_file_on_a_slow_server() {
    let _clean = Clean::start();
    let server = bucket::server();
    server.knobs().set_latency(Duration::from_millis(60));
    bucket::choose(bucket::of(&server, BUCKET));
    for (expected, n) in (0..=3 * LATE).zip(writes_seldom::map(0..=3 * LATE)) {
        let n = n.unwrap();
        assert_eq!(n, expected);
        if n.is_multiple_of(LATE) {
            let stored = server.get(BUCKET, &n.to_string());
            assert_eq!(stored.as_deref(), Some(format!("number {n}").as_bytes()));
        }
    }
}

#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 1)]
fn writes_in_vain_once(n: u64) -> io::Result<u64> {
    match n {
        // The first write of a mount is answered at once, the others in the end.
        0 => write("good/0", n)?,
        LATE => write("bad/late", n)?,
        _ => {}
    }
    Ok(n)
}

#[test]
fn what_could_not_be_stored_is_the_error_of_the_inputs_that_may_have_written_it() {
    let _clean = Clean::start();
    let server = bucket::half_writable();
    bucket::choose(bucket::limited(&server));
    let results: Vec<_> = writes_in_vain_once::map(0..2 * LATE).collect();
    assert_eq!(results.len() as u64, 2 * LATE);
    for (n, result) in (0..).zip(results) {
        match result.map_err(|error| error.kind) {
            Ok(value) => {
                assert_ne!(n, LATE, "its object is not stored");
                assert_eq!(value, n);
            }
            Err(ErrorKind::NotStored { objects, .. }) => {
                assert!(n.abs_diff(LATE) < AHEAD, "{n} was not given with it");
                assert_eq!(objects.len(), 1);
                assert_eq!(objects[0].object, format!("s3://{BUCKET}/bad/late"));
            }
            other => panic!("{n}: {other:?}"),
        }
    }
}

/// Adds a byte to the file of an input, outside the volume.
fn count_run(folder: &Path, n: u64) -> io::Result<usize> {
    let path = folder.join(n.to_string());
    let runs = fs::read(&path).map_or(0, |bytes| bytes.len()) + 1;
    fs::write(path, vec![b'r'; runs])?;
    Ok(runs)
}

#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 1, retries = Retries::new(1))]
fn is_killed_once(folder: PathBuf, n: u64) -> io::Result<u64> {
    let runs = count_run(&folder, n)?;
    if n == LATE - 1 {
        write("before", n)?;
    }
    if n == LATE && runs == 1 {
        kill(Pid::this(), Signal::SIGKILL)?;
    }
    Ok(n)
}

#[test]
fn a_worker_that_is_killed_loses_nothing_that_it_has_reported() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    let folder = shared();
    let inputs = (0..2 * LATE).map(|n| (folder.path().to_owned(), n));
    for (expected, n) in (0..2 * LATE).zip(is_killed_once::map(inputs)) {
        assert_eq!(n.unwrap(), expected);
        if expected == LATE - 1 {
            assert!(server.get(BUCKET, "before").is_some());
        }
    }
    for n in 0..2 * LATE {
        let runs = fs::read(folder.path().join(n.to_string())).unwrap().len();
        assert_eq!(runs, if n == LATE { 2 } else { 1 }, "{n}");
    }
}
