//! Errors with their causes, as programs print them: each cause once.

use std::net::TcpListener;
use std::time::Duration;
use std::{fs, io};

use anyhow::Context;
use s3_local::Policy;
use stub::{CloudBucketMount, Secret};
use stub_test_support::{Clean, repeated};

use crate::act::{act, output};
use crate::bucket::{self, BUCKET, keys, volume};

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn reads() -> io::Result<usize> {
    Ok(fs::read_dir("/stub-it/data")?.count())
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn writes(fails: bool) -> anyhow::Result<()> {
    fs::write("/stub-it/data/lost", "x")?;
    anyhow::ensure!(!fails, "the body itself fails");
    Ok(())
}

#[stub::function]
fn fails() -> anyhow::Result<()> {
    let missing = fs::read_dir("/no/such/list").map(drop);
    missing.context("failed to read the list")?;
    Ok(())
}

#[stub::function]
fn panics() {
    panic!("the wheel is broken");
}

#[stub::function(timeout = Duration::from_millis(100))]
fn sleeps() {
    std::thread::sleep(Duration::from_hours(1));
}

#[stub::function(workdir = "/no/such/folder")]
fn runs_nowhere() {}

#[stub::function(max_containers = 0)]
fn has_wrong_options() {}

#[stub::function(secrets = [Secret::from_dotenv_path("/no/such/.env")])]
fn has_no_secret() {}

/// Asserts that no cause is in the text of another, and that the printed error says nothing twice.
#[track_caller]
fn assert_said_once<T>(result: stub::Result<T>) {
    let error = result.map(drop).unwrap_err();
    let short = format!("{error:#}");
    let error = anyhow::Error::new(error);
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    for (at, cause) in causes.iter().enumerate() {
        let mut others = causes.iter().enumerate();
        let again = others.find(|(other, text)| *other != at && text.contains(cause));
        assert_eq!(again, None, "{cause:?} is said twice: {causes:?}");
        assert!(short.contains(cause), "{cause:?} is missing: {short}");
    }
    for text in [short, format!("{error:#}")] {
        assert_eq!(repeated(&text), None, "{text}");
    }
}

#[test]
fn of_a_bucket_each_cause_is_said_once() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::new().allow("s3:GetObject", "data/*"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let unused = format!("http://127.0.0.1:{}", port.unwrap().port());
    let wrong = |url: &str| {
        let volume = CloudBucketMount::new(BUCKET).bucket_endpoint_url(url);
        let volume = volume.force_path_style(true).secret(keys("id", "secret"));
        volume.retry_timeout(Duration::from_millis(100))
    };
    for volume in [
        bucket::of(&server, "absent"),
        bucket::of(&server, "not a name"),
        bucket::limited(&server),
        bucket::at(&server, BUCKET).secret(keys("AKIANOBODY", "secret")),
        bucket::at(&server, BUCKET).secret(Secret::from_dotenv_path("/no/such/.env")),
        wrong(&unused),
        wrong("http://stub-it.invalid"),
        wrong("not a url"),
    ] {
        bucket::choose(volume);
        assert_said_once(reads());
    }
}

#[test]
fn of_a_body_each_cause_is_said_once() {
    let _clean = Clean::start();
    assert_said_once(fails());
    assert_said_once(panics());
    assert_said_once(sleeps());
    let server = bucket::server_with(Policy::read_only(BUCKET));
    bucket::choose(bucket::limited(&server));
    assert_said_once(writes(false));
    assert_said_once(writes(true));
}

#[test]
fn of_a_call_that_does_not_begin_each_cause_is_said_once() {
    let _clean = Clean::start();
    assert_said_once(runs_nowhere());
    assert_said_once(has_wrong_options());
    assert_said_once(has_no_secret());
}

#[test]
#[ignore = "run by another test"]
fn main_act() -> anyhow::Result<()> {
    fails().context("the work of the day is not done")
}

#[test]
fn a_main_that_returns_an_anyhow_error_prints_each_cause_once() {
    let _clean = Clean::start();
    // The harness prints the result of a test as Rust prints that of `main`.
    let (good, text) = output(&mut act("chains::main_act"));
    assert!(!good, "{text}");
    let (_, printed) = text.split_once("Error: ").unwrap();
    let (printed, _) = printed.split_once("\n\nfailures:").unwrap_or((printed, ""));
    for cause in [
        "the work of the day is not done",
        "failed to read the list",
        "No such file or directory",
    ] {
        assert_eq!(printed.matches(cause).count(), 1, "{printed}");
    }
}
