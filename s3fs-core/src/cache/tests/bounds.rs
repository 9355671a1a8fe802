//! Limit of the cache's size, and the order of eviction.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::MIB;
use super::client::{Client, cache, files, folder, noise, space};
use crate::cache::header::Header;
use crate::object::{ETag, Headers, Key, ObjectMeta};
use crate::store::memory::MemoryStore;

/// Returns the disk space of the folder, in bytes.
fn taken(dir: &Path) -> u64 {
    let sizes = files(dir).into_iter().map(|file| file.metadata());
    sizes.map(|meta| meta.map_or(0, |m| m.blocks() * 512)).sum()
}

/// Reads a key's object into the cache.
async fn keep(bucket: &MemoryStore, dir: &Path, size: u64, key: &str) {
    let client = Client::with_cache(bucket, cache(dir, size));
    client.read(key).await.unwrap();
    client.end().await;
}

/// Returns whether the cache has all of a key's object.
async fn is_kept(bucket: &MemoryStore, dir: &Path, key: &str) -> bool {
    let client = Client::with_cache(bucket, cache(dir, 1 << 40));
    client.read(key).await.unwrap();
    let kept = client.traffic() == (1, 0);
    client.end().await;
    kept
}

#[tokio::test]
async fn it_never_takes_more_than_its_size() {
    const SIZE: u64 = 6 * MIB;
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let shared = cache(&dir, SIZE);
    for i in 0..40 {
        let key = i.to_string();
        bucket.insert(&key, noise(700_000 + i, i));
        let client = Client::with_cache(&bucket, shared.clone());
        assert!(client.read(&key).await.unwrap().1 == noise(700_000 + i, i));
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(taken(&dir) <= SIZE, "{} after {i}", taken(&dir));
    }
    drop(shared);
    assert!(taken(&dir) <= SIZE);
    // And it is not emptied each time either.
    assert!(taken(&dir) > SIZE / 2, "{}", taken(&dir));
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first() {
    const SIZE: u64 = 8 * MIB;
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let mut now = SystemTime::now() - Duration::from_secs(100_000);
    for i in 0..7 {
        bucket.insert(&i.to_string(), noise(MIB, i));
        let before = files(&dir);
        keep(&bucket, &dir, SIZE, &i.to_string()).await;
        now += Duration::from_secs(1000);
        for file in files(&dir).into_iter().filter(|f| !before.contains(f)) {
            File::open(file).unwrap().set_modified(now).unwrap();
        }
    }
    // The oldest is used: now the second oldest is.
    keep(&bucket, &dir, SIZE, "0").await;
    bucket.insert("7", noise(MIB, 7));
    keep(&bucket, &dir, SIZE, "7").await;
    assert!(taken(&dir) <= SIZE);
    assert!(is_kept(&bucket, &dir, "0").await);
    assert!(is_kept(&bucket, &dir, "7").await);
    assert!(!is_kept(&bucket, &dir, "1").await);
}

#[tokio::test]
async fn an_object_that_does_not_fit_pushes_nothing_out() {
    const SIZE: u64 = 3 * MIB;
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("small", noise(MIB, 1));
    bucket.insert("large", noise(5 * MIB, 2));
    keep(&bucket, &dir, SIZE, "small").await;
    for _ in 0..2 {
        let client = Client::with_cache(&bucket, cache(&dir, SIZE));
        assert!(client.read("large").await.unwrap().1 == noise(5 * MIB, 2));
        assert_eq!(client.traffic().1, 5 * MIB);
        client.end().await;
    }
    assert!(taken(&dir) <= SIZE);
    assert!(is_kept(&bucket, &dir, "small").await);
}

#[test]
fn a_tag_that_does_not_stand_for_bytes_is_no_name_for_them() {
    let (_above, dir) = folder();
    let cache = cache(&dir, 10 * MIB);
    let header = |tag: &str| {
        let meta = ObjectMeta {
            size: MIB,
            modified: SystemTime::now(),
            etag: ETag::new(tag),
        };
        Header::new(space().object(&Key::new("key")), meta, Headers::default())
    };
    assert!(cache.admits(&header("\"abc\"")));
    assert!(!cache.admits(&header("W/\"abc\"")));
}

#[tokio::test]
async fn a_cache_of_next_to_nothing_keeps_nothing_and_does_no_harm() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(MIB, 1));
    for _ in 0..2 {
        let client = Client::with_cache(&bucket, cache(&dir, 1));
        assert!(client.read("key").await.unwrap().1 == noise(MIB, 1));
        assert_eq!(client.traffic().1, MIB);
        client.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_keep_up_slows_nobody_down() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(40 * MIB, 1));
    let client = Client::new(&bucket, &dir);
    // The thread that writes waits for this lock before it counts.
    let account = File::create(dir.join("v2/account")).unwrap();
    account.lock().unwrap();
    // A task of its own, because one that waits for the disk holds up its thread.
    let read = tokio::spawn(async move { (client.read("key").await, client) });
    let read = tokio::time::timeout(Duration::from_secs(30), read).await;
    let (read, client) = read.unwrap().unwrap();
    assert!(read.unwrap().1 == noise(40 * MIB, 1));
    drop(account);
    client.end().await;
    // What the queue holds, and what is in the thread's hands.
    assert!(taken(&dir) <= 18 * MIB, "{}", taken(&dir));
}
