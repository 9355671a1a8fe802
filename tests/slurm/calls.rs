//! Values, errors, output and limits, which must equal those of a call on this machine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io, process, thread};

use stub::{CloudBucketMount, Engine, Error, ErrorKind, Secret};
use stub_test_support::{keys, served, shared};

use crate::turn::{Turn, eventually, names, queue};

#[stub::function]
fn sum(a: u64, b: u64) -> u64 {
    a + b
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
enum Deed {
    Return,
    Fail,
    Panic,
    Exit,
    Abort,
    Hang,
}

const ALL: [Deed; 6] = [
    Deed::Return,
    Deed::Fail,
    Deed::Panic,
    Deed::Exit,
    Deed::Abort,
    Deed::Hang,
];

#[stub::function(timeout = Duration::from_secs(1))]
fn does(deed: Deed) -> io::Result<String> {
    match deed {
        Deed::Return => return Ok("well".to_owned()),
        Deed::Fail => return Err(io::Error::other("it failed")),
        Deed::Panic => panic!("it panicked"),
        Deed::Exit => process::exit(3),
        Deed::Abort => process::abort(),
        Deed::Hang => thread::sleep(Duration::from_hours(1)),
    }
    Ok("late".to_owned())
}

fn words<T: std::fmt::Debug>(result: &stub::Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error} {:?}", error.attempt()),
    }
}

#[test]
fn a_call_has_its_value() {
    let Some(_turn) = Turn::start() else { return };
    assert_eq!(sum(40, 2).unwrap(), 42);
}

#[test]
fn errors_are_those_of_a_call_on_this_machine() {
    let Some(turn) = Turn::start() else { return };
    let there: Vec<_> = does::map(ALL).map(|value| words(&value)).collect();
    let alone = words(&does(Deed::Panic));
    Engine::Local.select();
    let here: Vec<_> = does::map(ALL).map(|value| words(&value)).collect();
    assert_eq!(there, here);
    assert_eq!(alone, words(&does(Deed::Panic)));
    drop(turn);
}

#[test]
fn many_inputs_are_each_run_once_and_their_values_come_in_order() {
    let Some(_turn) = Turn::start() else { return };
    let values: Vec<u64> = sum::starmap((0..3000).map(|n| (n, 1)))
        .map(Result::unwrap)
        .collect();
    assert_eq!(values, (1..=3000).collect::<Vec<_>>());
    let mut unordered: Vec<(u64, u64)> = sum::starmap((0..300).map(|n| (n, 2)))
        .unordered()
        .indexed()
        .map(|(index, value)| (index, value.unwrap()))
        .collect();
    unordered.sort_unstable();
    assert_eq!(unordered, (0..300).map(|n| (n, n + 2)).collect::<Vec<_>>());
}

#[stub::function]
fn noted(n: u64, folder: PathBuf) -> io::Result<()> {
    fs::write(folder.join(format!("{n:05}.{}", process::id())), "")
}

#[test]
fn each_of_many_tasks_is_run_once() {
    let Some(_turn) = Turn::with(|slurm| slurm.task_time(Duration::from_millis(1))) else {
        return;
    };
    let folder = shared();
    let inputs = (0..1200).map(|n| (n, folder.path().to_owned()));
    noted::starmap(inputs).for_each(|value| value.unwrap());
    let seen: BTreeSet<String> = names(folder.path())
        .iter()
        .map(|name| name[..5].to_owned())
        .collect();
    assert_eq!(seen.len(), 1200);
    assert_eq!(names(folder.path()).len(), 1200, "some were run twice");
}

#[stub::function]
fn large(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().rev().collect()
}

#[test]
fn large_arguments_and_values_cross() {
    let Some(_turn) = Turn::start() else { return };
    let bytes: Vec<u8> = (0..=255).cycle().take(20 << 20).collect();
    let back = large(bytes.clone()).unwrap();
    assert!(back.into_iter().rev().eq(bytes));
}

#[stub::function]
fn counts_to(n: u64, before_two: PathBuf) -> impl Iterator<Item = u64> {
    (0..n).inspect(move |n| {
        if *n == 2 {
            eventually("the caller has the first value", || {
                before_two.exists().then_some(())
            });
        }
    })
}

#[test]
fn values_that_come_one_by_one_come_before_the_last_is_there() {
    let Some(_turn) = Turn::start() else { return };
    let folder = shared();
    let go = folder.path().join("go");
    let mut values = counts_to(4, go.clone());
    assert_eq!(values.next().unwrap().unwrap(), 0);
    assert!(!queue("%i").is_empty(), "its task goes on");
    fs::write(go, "").unwrap();
    let rest: Vec<u64> = values.map(Result::unwrap).collect();
    assert_eq!(rest, [1, 2, 3]);
}

#[stub::function]
fn speaks(n: u64) {
    println!("out {n}");
    eprintln!("err {n}");
}

#[test]
fn what_a_call_prints_is_printed_and_kept() {
    let Some(_turn) = Turn::start() else { return };
    let call = speaks::spawn(7).unwrap();
    call.get(None).unwrap();
    let logs = call.logs();
    assert!(
        logs.contains("out 7\n") && logs.contains("err 7\n"),
        "{logs:?}"
    );
}

