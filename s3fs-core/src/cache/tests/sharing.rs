//! Concurrent clients of one folder.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::MIB;
use super::client::{Client, cache, files, folder, noise, only};
use crate::store::memory::MemoryStore;
use crate::store::{StoreError, StoreErrorKind};

const SIZE: u64 = 1_500_000;

/// Returns the content of a key in one of its versions.
fn content(key: u64, version: u64) -> Vec<u8> {
    noise(SIZE + version, 100 * key + version)
}

fn is_replaced(error: &StoreError) -> bool {
    matches!(error.kind, StoreErrorKind::PreconditionFailed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_reads_whole_versions_while_objects_change_and_entries_are_evicted() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    for key in 0..4 {
        bucket.insert(&key.to_string(), content(key, 0));
    }
    let whole = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    // Each with a cache of its own, as two processes have.
    for task in 0..6 {
        let client = Client::with_cache(&bucket, cache(&dir, 4 * MIB));
        let (bucket, whole) = (bucket.clone(), Arc::clone(&whole));
        tasks.push(tokio::spawn(async move {
            for round in 0..40 {
                let key = (task + round) % 4;
                if task == 0 {
                    bucket.insert(&key.to_string(), content(key, 1 + round % 5));
                }
                match client.read(&key.to_string()).await {
                    Ok((_, bytes)) => {
                        let version = bytes.len() as u64 - SIZE;
                        assert!(bytes == content(key, version), "{key} {version}");
                        whole.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => assert!(is_replaced(&error), "{error}"),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(whole.load(Ordering::Relaxed) > 100);
}

#[tokio::test]
async fn an_entry_that_another_has_removed_is_made_again() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(2 * MIB, 1));
    let one = Client::new(&bucket, &dir);
    one.range("key", 0, MIB).await;
    // As evicting does.
    while files(&dir).len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    for file in [only(&dir, ".index"), only(&dir, ".data")] {
        std::fs::remove_file(file).unwrap();
    }
    one.range("key", MIB, 2 * MIB).await;
    one.end().await;
    let other = Client::new(&bucket, &dir);
    other.range("key", MIB, 2 * MIB).await;
    assert_eq!(other.traffic(), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_has_read_another_need_not() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(4 * MIB, 1));
    let (one, other) = (Client::new(&bucket, &dir), Client::new(&bucket, &dir));
    one.read("key").await.unwrap();
    one.end().await;
    assert!(other.read("key").await.unwrap().1 == noise(4 * MIB, 1));
    assert_eq!(other.traffic(), (1, 0));
}
