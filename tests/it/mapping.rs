//! Calls over many inputs: reused sandboxes, ordered values, workers that die.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io, iter, process};

use stub::{Error, ErrorKind, Retries};
use stub_test_support::{Clean, shared};

use crate::bucket::{self, BUCKET, volume};
use crate::deeds::{Deed, does};

#[stub::function]
fn square(n: u64) -> u64 {
    n * n
}

/// Returns the number of inputs that this process has run.
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
    let server = bucket::half_writable();
    bucket::choose(bucket::limited(&server));
    let folder = |n| if n == 3 || n == 7 { "bad" } else { "good" };
    let results: Vec<_> = writes_in::map((0..12).map(|n| (folder(n).to_owned(), n))).collect();
    for (n, result) in (0..12).zip(results) {
        if folder(n) == "good" {
            assert_eq!(result.unwrap(), n);
            continue;
        }
        match result.map_err(|error| error.kind) {
            Err(ErrorKind::NotStored { objects, .. }) => {
                assert_eq!(objects.len(), 1);
                assert_eq!(objects[0].object, format!("s3://{BUCKET}/bad/{n}"));
            }
            // The first store of a mount is synchronous, and the program gets its error.
            Err(ErrorKind::Failed { source }) => assert!(source.to_string().contains("denied")),
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
        let Err(Error {
            attempt,
            kind: ErrorKind::Volume { .. },
            ..
        }) = result
        else {
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
    let error = never().unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Options { .. }),
        "it is refused: {error:?}"
    );
    assert!(
        error.to_string().contains("`max_containers` is 0"),
        "{error}"
    );
    let results: Vec<_> = never::map([()]).collect();
    assert!(matches!(
        results[..],
        [Err(Error {
            kind: ErrorKind::Options { .. },
            ..
        })]
    ));
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
