//! Whole files that are verified.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use super::MIB;
use super::client::{Client, folder, noise, only};
use crate::cache::format::{BLOCK, word_at};
use crate::object::{ETag, Key};
use crate::store::Store;
use crate::store::memory::MemoryStore;

async fn copy(client: &Client, etag: &ETag) -> Option<Vec<u8>> {
    let mut file = client.store.local_copy(&Key::new("key"), etag).await?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

/// Creates a client of a folder with an object of this size; returns it with the version.
async fn filled(bucket: &MemoryStore, dir: &Path, size: u64) -> (Client, ETag) {
    bucket.insert("key", noise(size, 1));
    let client = Client::new(bucket, dir);
    let (etag, _) = client.read("key").await.unwrap();
    client.end().await;
    (Client::new(bucket, dir), etag)
}

fn change(file: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(file);
    let file = file.unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[tokio::test]
async fn a_file_is_handed_out_when_all_of_it_is_here_and_is_what_it_was() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let size = 3 * MIB + 5;
    bucket.insert("key", noise(size, 1));
    let client = Client::new(&bucket, &dir);
    client.range("key", 0, 3 * MIB).await;
    let (etag, _) = {
        client.end().await;
        let client = Client::new(&bucket, &dir);
        let nothing = ETag::new("another");
        assert_eq!(copy(&client, &nothing).await, None);
        let read = client.range("key", 0, 1).await;
        assert_eq!(read.len(), 1);
        let meta = client.store.head(&Key::new("key")).await.unwrap().meta;
        assert_eq!(copy(&client, &meta.etag).await, None, "a block is missing");
        let read = client.read("key").await.unwrap();
        client.end().await;
        read
    };
    let client = Client::new(&bucket, &dir);
    assert!(copy(&client, &etag).await.unwrap() == noise(size, 1));
    assert_eq!(copy(&client, &ETag::new("another")).await, None);
    // It was touched: looked at again, and found to be damaged.
    change(&only(&dir, ".data"), BLOCK + 1);
    assert_eq!(copy(&client, &etag).await, None);
    client.read("key").await.unwrap();
    client.end().await;
    let client = Client::new(&bucket, &dir);
    assert!(copy(&client, &etag).await.unwrap() == noise(size, 1));
}

#[tokio::test]
async fn what_was_proved_is_not_read_again_until_it_is_touched() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let (client, etag) = filled(&bucket, &dir, 2 * MIB).await;
    assert!(copy(&client, &etag).await.is_some());
    // A wrong checksum is not noticed by those who don't compare.
    change(&only(&dir, ".index"), word_at(3));
    assert!(copy(&client, &etag).await.is_some());
    let data = OpenOptions::new().write(true).open(only(&dir, ".data"));
    let data = data.unwrap();
    let modified = data.metadata().unwrap().modified().unwrap();
    data.write_all_at(&noise(2 * MIB, 1)[..5], 0).unwrap();
    data.set_modified(modified).unwrap();
    assert_eq!(copy(&client, &etag).await, None, "touched");
}

#[tokio::test]
async fn a_small_file_is_not_worth_it() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let (client, etag) = filled(&bucket, &dir, MIB - 1).await;
    assert_eq!(copy(&client, &etag).await, None);
}

#[tokio::test]
async fn a_large_file_is_proved_beside_its_open() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let size = 17 * MIB;
    let (client, etag) = filled(&bucket, &dir, size).await;
    // The queue may have been too short for all of it.
    client.read("key").await.unwrap();
    client.end().await;
    let client = Client::new(&bucket, &dir);
    assert_eq!(copy(&client, &etag).await, None);
    let proved = async {
        loop {
            if let Some(bytes) = copy(&client, &etag).await {
                return bytes;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let proved = tokio::time::timeout(Duration::from_secs(20), proved).await;
    assert!(proved.unwrap() == noise(size, 1));
}
