//! Holes that the server copies from zeros of stored objects.

use std::sync::Arc;

use super::{FIRST_PART, Somewhere, bucket, object, target};
use crate::object::Key;
use crate::store::Store;
use crate::store::memory::MemoryStore;
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
