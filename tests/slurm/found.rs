//! Calls found again after their caller's death.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, io, process, thread};

use stub::{Call, Engine, ErrorKind, Slurm};
use stub_test_support::shared;

use crate::turn::{Turn, eventually, names};

const FOLDER: &str = "STUB_IT_NOTES";
const SPOOL: &str = "STUB_IT_SPOOL";

#[stub::function]
fn noted(n: u64) -> io::Result<u64> {
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap_or_default());
    fs::write(folder.join(format!("{n:04}.{}", process::id())), "")?;
    thread::sleep(Duration::from_millis(20));
    Ok(n * 2)
}

fn engine() {
    Engine::from(Slurm::new().spool(env::var(SPOOL).unwrap())).select();
}

#[test]
#[ignore = "an act of another test"]
fn a_caller_of_many() {
    engine();
    let call = noted::spawn_map(0..800).unwrap();
    println!("\nid={}", call.id());
    let _ = call.get(None);
    println!("\nended");
}

#[test]
#[ignore = "an act of another test"]
fn a_caller_of_one() {
    engine();
    let call = noted::spawn(21).unwrap();
    println!("\nid={}", call.id());
}

/// Starts an act, and returns it with the ID that it prints.
fn act(turn: &Turn, name: &str, notes: &std::path::Path) -> (Child, String) {
    let mut act = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", name, "--nocapture"])
        .env(SPOOL, turn.spool())
        .env(FOLDER, notes)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(act.stdout.take().unwrap()).lines();
    let mut ids = lines.filter_map(|line| line.unwrap().strip_prefix("id=").map(str::to_owned));
    let id = ids.next().unwrap();
    (act, id)
}

#[test]
fn a_caller_that_is_killed_finds_its_values_when_it_comes_back() {
    let Some(turn) = Turn::start() else { return };
    let notes = shared();
    let (mut act, id) = act(&turn, "found::a_caller_of_many", notes.path());
    eventually("some have begun", || {
        (names(notes.path()).len() > 50).then_some(())
    });
    act.kill().unwrap();
    act.wait().unwrap();
    let call = Call::<Vec<u64>>::from_map_id(&id).unwrap();
    // Meanwhile nobody else may.
    let error = Call::<Vec<u64>>::from_map_id(&id).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Engine { .. }),
        "two processes have it: {error:?}"
    );
    assert!(
        error.to_string().contains("attended to by another"),
        "{error}"
    );
    let values = call.get(None).unwrap();
    assert_eq!(values, (0..800).map(|n| n * 2).collect::<Vec<_>>());
    assert_eq!(names(notes.path()).len(), 800, "some were run twice");
    let Err(error) = Call::<u64>::from_id(&id) else {
        panic!("it is over")
    };
    assert!(error.to_string().contains("there is no call"), "{error}");
}

#[test]
fn a_program_that_ends_leaves_its_call_to_a_later_one() {
    let Some(turn) = Turn::start() else { return };
    let notes = shared();
    let (mut act, id) = act(&turn, "found::a_caller_of_one", notes.path());
    act.wait().unwrap();
    let call = Call::<u64>::from_id(&id).unwrap();
    assert_eq!(call.get(None).unwrap(), 42);
    assert_eq!(names(notes.path()).len(), 1);
}

#[test]
fn what_nobody_began_is_not_found() {
    let Some(_turn) = Turn::start() else { return };
    for id in ["0123456789abcdef", "../../etc/passwd", ""] {
        let error = Call::<u64>::from_id(id).unwrap_err();
        assert!(error.to_string().contains("there is no call"), "{error}");
    }
}
