use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;
use crate::object::{ETag, Key};

fn object(name: u64) -> ObjectRef {
    ObjectRef {
        key: Key::new(format!("{name}")),
        etag: ETag::new("v"),
        size: 100,
    }
}

/// Returns the known zeros of the objects in these tests: the first has none.
fn zeros_in(object: &ObjectRef) -> Option<Range<u64>> {
    match object.key.as_str() {
        "1" => Some(10..60),
        "2" => Some(0..100),
        _ => None,
    }
}

fn is_zero(source: &ExtentSource) -> bool {
    match source {
        ExtentSource::Hole => true,
        ExtentSource::Object { object, offset } => {
            zeros_in(object).is_some_and(|zeros| zeros.contains(offset))
        }
        ExtentSource::Stage | ExtentSource::Sent => false,
    }
}

proptest! {
    #[test]
    fn the_longest_run_has_nothing_but_zeros_and_no_longer_hole_exists(
        sources in proptest::collection::vec((0..6u64, 0..60u64, 1..40u64), 0..12),
    ) {
        let mut extents = Extents::default();
        for (kind, offset, length) in sources {
            let source = match kind {
                0 => ExtentSource::Stage,
                1 | 2 => ExtentSource::Hole,
                name => {
                    let object = Arc::new(object(name - 3));
                    ExtentSource::Object { object, offset }
                }
            };
            let end = extents.length();
            extents.set(end..end + length, source);
        }
        let run = longest_run(&extents, zeros_in).unwrap_or(0..0);
        for at in run.clone() {
            let byte = extents.within(at..at + 1).next().unwrap();
            prop_assert!(is_zero(&byte.source), "{at} of {extents:?}");
        }
        let holes = extents.all().filter(|extent| extent.source == ExtentSource::Hole);
        let longest = holes.map(|extent| extent.length()).max().unwrap_or(0);
        prop_assert!(run.end - run.start >= longest);
    }
}

#[test]
fn the_longest_run_of_the_present_versions_is_taken() {
    let sources = ZeroSources::default();
    sources.stored(&object(0), Some(0..50), 10);
    sources.stored(&object(1), Some(20..90), 10);
    sources.stored(&object(2), Some(0..9), 10);
    let longest = || sources.longest(10).map(|run| (run.object, run.range));
    assert_eq!(longest(), Some((Arc::new(object(1)), 20..90)));
    let renamed = object(7);
    sources.moved(&object(1), &renamed);
    assert_eq!(longest(), Some((Arc::new(renamed.clone()), 20..90)));
    assert_eq!(sources.longest(71), None);
    sources.stored(&renamed, None, 10);
    assert_eq!(longest(), Some((Arc::new(object(0)), 0..50)), "replaced");
    sources.stored(&object(4), Some(0..40), 10);
    sources.forget(&object(0));
    assert_eq!(longest(), Some((Arc::new(object(4)), 0..40)));
    sources.deleted(&object(4).key);
    assert_eq!(longest(), None, "the third has too few");
}

/// Waits for a permit, or until a run of ten bytes is known.
async fn permit(sources: &ZeroSources, bytes: u64) -> Option<ZeroUploadPermit> {
    sources.permit(bytes, 10, || false).await
}

#[tokio::test]
async fn a_file_waits_for_those_that_send_no_more_zeros() {
    let sources = ZeroSources::default();
    let first = permit(&sources, 100).await.unwrap();
    let fewer = permit(&sources, 99).await.unwrap();
    let waiting = tokio::spawn({
        let sources = sources.clone();
        async move { permit(&sources, 100).await.is_some() }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(fewer);
    drop(first);
    assert!(waiting.await.unwrap(), "none of them was stored");
    let _sending = permit(&sources, 100).await.unwrap();
    let copies = async { permit(&sources, 200).await.is_none() };
    let stores = async { sources.stored(&object(0), Some(0..50), 10) };
    assert!(tokio::join!(copies, stores).0);
}

#[tokio::test]
async fn files_that_wait_to_send_zeros_go_in_the_order_in_which_they_came() {
    let sources = ZeroSources::default();
    let order = Mutex::new(Vec::new());
    let go = async |bytes, name| {
        let permit = permit(&sources, bytes).await.unwrap();
        order.lock().unwrap().push(name);
        tokio::task::yield_now().await;
        drop(permit);
    };
    let first = permit(&sources, 10).await.unwrap();
    let begin = async { drop(first) };
    tokio::join!(go(30, "a"), go(20, "b"), go(25, "c"), begin);
    assert_eq!(*order.lock().unwrap(), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_file_that_an_operation_waits_for_waits_for_no_other() {
    let sources = ZeroSources::default();
    let _first = permit(&sources, 10).await.unwrap();
    let is_urgent = AtomicBool::new(false);
    let waits = sources.permit(20, 10, || is_urgent.load(Ordering::Relaxed));
    let becomes = async {
        tokio::task::yield_now().await;
        is_urgent.store(true, Ordering::Relaxed);
        sources.recheck();
    };
    assert!(tokio::join!(waits, becomes).0.is_some());
}

#[tokio::test]
async fn nothing_waits_for_zeros_that_the_server_does_not_copy() {
    let sources = ZeroSources::default();
    sources.stored(&object(0), Some(0..50), 10);
    sources.turn_off();
    assert_eq!(sources.longest(1), None);
    sources.stored(&object(0), Some(0..50), 10);
    assert_eq!(sources.longest(1), None);
    let _first = permit(&sources, 10).await.unwrap();
    assert!(permit(&sources, 10).await.is_some());
}
