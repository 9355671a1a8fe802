//! A function over many inputs: sandboxes that stay, values in order, workers that die.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io, iter, process, thread};

use s3_local::Policy;
use stub::{Error, Retries};

use crate::act::shared;
use crate::bucket::{self, BUCKET, volume};
use crate::clean::Clean;

#[stub::function]
fn square(n: u64) -> u64 {
    n * n
}

/// How many inputs this process has had.
fn count() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed) + 1
}

#[stub::function(max_containers = 1)]
fn counts() -> u64 {
    count()
}

#[stub::function(max_containers = 1, max_inputs = 3)]
fn counts_to_three() -> u64 {
    count()
}

#[stub::function]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[stub::function]
fn nothing() -> u8 {
    7
}

#[stub::function]
fn repeated(text: String) -> String {
    text.repeat(3)
}

/// What an input does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Deed {
    Return,
    Fail,
    Panic,
    Exit,
    Abort,
    Hang,
}

// A panic whose backtrace is printed takes a while on a busy machine.
#[stub::function(timeout = Duration::from_secs(3))]
fn does(n: u64, deed: Deed) -> Result<u64, String> {
    match deed {
        Deed::Return => return Ok(n),
        Deed::Fail => return Err(format!("{n} fails")),
        Deed::Panic => panic!("{n} panics"),
        Deed::Exit => process::exit(3),
        Deed::Abort => process::abort(),
        Deed::Hang => thread::sleep(Duration::from_hours(1)),
    }
    Ok(n)
}

/// The same, however busy the machine is.
#[stub::function]
fn does_in_time(n: u64, deed: Deed) -> Result<u64, String> {
    does::local(n, deed)
}

/// What an input that did this has, and nothing else.
fn is_right(n: u64, deed: Deed, result: &stub::Result<u64>) -> bool {
    match (deed, result) {
        (Deed::Return, Ok(value)) => *value == n,
        (Deed::Fail, Err(Error::Failed { source, .. })) => {
            source.to_string() == format!("{n} fails")
        }
        (Deed::Panic, Err(Error::Panicked { message, .. })) => *message == format!("{n} panics"),
        (Deed::Exit, Err(Error::Exited { code, .. })) => *code == 3,
        (Deed::Abort, Err(Error::Killed { signal, .. })) => *signal == 6,
        (Deed::Hang, Err(Error::TimedOut { .. })) => true,
        _ => false,
    }
}

#[stub::function(retries = Retries::new(3).initial_delay(Duration::from_millis(5)), max_containers = 2)]
fn third_time_lucky(folder: PathBuf, n: u64) -> io::Result<usize> {
    let tries = fs::read_dir(&folder)?
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with(&format!("{n}-"))
        })
        .count();
    fs::write(folder.join(format!("{n}-{tries}")), "")?;
    match (n % 3, tries) {
        (_, 2..) | (0, _) => Ok(tries + 1),
        (1, _) => process::exit(1),
        _ => Err(io::Error::other("not yet")),
    }
}

#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 2)]
fn writes(n: u64) -> io::Result<u64> {
    fs::write(format!("/stub-it/data/{n}"), format!("number {n}"))?;
    Ok(n)
}

#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 2)]
fn writes_in(folder: String, n: u64) -> io::Result<u64> {
    fs::write(format!("/stub-it/data/{folder}/{n}"), format!("number {n}"))?;
    Ok(n)
}

#[test]
fn values_come_in_the_order_of_their_inputs() {
    let _clean = Clean::start();
    let squares: Vec<u64> = square::map(0..500).collect::<stub::Result<_>>().unwrap();
    let expected: Vec<u64> = (0..500).map(|n| n * n).collect();
    assert_eq!(squares, expected);
    assert_eq!(square::map([]).count(), 0);
}

#[test]
fn values_come_when_they_are_ready_if_that_is_asked_for() {
    let _clean = Clean::start();
    let all: BTreeMap<u64, u64> = square::map(0..100)
        .unordered()
        .indexed()
        .map(|(index, value)| (index, value.unwrap()))
        .collect();
    assert_eq!(all, (0..100).map(|n| (n, n * n)).collect());
}

#[test]
fn several_arguments_are_a_tuple() {
    let _clean = Clean::start();
    let sums = add::map((0..10).map(|n| (n, 1)));
    assert_eq!(
        sums.map(Result::unwrap).collect::<Vec<_>>(),
        (1..11).collect::<Vec<_>>()
    );
    assert_eq!(add::starmap([(1, 2)]).next().unwrap().unwrap(), 3);
    assert_eq!(square::starmap([(3,)]).next().unwrap().unwrap(), 9);
    assert_eq!(nothing::map([(), ()]).map(Result::unwrap).sum::<u8>(), 14);
}

#[test]
fn a_worker_stays() {
    let _clean = Clean::start();
    let counts = counts::map(iter::repeat_n((), 200)).map(Result::unwrap);
    assert!(counts.eq(1..=200));
}

#[test]
fn a_worker_takes_so_many_inputs_and_no_more() {
    let _clean = Clean::start();
    let counts = counts_to_three::map([(); 8]).map(Result::unwrap);
    assert!(counts.eq([1, 2, 3, 1, 2, 3, 1, 2]));
}

#[test]
fn endless_inputs_are_taken_as_they_are_needed() {
    let _clean = Clean::start();
    let mut taken = 0;
    let inputs = iter::from_fn(|| {
        taken += 1;
        Some(taken)
    });
    let squares: Vec<u64> = square::map(inputs).take(1000).map(Result::unwrap).collect();
    assert_eq!(squares[999], 1_000_000);
    assert!(taken < 1000 + 64 * 64, "{taken} inputs were taken");
}

