//! Functions that return streams, and async functions that return iterators: values one by one, for
//! async callers.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use s3_local::Policy;
use stub::ErrorKind;
use stub_test_support::{Clean, eventually, shared};

use crate::bucket::{self, BUCKET, volume};

/// Creates a stream that needs the runtime at its creation.
#[stub::function]
fn ticks(count: u64) -> impl Stream<Item = u64> {
    let interval = tokio::time::interval(Duration::from_micros(10));
    let ticks = stream::unfold((0, interval), |(n, mut interval)| async move {
        interval.tick().await;
        Some((n, (n + 1, interval)))
    });
    ticks.take(usize::try_from(count).unwrap())
}

#[stub::function]
async fn after_a_while(until: u64) -> impl Iterator<Item = u64> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    0..until
}

#[stub::function]
async fn later_still(until: u64) -> impl Stream<Item = u64> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    stream::iter(0..until)
}

/// Returns values produced by a spawned task that outlives the function's future.
#[stub::function]
async fn fed_by_a_task(count: u64) -> impl Iterator<Item = u64> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        for n in 0..count {
            tokio::time::sleep(Duration::from_micros(10)).await;
            sender.send(n).await.unwrap();
        }
    });
    std::iter::from_fn(move || receiver.blocking_recv())
}

/// Yields each value only after the consumer of the previous one has created a file.
#[stub::function]
fn in_turns(folder: PathBuf) -> impl Stream<Item = u32> {
    stream::iter(0..3).then(move |n| {
        let turn = folder.join(n.to_string());
        async move {
            while n > 0 && !turn.exists() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            n
        }
    })
}

#[stub::function(timeout = Duration::from_secs(3))]
fn breaks(at: u64) -> impl Stream<Item = u64> {
    stream::iter(0..10).inspect(move |n| assert!(*n != at, "it breaks"))
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn writes() -> impl Stream<Item = Result<u64, String>> {
    stream::iter(0..).map(|n: u64| {
        let written: io::Result<()> = fs::write(format!("/stub-it/data/{n}"), n.to_string());
        written.map(|()| n).map_err(|error| error.to_string())
    })
}

#[tokio::test]
async fn all_values_come_in_their_order() {
    let _clean = Clean::start();
    let all: Vec<u64> = ticks(300).try_collect().await.unwrap();
    assert!(all.into_iter().eq(0..300));
    let all: Vec<u64> = after_a_while(50).await.try_collect().await.unwrap();
    assert!(all.into_iter().eq(0..50));
    let all: Vec<u64> = fed_by_a_task(100).await.try_collect().await.unwrap();
    assert!(all.into_iter().eq(0..100));
    let all: Vec<u64> = later_still(50).await.try_collect().await.unwrap();
    assert!(all.into_iter().eq(0..50));
    assert_eq!(ticks(0).count().await, 0);
    assert_eq!(ticks::local(2).collect::<Vec<_>>().await, [0, 1]);
}

#[tokio::test]
async fn a_value_comes_while_the_body_goes_on() {
    let _clean = Clean::start();
    let folder = shared();
    let mut values = in_turns(folder.path().to_owned());
    for n in 0..3 {
        assert_eq!(values.next().await.unwrap().unwrap(), n);
        fs::write(folder.path().join((n + 1).to_string()), "").unwrap();
    }
    assert!(values.next().await.is_none());
}

#[tokio::test]
async fn an_error_is_the_last_item() {
    let _clean = Clean::start();
    let mut values = breaks(4);
    for n in 0..4 {
        assert_eq!(values.next().await.unwrap().unwrap(), n);
    }
    let error = values.next().await.unwrap().unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Panicked { .. }),
        "{error:?}"
    );
    assert_eq!(error.attempt().input, None);
    assert!(values.next().await.is_none());
}

#[tokio::test]
async fn a_stream_that_nobody_wants_more_of_is_ended_and_stored() {
    let clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    let mut some = writes();
    for n in 0..100 {
        assert_eq!(some.next().await.unwrap().unwrap(), Ok(n));
    }
    drop(some);
    clean.settle();
    eventually("it is stored", || server.get(BUCKET, "99"));
    server.delete(BUCKET, "0");
    let mut some = writes();
    some.next().await.unwrap().unwrap().unwrap();
    some.close().await.unwrap();
    assert_eq!(server.get(BUCKET, "0").as_deref(), Some(&b"0"[..]));
}

#[tokio::test]
async fn what_a_closed_stream_could_not_store_is_told() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::read_only(BUCKET));
    bucket::choose(bucket::limited(&server));
    let mut some = writes();
    // The first store of a mount is synchronous, and the body gets its error; then it writes more.
    for _ in 0..20 {
        let _ = some.next().await.unwrap().unwrap();
    }
    let error = some.close().await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::NotStored { .. }),
        "{error:?}"
    );
}
