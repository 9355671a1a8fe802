//! Stored headers of an object, which can change without its bytes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::MIB;
use super::client::{Client, collect, folder, noise, only};
use crate::object::{ByteRange, ETag, Headers, Key};
use crate::store::memory::MemoryStore;
use crate::store::{Body, Condition, CopiedHeaders, Precondition, Store};

const SIZE: u64 = MIB + 7;

/// Age longer than the resolution of a server's times.
const LONG_AGO: Duration = Duration::from_hours(1);

fn headers(mode: &str) -> Headers {
    Headers {
        content_type: Some("text/plain".into()),
        metadata: [("mode".into(), mode.into())].into(),
        properties: Some(Arc::default()),
    }
}

async fn put(bucket: &MemoryStore, headers: &Headers) -> ETag {
    let body = Body::memory(noise(SIZE, 1).into());
    let none = Precondition::None;
    let stored = bucket.put(&Key::new("key"), body, headers, &none).await;
    stored.unwrap()
}

/// Changes the headers, as another client's `chmod` does.
async fn change(bucket: &MemoryStore, etag: &ETag, headers: &Headers) {
    let key = Key::new("key");
    let changed = bucket
        .copy(&key, etag, &key, CopiedHeaders::Changed(headers))
        .await;
    assert_eq!(changed.unwrap(), *etag);
}

/// Reads the object in a new process: returns the headers, and the number of requests and bytes.
async fn read(bucket: &MemoryStore, dir: &Path) -> (Headers, (u64, u64)) {
    let client = Client::new(bucket, dir);
    let key = Key::new("key");
    let answer = client.store.get(&key, None, Condition::Any).await.unwrap();
    assert!(collect(answer.body).await.unwrap() == noise(SIZE, 1));
    let traffic = client.traffic();
    client.end().await;
    (answer.headers, traffic)
}

#[tokio::test]
async fn headers_come_from_the_disk_with_the_bytes() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let etag = put(&bucket, &headers("1")).await;
    bucket.age("key", LONG_AGO);
    assert_eq!(read(&bucket, &dir).await, (headers("1"), (1, SIZE)));
    assert_eq!(read(&bucket, &dir).await, (headers("1"), (1, 0)));
    let client = Client::new(&bucket, &dir);
    let part = ByteRange::new(5, 9);
    let this = Condition::Is(&etag);
    let answer = client.store.get(&Key::new("key"), part, this).await;
    assert_eq!(answer.unwrap().headers, headers("1"));
    assert_eq!(client.traffic(), (0, 0));
}

#[tokio::test]
async fn headers_that_changed_are_asked_for_once_and_the_bytes_not_at_all() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let etag = put(&bucket, &headers("1")).await;
    bucket.age("key", LONG_AGO);
    read(&bucket, &dir).await;
    change(&bucket, &etag, &headers("2")).await;
    bucket.age("key", LONG_AGO / 2);
    assert_eq!(read(&bucket, &dir).await, (headers("2"), (2, 0)));
    assert_eq!(read(&bucket, &dir).await, (headers("2"), (1, 0)));
}

#[tokio::test]
async fn headers_that_changed_within_a_second_are_noticed() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let etag = put(&bucket, &headers("1")).await;
    let stored = bucket.head(&Key::new("key")).await.unwrap().meta.modified;
    read(&bucket, &dir).await;
    change(&bucket, &etag, &headers("2")).await;
    let changed = bucket.head(&Key::new("key")).await.unwrap().meta.modified;
    bucket.age("key", changed.duration_since(stored).unwrap());
    assert_eq!(read(&bucket, &dir).await, (headers("2"), (1, 0)));
}

#[tokio::test]
async fn a_new_version_brings_its_own() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(SIZE + 5, 2));
    let client = Client::new(&bucket, &dir);
    client.read("key").await.unwrap();
    client.end().await;
    put(&bucket, &headers("1")).await;
    // A HEAD that finds another version, and the GET of it.
    assert_eq!(read(&bucket, &dir).await, (headers("1"), (2, SIZE)));
    put(&bucket, &headers("2")).await;
    assert_eq!(read(&bucket, &dir).await, (headers("2"), (1, 0)));
}

#[tokio::test]
async fn more_headers_than_an_index_has_room_for_are_not_kept_and_nor_is_the_object() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let large = headers(&"1".repeat(5000));
    let etag = put(&bucket, &large).await;
    for _ in 0..2 {
        assert_eq!(read(&bucket, &dir).await, (large.clone(), (1, SIZE)));
    }
    change(&bucket, &etag, &headers("1")).await;
    read(&bucket, &dir).await;
    assert_eq!(read(&bucket, &dir).await, (headers("1"), (1, 0)));
    change(&bucket, &etag, &large).await;
    for _ in 0..2 {
        assert_eq!(read(&bucket, &dir).await, (large.clone(), (1, 0)));
    }
}

#[tokio::test]
async fn what_older_programs_kept_is_removed() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    put(&bucket, &headers("1")).await;
    let old = dir.join("v1/ab");
    std::fs::DirBuilder::new()
        .recursive(true)
        .create(&old)
        .unwrap();
    std::fs::write(old.join("cd.index"), "x").unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&dir, private).unwrap();
    read(&bucket, &dir).await;
    only(&dir, ".index");
    assert!(!dir.join("v1").exists());
}
