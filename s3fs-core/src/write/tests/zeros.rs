//! Holes that the server copies from zeros of stored objects.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{FIRST_PART, Somewhere, bucket, object, target};
use crate::object::Key;
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::memory::MemoryStore;
use crate::store::{Store, StoreErrorKind};
use crate::write::{FindDestination, Stages, Target, Writer};

/// Returns a new file, whose holes are copied from objects of the same target.
fn create(target: &Target, key: &str) -> Writer {
    let place: Arc<dyn FindDestination> = Somewhere::new(key, false);
    Writer::create(target.clone(), place)
}

/// Creates a bucket with an object of ten parts of zeros, which is known.
async fn with_zeros() -> (MemoryStore, Target) {
    let store = bucket();
    let target = target(Arc::new(store.clone()), 1 << 20, &Stages::default());
    let first = create(&target, "zeros");
    first.resize(10 * FIRST_PART).await.unwrap();
    first.store().await.unwrap();
    (store, target)
}

/// Stores a file of 20 parts with one byte in the middle. Returns whether zeros are still known.
async fn store_another(store: &MemoryStore, target: &Target) -> bool {
    let writer = create(target, "f");
    writer.resize(20 * FIRST_PART).await.unwrap();
    writer.write(700, b"x").await.unwrap();
    let known = target.zeros.longest(FIRST_PART).is_some();
    writer.store().await.unwrap();
    let mut expected = vec![0; 20 * FIRST_PART as usize];
    expected[700] = b'x';
    assert!(store.objects()["f"] == expected);
    known
}

#[tokio::test]
async fn zeros_of_an_object_that_was_replaced_by_others_are_not_copied() {
    let (store, target) = with_zeros().await;
    store.insert("zeros", vec![1; 10 * FIRST_PART as usize]);
    assert!(store_another(&store, &target).await);
    let (store, target) = with_zeros().await;
    store.delete(&Key::new("zeros")).await.unwrap();
    assert!(store_another(&store, &target).await);
    let run = target.zeros.longest(FIRST_PART).unwrap();
    assert_eq!(run.object.key.as_str(), "f", "the new object has some");
}

#[tokio::test]
async fn a_version_without_zeros_takes_the_place_of_one_with_them() {
    let (store, target) = with_zeros().await;
    let key = Key::new("zeros");
    let from = object(&store, &key).await;
    let place: Arc<dyn FindDestination> = Somewhere::new("zeros", false);
    let writer = Writer::open(target.clone(), place, from).await.unwrap();
    writer.write(0, &[3; 640]).await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(target.zeros.longest(1), None);
    assert!(!store_another(&store, &target).await);
}

#[tokio::test]
async fn zeros_are_known_after_changes_of_their_file() {
    let (store, target) = with_zeros().await;
    let from = object(&store, &Key::new("zeros")).await;
    let place: Arc<dyn FindDestination> = Somewhere::new("zeros", false);
    let writer = Writer::open(target.clone(), place, from).await.unwrap();
    writer.write(100, b"x").await.unwrap();
    writer.store().await.unwrap();
    let run = target.zeros.longest(FIRST_PART).unwrap();
    assert_eq!(run.range, 101..640);
    assert_eq!(*run.object, object(&store, &Key::new("zeros")).await);
}

/// Answer to the next copies of parts.
#[derive(Debug, Default)]
struct CopyAnswer(Mutex<Option<fn() -> StoreErrorKind>>);

#[async_trait]
impl Disturbance for CopyAnswer {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        if operation == Operation::CopyPart
            && let Some(kind) = *self.0.lock().unwrap()
        {
            return Err(kind());
        }
        Ok(())
    }

    async fn after(&self, _operation: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }
}

/// Creates a bucket with an object of ten parts of zeros, and a new file of twenty.
async fn with_answers() -> (MemoryStore, Arc<CopyAnswer>, Target, Writer) {
    let (memory, disturbance) = (bucket(), Arc::<CopyAnswer>::default());
    memory.capabilities().assume_all();
    let store = Arc::new(Disturbed {
        store: memory.clone(),
        disturbance: Arc::clone(&disturbance),
    });
    let target = target(store, 1 << 20, &Stages::default());
    let zeros = create(&target, "zeros");
    zeros.resize(10 * FIRST_PART).await.unwrap();
    zeros.store().await.unwrap();
    let writer = create(&target, "f");
    writer.resize(20 * FIRST_PART).await.unwrap();
    (memory, disturbance, target, writer)
}

#[tokio::test]
async fn zeros_are_copied_after_a_failure_that_passes() {
    let (memory, answer, target, writer) = with_answers().await;
    *answer.0.lock().unwrap() = Some(|| StoreErrorKind::TimedOut);
    writer.store().await.unwrap_err();
    assert!(target.zeros.longest(10 * FIRST_PART).is_some());
    *answer.0.lock().unwrap() = None;
    writer.store().await.unwrap();
    assert_eq!(memory.objects()["f"], vec![0; 20 * FIRST_PART as usize]);
    assert_eq!(memory.open_uploads(), 0);
}

#[tokio::test]
async fn a_server_that_copies_no_parts_is_asked_once() {
    let (memory, answer, target, writer) = with_answers().await;
    *answer.0.lock().unwrap() = Some(|| StoreErrorKind::Unsupported(String::new()));
    writer.store().await.unwrap();
    assert_eq!(memory.objects()["f"], vec![0; 20 * FIRST_PART as usize]);
    assert_eq!(memory.open_uploads(), 0);
    assert!(!target.zeros.are_copied());
}

#[tokio::test]
async fn a_copy_that_is_refused_once_is_sent_in_parts_of_the_usual_size() {
    let (memory, answer, target, writer) = with_answers().await;
    *answer.0.lock().unwrap() = Some(|| StoreErrorKind::AccessDenied(String::new()));
    let etag = writer.store().await.unwrap().etag;
    assert!(etag.to_string().ends_with("-20"), "{etag}: parts");
    assert_eq!(memory.open_uploads(), 0);
    assert!(target.zeros.are_copied());
    let run = target.zeros.longest(FIRST_PART).unwrap();
    assert_eq!(run.object.key.as_str(), "f");
}
