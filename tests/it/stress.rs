//! Many inputs and calls that crash, time out or are cancelled: each is accounted for exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, process, thread};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use stub::{ErrorKind, Retries};
use stub_test_support::{Clean, eventually, shared};

use crate::act::{act, output};
use crate::deeds::{Deed, does, does_in_time, is_right};

#[test]
fn each_input_has_its_own_end() {
    let _clean = Clean::start();
    let deeds = [
        Deed::Return,
        Deed::Panic,
        Deed::Return,
        Deed::Exit,
        Deed::Hang,
        Deed::Fail,
        Deed::Return,
        Deed::Abort,
        Deed::Return,
        Deed::Return,
    ];
    let inputs = (0..).zip(deeds);
    let results: Vec<_> = does::map(inputs.clone()).collect();
    assert_eq!(results.len(), deeds.len());
    for ((n, deed), result) in inputs.zip(&results) {
        assert!(is_right(n, deed, result), "{n} {deed:?}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.attempt().input, Some(n));
            assert!(
                !matches!(deed, Deed::Panic) || error.to_string().contains(&format!("(input {n})"))
            );
        }
    }
}

/// Returns the next number of Knuth's generator, so that a failure can be reproduced.
fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn ten_thousand_inputs_with_crashes_are_accounted_for_exactly_once() {
    let _clean = Clean::start();
    let mut state = 42;
    let deeds: Vec<Deed> = (0..10_000)
        .map(|_| match random(&mut state) % 500 {
            0 => Deed::Panic,
            1 => Deed::Exit,
            2 => Deed::Abort,
            3 => Deed::Fail,
            4 if random(&mut state).is_multiple_of(4) => Deed::Hang,
            _ => Deed::Return,
        })
        .collect();
    let inputs = (0..).zip(deeds.iter().copied());
    let mut seen = BTreeSet::new();
    for (index, result) in does::map(inputs).unordered().indexed() {
        assert!(seen.insert(index), "{index} twice");
        let deed = deeds[usize::try_from(index).unwrap()];
        assert!(
            is_right(index, deed, &result),
            "{index} {deed:?}: {result:?}"
        );
    }
    assert_eq!(seen.len(), deeds.len());
}

#[test]
fn sixty_four_calls_at_once_have_their_own_ends() {
    let _clean = Clean::start();
    let deeds = [
        Deed::Return,
        Deed::Fail,
        Deed::Panic,
        Deed::Exit,
        Deed::Abort,
        Deed::Hang,
        Deed::BeCancelled,
    ];
    let all = deeds.iter().cycle().take(64).copied();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..)
            .zip(all)
            .map(|(n, deed)| {
                scope.spawn(move || {
                    let result = match deed {
                        Deed::Hang => does(n, deed),
                        Deed::BeCancelled => cancelled(n),
                        _ => does_in_time(n, deed),
                    };
                    assert!(is_right(n, deed, &result), "{n} {deed:?}: {result:?}");
                })
            })
            .collect();
        for call in calls {
            call.join().unwrap();
        }
    });
}

/// Cancels a call at some moment: before its sandbox exists, or while its body runs.
fn cancelled(n: u64) -> stub::Result<u64> {
    let call = does_in_time::spawn(n, Deed::BeCancelled)?;
    thread::sleep(Duration::from_millis(n * n % 60));
    call.cancel();
    call.get(None)
}

/// Records its start, in one write at the end of the file.
#[stub::function]
fn leaves_a_mark(marks: PathBuf, n: u64) -> u64 {
    let mut file = fs::OpenOptions::new().append(true).open(marks).unwrap();
    file.write_all(format!("{n}\n").as_bytes()).unwrap();
    n
}

fn marks(file: &Path) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(file).unwrap().lines() {
        *counts.entry(line.parse().unwrap()).or_default() += 1;
    }
    counts
}

#[test]
fn maps_that_end_at_any_moment_have_begun_no_input_twice() {
    let _clean = Clean::start();
    let folder = shared();
    let mut state = 7;
    for round in 0..12 {
        let file = folder.path().join(round.to_string());
        fs::write(&file, "").unwrap();
        let inputs = (0..10_000).map({
            let file = file.clone();
            move |n| (file.clone(), n)
        });
        let wanted = random(&mut state) % 3000;
        if round % 2 == 0 {
            let mut values = leaves_a_mark::map(inputs);
            for n in 0..wanted {
                assert_eq!(values.next().unwrap().unwrap(), n);
            }
        } else {
            let call = leaves_a_mark::spawn_map(inputs).unwrap();
            thread::sleep(Duration::from_micros(wanted * 30));
            call.cancel();
            match call.get(None) {
                Ok(values) => assert_eq!(values.len(), 10_000),
                Err(error) => assert!(matches!(error.kind, ErrorKind::Cancelled), "{error:?}"),
            }
        }
        let marks = marks(&file);
        assert!(marks.values().all(|count| *count == 1), "round {round}");
        if round % 2 == 0 {
            assert!((0..wanted).all(|n| marks.contains_key(&n)), "round {round}");
        }
    }
}

#[stub::function(max_containers = 40)]
fn waits_a_little(n: u64) -> u64 {
    thread::sleep(Duration::from_millis(20));
    n
}

/// Runs a map with too few descriptors for all of its sandboxes.
#[test]
#[ignore = "run by another test"]
fn short_act() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 64, most).unwrap();
    let values = waits_a_little::map(0..400).map(Result::unwrap);
    assert!(values.eq(0..400));
}

#[test]
fn a_map_goes_on_with_the_sandboxes_that_it_can_have() {
    let _clean = Clean::start();
    let mut command = act("stress::short_act");
    let (good, text) = output(command.env("RUST_LOG", "warn"));
    assert!(good, "{text}");
}

/// Dies on input 1 once the file has content.
#[stub::function(max_containers = 2, retries = Retries::new(1).initial_delay(Duration::from_millis(1)))]
fn dies_when_told(told: PathBuf, n: u64) -> u64 {
    while n == 1 {
        assert!(fs::metadata(&told).unwrap().len() == 0, "it was told to");
        thread::sleep(Duration::from_millis(1));
    }
    n
}

/// Returns the number of child processes.
fn children() -> usize {
    let parent = format!("PPid:\t{}", process::id());
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let statuses = processes.filter_map(|one| fs::read_to_string(one.path().join("status")).ok());
    statuses
        .filter(|status| status.lines().any(|line| line == parent))
        .count()
}

/// Checks an input whose sandbox dies while no other is left and none can be started for a second
/// attempt.
#[test]
#[ignore = "run by another test"]
fn none_left_act() {
    let folder = shared();
    let told = folder.path().join("told");
    let mut word = fs::File::create(&told).unwrap();
    let inputs = [0, 1].map(|n| (told.clone(), n));
    let mut values = dies_when_told::map(inputs).unordered();
    assert_eq!(values.next().unwrap().unwrap(), 0);
    eventually("one sandbox is left", || (children() == 1).then_some(()));
    let open = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, open, most).unwrap();
    word.write_all(b"die").unwrap();
    let error = values.next().unwrap().unwrap_err();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    assert!(matches!(error.kind, ErrorKind::Start { .. }), "{error:?}");
}

#[test]
fn an_input_is_not_left_to_a_sandbox_that_has_ended() {
    let _clean = Clean::start();
    let (good, text) = output(&mut act("stress::none_left_act"));
    assert!(good, "{text}");
}
