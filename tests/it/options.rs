//! Options of a function: variables, working folder, network, retries.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use stub::{Error, ErrorKind, Retries, Secret};
use stub_test_support::{Clean, shared};

use crate::bucket::{self, BUCKET, volume};

fn word() -> String {
    "evaluated".to_owned()
}

#[stub::function(
    env = <"STUB_IT_A" => "a", "STUB_IT_B" => word(), "STUB_IT_C" => "plain">,
    secrets = [Secret::from_dict([("STUB_IT_C", "secret")])],
)]
fn variables() -> Vec<Option<String>> {
    ["STUB_IT_A", "STUB_IT_B", "STUB_IT_C"]
        .map(|name| env::var(name).ok())
        .into()
}

#[stub::function(workdir = "/stub-it/data/in", volumes = <"/stub-it/data" => volume()>)]
fn works_in_its_volume() -> io::Result<(PathBuf, String)> {
    Ok((env::current_dir()?, fs::read_to_string("deep.txt")?))
}

#[stub::function(workdir = "relative")]
fn works_nowhere() {}

#[stub::function(workdir = "/no/such/folder")]
fn works_in_a_missing_folder() {}

#[stub::function(network = false, volumes = <"/stub-it/data" => volume()>)]
fn is_alone(port: u16) -> io::Result<(bool, bool, String)> {
    let reaches = TcpStream::connect(("127.0.0.1", port)).is_ok();
    let own = TcpListener::bind("127.0.0.1:0")?;
    let reaches_own = TcpStream::connect(own.local_addr()?).is_ok();
    fs::write("/stub-it/data/from-alone", "written")?;
    Ok((
        reaches,
        reaches_own,
        fs::read_to_string("/stub-it/data/hello.txt")?,
    ))
}

#[stub::function]
fn reaches(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Records an attempt; returns the number of earlier ones.
fn note(tries: &PathBuf) -> usize {
    let before = fs::read(tries).map_or(0, |bytes| bytes.len());
    fs::write(tries, vec![b'x'; before + 1]).unwrap();
    before
}

#[stub::function(retries = Retries::new(2).initial_delay(Duration::from_millis(1)))]
fn good_at_last(tries: PathBuf) -> usize {
    match note(&tries) {
        0 => panic!("first"),
        1 => std::process::abort(),
        before => before,
    }
}

#[stub::function(retries = Retries::new(1).initial_delay(Duration::from_millis(1)), timeout = Duration::from_millis(150))]
fn always_slow(tries: PathBuf) {
    note(&tries);
    std::thread::sleep(Duration::from_hours(1));
}

#[stub::function(retries = Retries::new(1).backoff_coefficient(0.1))]
fn odd_retries() {}

#[stub::function(memory = 256)]
fn takes(mebibytes: usize) -> usize {
    let memory = vec![1_u8; mebibytes << 20];
    memory
        .iter()
        .step_by(4096)
        .map(|byte| usize::from(*byte))
        .sum()
}

#[stub::function(cpu = 1)]
fn processors() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

#[stub::function(cpu = 0.5)]
fn half_a_processor() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

#[stub::function(cpu = 0.5, lenient_limits = true)]
fn about_half_a_processor() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

#[stub::function(memory = 1)]
fn too_little() {}

#[test]
fn memory_is_limited() {
    let _clean = Clean::start();
    assert_eq!(takes(64).unwrap(), 64 * 256);
    let Err(Error {
        kind: ErrorKind::Killed { signal, .. },
        ..
    }) = takes(600)
    else {
        panic!("it has too much")
    };
    // A program that gets no memory aborts; a control group kills it.
    assert!([6, 9].contains(&signal), "{signal}");
    let error = too_little().unwrap_err();
    assert!(error.to_string().contains("16 MiB"), "{error}");
}

#[test]
fn processors_are_limited() {
    let _clean = Clean::start();
    assert_eq!(processors().unwrap(), 1);
    assert_eq!(about_half_a_processor().unwrap(), 1);
    // Only a control group can give a part of one.
    match half_a_processor() {
        Ok(count) => assert_eq!(count, 1),
        Err(error) => {
            let text = error.to_string();
            assert!(
                text.contains("`cpu = 0.5` can only be enforced as 1 whole processors"),
                "{text}"
            );
            assert!(text.contains("`lenient_limits`"), "{text}");
        }
    }
}

#[test]
fn variables_are_those_of_env_and_secrets() {
    let _clean = Clean::start();
    let expected = ["a", "evaluated", "secret"].map(|value| Some(value.to_owned()));
    assert_eq!(variables().unwrap(), expected);
    assert_eq!(env::var("STUB_IT_A").ok(), None);
}

#[test]
fn the_working_folder_may_lie_in_a_volume() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    let expected = (PathBuf::from("/stub-it/data/in"), "deep\n".to_owned());
    assert_eq!(works_in_its_volume().unwrap(), expected);
}

#[test]
fn a_working_folder_that_is_none_is_named() {
    let _clean = Clean::start();
    let error = works_nowhere().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`workdir` `relative` is relative"),
        "{error}"
    );
    let error = works_in_a_missing_folder().unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}

#[test]
fn without_network_there_is_localhost_and_the_volumes() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    let port = server.address().port();
    assert!(reaches(port).unwrap());
    assert_eq!(is_alone(port).unwrap(), (false, true, "hello\n".to_owned()));
    assert_eq!(
        server.get(BUCKET, "from-alone").as_deref(),
        Some(&b"written"[..])
    );
}

#[test]
fn a_call_is_tried_again_until_it_is_good() {
    let _clean = Clean::start();
    let folder = shared();
    assert_eq!(good_at_last(folder.path().join("tries")).unwrap(), 2);
}

#[test]
fn each_attempt_has_the_whole_time_and_the_last_is_the_error() {
    let _clean = Clean::start();
    let folder = shared();
    let tries = folder.path().join("tries");
    let error = always_slow(tries.clone()).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::TimedOut { .. }),
        "{error:?}"
    );
    assert_eq!(error.attempt().number, 2);
    assert!(error.to_string().contains("(attempt 2)"), "{error}");
    assert_eq!(fs::read(tries).unwrap().len(), 2);
}

#[stub::function(name = "an-old-name.2")]
fn renamed() -> Result<(), String> {
    Err("it is called".to_owned())
}

#[stub::function(name = "the-same")]
fn one_of_two() {}

#[stub::function(name = "the-same")]
fn the_other() {}

#[test]
fn a_name_that_two_have_is_refused_where_one_is_called() {
    let _clean = Clean::start();
    for result in [one_of_two(), the_other()] {
        let error = result.unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::Registry { .. }),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains("`it::options::the-same` is defined twice"),
            "{text}"
        );
    }
}

#[test]
fn a_function_has_the_name_that_it_is_given() {
    let _clean = Clean::start();
    let error = renamed().unwrap_err();
    assert_eq!(error.function(), "it::options::an-old-name.2");
    let values: Vec<_> = renamed::starmap([(), ()]).collect();
    assert!(
        values.iter().all(|value| matches!(
            value,
            Err(Error {
                kind: ErrorKind::Failed { .. },
                ..
            })
        )),
        "{values:?}"
    );
}

#[test]
fn retries_that_make_no_sense_are_told() {
    let _clean = Clean::start();
    let error = odd_retries().unwrap_err();
    assert!(error.to_string().contains("coefficient"), "{error}");
}