#[test]
fn large_values_cross_in_memory_of_their_own() {
    let _clean = Clean::start();
    let inputs: Vec<String> = (0..40).map(|n| "x".repeat(n * 10_000)).collect();
    let values: Vec<String> = repeated::map(inputs.clone()).map(Result::unwrap).collect();
    for (input, value) in inputs.iter().zip(&values) {
        assert!(*value == input.repeat(3), "{}", input.len());
    }
}

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

#[test]
fn what_fails_is_tried_again_and_nothing_else() {
    let _clean = Clean::start();
    let folder = shared();
    let inputs = (0..12).map(|n| (folder.path().to_owned(), n));
    let tries: Vec<usize> = third_time_lucky::map(inputs).map(Result::unwrap).collect();
    let expected: Vec<usize> = (0..12).map(|n| if n % 3 == 0 { 1 } else { 3 }).collect();
    assert_eq!(tries, expected);
}

#[test]
fn the_first_error_ends_it_all_where_it_is_asked_for() {
    let _clean = Clean::start();
    let inputs = (0..).map(|n| (n, if n == 20 { Deed::Fail } else { Deed::Return }));
    let error = does::for_each(inputs).unwrap_err();
    assert_eq!(error.attempt().input, Some(20));
    square::for_each(0..100).unwrap();
}

#[test]
fn a_map_that_is_dropped_kills_what_it_runs() {
    let clean = Clean::start();
    let mut map = does::map([(0, Deed::Return), (1, Deed::Hang)]);
    assert_eq!(map.next().unwrap().unwrap(), 0);
    drop(map);
    clean.settle();
}

#[test]
fn a_value_is_there_when_what_its_body_wrote_is_stored() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    for n in writes::map(0..50) {
        let n = n.unwrap();
        let stored = server.get(BUCKET, &n.to_string());
        assert_eq!(stored.as_deref(), Some(format!("number {n}").as_bytes()));
    }
}

#[test]
fn what_could_not_be_stored_is_the_error_of_its_input_alone() {
    let _clean = Clean::start();
    let policy = Policy::read_only(BUCKET).allow("s3:PutObject", "data/good/*");
    let server = bucket::server_with(policy);
    server.put(BUCKET, "good/first", "");
    server.put(BUCKET, "bad/first", "");
    bucket::choose(bucket::limited(&server));
    let folder = |n| if n == 3 || n == 7 { "bad" } else { "good" };
    let results: Vec<_> = writes_in::map((0..12).map(|n| (folder(n).to_owned(), n))).collect();
    for (n, result) in (0..12).zip(results) {
        if folder(n) == "good" {
            assert_eq!(result.unwrap(), n);
            continue;
        }
        match result {
            Err(Error::NotStored { objects, .. }) => {
                assert_eq!(objects.len(), 1);
                assert_eq!(objects[0].object, format!("s3://{BUCKET}/bad/{n}"));
            }
            // The first store of a mount is waited for, and the program is told.
            Err(Error::Failed { source, .. }) => assert!(source.to_string().contains("denied")),
            other => panic!("{n}: {other:?}"),
        }
    }
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn with_a_volume(n: u64) -> u64 {
    n
}

#[test]
fn a_bucket_that_is_missing_is_every_inputs_error() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, "no-such-bucket"));
    let results: Vec<_> = with_a_volume::map(0..300).collect();
    assert_eq!(results.len(), 300);
    for (n, result) in (0..300).zip(results) {
        let Err(Error::Volume { attempt, .. }) = result else {
            panic!("{n}: {result:?}")
        };
        assert_eq!(attempt.input, Some(n));
    }
}

#[stub::function(max_containers = 0)]
fn never() {}

#[test]
fn an_option_that_makes_no_sense_is_an_error_that_names_it() {
    let _clean = Clean::start();
    let Err(error @ Error::Options { .. }) = never() else {
        panic!("it is refused")
    };
    assert!(
        error.to_string().contains("`max_containers` is 0"),
        "{error}"
    );
    let results: Vec<_> = never::map([()]).collect();
    assert!(matches!(results[..], [Err(Error::Options { .. })]));
}

/// The generator of Knuth, so that a failure can be drawn again.
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
    ];
    let all = deeds.iter().cycle().take(64).copied();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..)
            .zip(all)
            .map(|(n, deed)| {
                scope.spawn(move || {
                    let result = match deed {
                        Deed::Hang => does(n, deed),
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

#[stub::function(max_containers = 2)]
#[allow(clippy::print_stdout, reason = "that is what it does")]
fn prints(n: u64) -> u64 {
    println!("printed {n}");
    n
}

#[test]
fn a_program_may_hold_its_own_output_while_it_waits() {
    let _clean = Clean::start();
    let _held = io::stdout().lock();
    assert!(prints::map(0..20).map(Result::unwrap).eq(0..20));
}

#[stub::function(max_containers = 2)]
fn reads_its_input(n: u64) -> io::Result<(u64, usize)> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::stdin(), &mut text)?;
    Ok((n, text.len()))
}

#[test]
fn workers_of_a_map_have_no_standard_input() {
    let _clean = Clean::start();
    let all = reads_its_input::map(0..4).map(Result::unwrap);
    assert!(all.eq((0..4).map(|n| (n, 0))));
}

#[stub::function(max_containers = 2, max_inputs = 20)]
#[allow(clippy::print_stderr, reason = "that is what it does")]
fn prints_and_is_replaced(n: u64) -> u64 {
    if n.is_multiple_of(7) {
        eprintln!("printed {n}");
    }
    n
}

#[test]
fn workers_that_print_and_are_replaced_lose_no_input() {
    let _clean = Clean::start();
    let values = prints_and_is_replaced::map(0..500).map(Result::unwrap);
    assert!(values.eq(0..500));
}
