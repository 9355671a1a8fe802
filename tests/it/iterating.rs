//! Functions that return iterators: values as they come.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, io, iter, thread};

use stub::{Error, ErrorKind, Retries};
use stub_test_support::{Clean, eventually, shared};

use crate::bucket::{self, BUCKET, volume};

#[stub::function]
fn numbers(until: u64) -> impl Iterator<Item = u64> {
    0..until
}

#[stub::function]
fn texts(lengths: Vec<usize>) -> impl Iterator<Item = String> + use<> {
    lengths.into_iter().map(|length| "x".repeat(length))
}

/// Yields each value only after the consumer of the previous one has created a file.
#[stub::function]
fn in_turns(folder: PathBuf) -> impl Iterator<Item = usize> {
    (0..3).inspect(move |n| {
        let start = Instant::now();
        while *n > 0 && !folder.join(n.to_string()).exists() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "nobody takes turns"
            );
            thread::sleep(Duration::from_millis(1));
        }
    })
}

#[stub::function(timeout = Duration::from_secs(3))]
fn breaks(at: u64, how: u8) -> impl Iterator<Item = u64> {
    (0..10).inspect(move |n| match how {
        _ if *n != at => {}
        0 => panic!("it breaks"),
        1 => std::process::abort(),
        _ => thread::sleep(Duration::from_hours(1)),
    })
}

#[stub::function(retries = Retries::new(3).initial_delay(Duration::from_millis(1)))]
fn late(tries: PathBuf, good: bool) -> impl Iterator<Item = usize> {
    let before = fs::read(&tries).map_or(0, |bytes| bytes.len());
    fs::write(&tries, vec![b'x'; before + 1]).unwrap();
    assert!(!good || before >= 2, "not yet");
    iter::once(before).chain(iter::from_fn(
        move || if good { None } else { panic!("later") },
    ))
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn writes(count: u64) -> impl Iterator<Item = Result<u64, String>> {
    (0..count).map(|n| {
        let written: io::Result<()> = fs::write(format!("/stub-it/data/{n}"), n.to_string());
        written.map(|()| n).map_err(|error| error.to_string())
    })
}

#[test]
fn all_values_come_in_their_order() {
    let _clean = Clean::start();
    let all: Vec<u64> = numbers(1000).collect::<stub::Result<_>>().unwrap();
    assert!(all.into_iter().eq(0..1000));
    assert_eq!(numbers(0).count(), 0);
    let lengths = vec![0, 100_000, 5, 3_000_000];
    let texts: Vec<usize> = texts(lengths.clone())
        .map(|text| text.unwrap().len())
        .collect();
    assert_eq!(texts, lengths);
    assert_eq!(numbers::local(3).sum::<u64>(), 3);
}

#[test]
fn a_value_comes_while_the_body_goes_on() {
    let _clean = Clean::start();
    let folder = shared();
    for (n, value) in in_turns(folder.path().to_owned()).enumerate() {
        assert_eq!(value.unwrap(), n);
        fs::write(folder.path().join((n + 1).to_string()), "").unwrap();
    }
}

#[test]
fn an_error_is_the_last_item() {
    let _clean = Clean::start();
    for how in 0..3 {
        let mut values = breaks(4, how);
        let good: Vec<u64> = values.by_ref().take(4).map(Result::unwrap).collect();
        assert_eq!(good, [0, 1, 2, 3]);
        match (how, values.next().unwrap().unwrap_err().kind) {
            (0, ErrorKind::Panicked { .. })
            | (1, ErrorKind::Killed { signal: 6 })
            | (2, ErrorKind::TimedOut { .. }) => {}
            other => panic!("{other:?}"),
        }
        assert!(values.next().is_none());
    }
}

#[test]
fn a_call_is_tried_again_as_long_as_it_gave_nothing() {
    let _clean = Clean::start();
    let folder = shared();
    let [good, bad] = ["good", "bad"].map(|name| folder.path().join(name));
    let values: Vec<_> = late(good, true).collect();
    assert!(matches!(values[..], [Ok(2)]), "{values:?}");
    let values: Vec<_> = late(bad.clone(), false).collect();
    assert!(
        matches!(
            values[..],
            [
                Ok(0),
                Err(Error {
                    kind: ErrorKind::Panicked { .. },
                    ..
                })
            ]
        ),
        "{values:?}"
    );
    assert_eq!(fs::read(bad).unwrap().len(), 1);
}

#[test]
fn what_is_written_is_stored_at_the_end_and_when_nobody_wants_more() {
    let clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    let all: Vec<_> = writes(5).map(Result::unwrap).collect();
    assert_eq!(all, [Ok(0), Ok(1), Ok(2), Ok(3), Ok(4)]);
    assert_eq!(server.get(BUCKET, "4").as_deref(), Some(&b"4"[..]));
    let mut some = writes(u64::MAX);
    assert_eq!(some.next().unwrap().unwrap(), Ok(0));
    server.delete(BUCKET, "0");
    eventually("it goes on", || {
        some.next()
            .unwrap()
            .unwrap()
            .is_ok_and(|n| n > 20)
            .then_some(())
    });
    drop(some);
    assert_eq!(server.get(BUCKET, "20").as_deref(), Some(&b"20"[..]));
    clean.settle();
}
