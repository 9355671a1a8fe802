//! Death of nodes, controllers, callers and tasks; each input is accounted for exactly once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, io, process, thread};

use stub::ErrorKind;
use stub_test_support::shared;

use crate::turn::{Turn, eventually, names, queue};

/// Creates a file with its node in the name, and takes a while.
#[stub::function]
fn slowly(n: u64, folder: PathBuf) -> io::Result<u64> {
    let node = env::var("SLURMD_NODENAME").unwrap_or_default();
    fs::write(folder.join(format!("{n:04}.{node}.{}", process::id())), "")?;
    thread::sleep(Duration::from_millis(50));
    Ok(n)
}

fn inputs(count: u64, folder: &Path) -> impl Iterator<Item = (u64, PathBuf)> + use<> {
    let folder = folder.to_owned();
    (0..count).map(move |n| (n, folder.clone()))
}

/// Returns a node on which an input was started.
fn begun_on(folder: &Path) -> String {
    eventually("something has begun", || {
        let name = names(folder).pop()?;
        Some(name.split('.').nth(1)?.to_owned())
    })
}

#[test]
fn a_node_that_dies_takes_no_input_with_it() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let call = slowly::spawn_map(inputs(1500, folder.path()));
    let call = call.unwrap();
    let node = begun_on(folder.path());
    turn.cluster("kill-node", Some(&node));
    let values = call.get(None);
    turn.cluster("start-node", Some(&node));
    assert_eq!(values.unwrap(), (0..1500).collect::<Vec<_>>());
    let runs = names(folder.path()).len();
    assert!((1501..1900).contains(&runs), "{runs} runs of 1500 inputs");
}

#[test]
fn a_controller_that_dies_is_waited_for() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let call = slowly::spawn_map(inputs(400, folder.path())).unwrap();
    begun_on(folder.path());
    turn.cluster("stop-controller", None);
    thread::sleep(Duration::from_secs(3));
    turn.cluster("start-controller", None);
    assert_eq!(call.get(None).unwrap(), (0..400).collect::<Vec<_>>());
    assert_eq!(names(folder.path()).len(), 400, "some were run twice");
}

#[test]
fn a_call_waits_for_a_controller_that_is_not_there_yet() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    turn.cluster("stop-controller", None);
    let path = folder.path().to_owned();
    let caller = thread::spawn(move || slowly(7, path));
    thread::sleep(Duration::from_secs(3));
    turn.cluster("start-controller", None);
    assert_eq!(caller.join().unwrap().unwrap(), 7);
}

#[test]
fn what_is_preempted_is_run_again_and_is_no_error() {
    let Some(_turn) = Turn::with(|slurm| slurm.partition("main")) else {
        return;
    };
    let folder = shared();
    let call = slowly::spawn_map(inputs(1500, folder.path())).unwrap();
    begun_on(folder.path());
    // All places of the cluster, for a moment.
    let urgent = Command::new("sbatch")
        .args([
            "--partition=urgent",
            "--nodes=4",
            "--exclusive",
            "--output=/dev/null",
        ])
        .args(["--wrap", "sleep 1"])
        .output()
        .unwrap();
    assert!(urgent.status.success(), "{urgent:?}");
    assert_eq!(call.get(None).unwrap(), (0..1500).collect::<Vec<_>>());
    let runs = names(folder.path()).len();
    assert!(runs > 1500, "nothing was preempted");
}

#[stub::function]
fn alone(folder: PathBuf) -> io::Result<()> {
    fs::write(folder.join(format!("begun.{}", process::id())), "")?;
    thread::sleep(Duration::from_hours(1));
    Ok(())
}

/// Returns the PID of the task's process on this machine.
fn task() -> String {
    eventually("there is a task", || {
        let found = Command::new("pgrep")
            .args(["-x", "stub-task"])
            .output()
            .unwrap();
        String::from_utf8(found.stdout)
            .unwrap()
            .lines()
            .next()
            .map(str::to_owned)
    })
}

#[test]
fn a_task_that_is_killed_is_the_error_of_the_input_that_it_had() {
    let Some(_turn) = Turn::start() else { return };
    let folder = shared();
    let call = alone::spawn(folder.path().to_owned()).unwrap();
    eventually("it has begun", || names(folder.path()).pop());
    let killed = Command::new("kill")
        .args(["-KILL", &task()])
        .status()
        .unwrap();
    assert!(killed.success());
    let error = call.get(Duration::from_mins(1)).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Lost { .. }),
        "its task was killed: {error:?}"
    );
    assert!(error.to_string().contains("FAILED"), "{error}");
}

#[test]
fn a_job_that_its_user_cancels_in_slurm_is_not_run_again() {
    let Some(_turn) = Turn::start() else { return };
    let folder = shared();
    let call = alone::spawn(folder.path().to_owned()).unwrap();
    eventually("it has begun", || names(folder.path()).pop());
    let job = queue("%A").pop().unwrap();
    assert!(Command::new("scancel").arg(job).status().unwrap().success());
    let error = call.get(Duration::from_mins(1)).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Lost { .. }),
        "its job was cancelled: {error:?}"
    );
    assert!(error.to_string().contains("CANCELLED"), "{error}");
    assert_eq!(names(folder.path()).len(), 1);
}