#[stub::function(env = <"GIVEN" => "given">)]
fn sees(name: String) -> Option<String> {
    env::var(name).ok()
}

#[test]
fn a_body_sees_the_environment_of_its_caller_and_what_its_scheduler_says() {
    let Some(_turn) = Turn::start() else { return };
    let names = [
        "GIVEN",
        "CARGO_MANIFEST_DIR",
        "SLURM_JOB_ID",
        "STUB_PROCESS",
    ];
    let seen: Vec<Option<String>> = sees::map(names.map(str::to_owned))
        .map(Result::unwrap)
        .collect();
    assert_eq!(seen[0].as_deref(), Some("given"));
    assert_eq!(seen[1].as_deref(), Some(env!("CARGO_MANIFEST_DIR")));
    assert!(seen[2].is_some(), "{seen:?}");
    assert_eq!(seen[3], None);
}

#[stub::function]
fn nested(n: u64) -> Result<u64, Error> {
    sum(n, 1)
}

#[test]
fn a_body_that_calls_in_turn_does_so_on_its_node() {
    let Some(_turn) = Turn::start() else { return };
    assert_eq!(nested(1).unwrap(), 2);
}

#[stub::function(cpu = 2, memory = 300, lenient_limits = true, timeout = Duration::from_mins(2))]
fn limited() -> String {
    let job = env::var("SLURM_JOB_ID").unwrap_or_default();
    let shown = process::Command::new("scontrol")
        .args(["--oneliner", "show", "job", &job])
        .output();
    shown.map_or_else(
        |error| error.to_string(),
        |shown| String::from_utf8_lossy(&shown.stdout).into_owned(),
    )
}

#[test]
fn limits_are_asked_for() {
    let Some(_turn) = Turn::start() else { return };
    let shown = limited().unwrap();
    for part in ["CPUs/Task=2", "MinMemoryNode=812M", "TimeLimit=00:15:00"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[stub::function(volumes = <"/stub-it-data" => volume()>)]
fn stores(name: String, text: String) -> io::Result<u64> {
    fs::write(format!("/stub-it-data/{name}"), text)?;
    Ok(fs::read_dir("/stub-it-data")?.count() as u64)
}

static VOLUME: std::sync::Mutex<Option<CloudBucketMount>> = std::sync::Mutex::new(None);

fn volume() -> CloudBucketMount {
    VOLUME.lock().unwrap().clone().unwrap()
}

#[test]
fn volumes_are_folders_there_as_well_and_what_is_written_is_stored() {
    let Some(_turn) = Turn::start() else { return };
    let server = served("data", &[]);
    let volume = CloudBucketMount::new("data")
        .bucket_endpoint_url(server.endpoint_url())
        .force_path_style(true)
        .secret(Secret::from_dict(keys(&server)));
    *VOLUME.lock().unwrap() = Some(volume);
    let inputs = (0..20).map(|n| (format!("{n}.txt"), format!("text {n}")));
    for value in stores::starmap(inputs) {
        value.unwrap();
    }
    for n in 0..20 {
        let stored = server.get("data", &format!("{n}.txt")).unwrap();
        assert_eq!(stored, format!("text {n}").as_bytes());
    }
}

#[stub::function]
fn waits(folder: PathBuf) -> io::Result<()> {
    fs::write(folder.join("begun"), "")?;
    thread::sleep(Duration::from_hours(1));
    Ok(())
}

#[test]
fn a_call_that_is_cancelled_ends_in_its_queue_as_well() {
    let Some(_turn) = Turn::start() else { return };
    let folder = shared();
    let call = waits::spawn(folder.path().to_owned()).unwrap();
    eventually("it has begun", || names(folder.path()).pop());
    assert!(matches!(
        call.get(Duration::from_millis(10)),
        Err(Error {
            kind: ErrorKind::StillRunning { .. },
            ..
        })
    ));
    call.cancel();
    let ended = call.get(Duration::from_secs(30));
    assert!(
        matches!(
            ended,
            Err(Error {
                kind: ErrorKind::Cancelled,
                ..
            })
        ),
        "{ended:?}"
    );
}

#[test]
fn a_map_that_is_dropped_ends_in_its_queue_as_well() {
    let Some(_turn) = Turn::start() else { return };
    let folder = shared();
    let mut map = noted::starmap((0..50).map(|n| (n, folder.path().to_owned())));
    map.next().unwrap().unwrap();
    drop(map);
    assert_eq!(queue("%i"), Vec::<String>::new());
}

#[test]
fn what_slurm_refuses_is_told_in_its_words() {
    let Some(_turn) = Turn::with(|slurm| slurm.partition("nowhere")) else {
        return;
    };
    let error = sum(1, 2).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Engine { .. }),
        "there is no such partition: {error:?}"
    );
    assert!(error.to_string().contains("invalid partition"), "{error}");
    let failed = sum::starmap([(1, 2), (3, 4)])
        .filter(stub::Result::is_err)
        .count();
    assert_eq!(failed, 2);
}
