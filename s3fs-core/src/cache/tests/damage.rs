//! Tests that reads return the right bytes, whatever happens to the files.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::MIB;
use super::client::{Client, files, folder, noise, only};
use crate::cache::format::{BLOCK, word_at};
use crate::store::memory::MemoryStore;

const SIZE: u64 = 3 * MIB + 77;

/// Creates a bucket, and a folder with the whole of its object.
async fn filled(dir: &Path) -> MemoryStore {
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(SIZE, 1));
    let client = Client::new(&bucket, dir);
    client.read("key").await.unwrap();
    client.end().await;
    bucket
}

/// Reads the object, which must be right; returns the number of bytes from the bucket.
async fn read(bucket: &MemoryStore, dir: &Path) -> u64 {
    let client = Client::new(bucket, dir);
    assert!(client.read("key").await.unwrap().1 == noise(SIZE, 1));
    let (_, bytes) = client.traffic();
    client.end().await;
    bytes
}

fn change(file: &Path, at: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_costs_its_block_and_is_mended() {
    let (_above, dir) = folder();
    let bucket = filled(&dir).await;
    let data = only(&dir, ".data");
    for at in [0, BLOCK - 1, 5 * BLOCK + 9, SIZE - 1] {
        let mut byte = fs::read(&data).unwrap()[at as usize];
        byte ^= 0x10;
        change(&data, at, &[byte]);
        let block = (SIZE - at / BLOCK * BLOCK).min(BLOCK);
        assert_eq!(read(&bucket, &dir).await, block, "{at}");
        assert_eq!(read(&bucket, &dir).await, 0, "{at}");
    }
}

#[tokio::test]
async fn bytes_that_never_reached_the_disk_are_fetched_again() {
    let (_above, dir) = folder();
    let bucket = filled(&dir).await;
    let data = OpenOptions::new().write(true).open(only(&dir, ".data"));
    let data = data.unwrap();
    // As after a power failure: the length is right and the rest is zeros.
    data.set_len(MIB).unwrap();
    data.set_len(SIZE).unwrap();
    assert_eq!(read(&bucket, &dir).await, SIZE - MIB);
    assert_eq!(read(&bucket, &dir).await, 0);
    data.set_len(BLOCK + 1).unwrap();
    assert_eq!(read(&bucket, &dir).await, SIZE - BLOCK);
    assert_eq!(read(&bucket, &dir).await, 0);
}

#[tokio::test]
async fn an_index_that_is_garbage_is_no_index() {
    let (_above, dir) = folder();
    let bucket = filled(&dir).await;
    let index = only(&dir, ".index");
    let whole = fs::read(&index).unwrap();
    for length in [0, 1, 3007, 3008, 3100] {
        fs::write(&index, noise(length, length)).unwrap();
        assert_eq!(read(&bucket, &dir).await, SIZE, "{length}");
        assert_eq!(read(&bucket, &dir).await, 0, "{length}");
    }
    fs::write(&index, &whole).unwrap();
    // A sound header, and checksums of nothing.
    change(&index, word_at(0), &noise(13 * 8, 9));
    assert_eq!(read(&bucket, &dir).await, SIZE);
    let index = only(&dir, ".index");
    // A sound header, and fewer checksums than blocks.
    let file = OpenOptions::new().write(true).open(&index).unwrap();
    file.set_len(word_at(4)).unwrap();
    assert_eq!(read(&bucket, &dir).await, SIZE - 4 * BLOCK);
    fs::remove_file(only(&dir, ".data")).unwrap();
    assert_eq!(read(&bucket, &dir).await, SIZE);
    assert_eq!(read(&bucket, &dir).await, 0);
}

#[tokio::test]
async fn data_of_another_object_is_not_taken_for_ones_own() {
    let (_above, dir) = folder();
    let bucket = filled(&dir).await;
    let (own_index, own_data) = (only(&dir, ".index"), only(&dir, ".data"));
    fs::rename(dir.join("v2"), dir.join("own")).unwrap();
    let of = |path: &Path| {
        dir.join("own")
            .join(path.strip_prefix(dir.join("v2")).unwrap())
    };
    bucket.insert("other", noise(SIZE, 2));
    let client = Client::new(&bucket, &dir);
    client.read("other").await.unwrap();
    client.end().await;
    let other = (
        only(&dir.join("v2"), ".index"),
        only(&dir.join("v2"), ".data"),
    );
    for (here, there) in [(&other.0, &own_index), (&other.1, &own_data)] {
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::copy(of(there), there).unwrap();
        fs::copy(here, there).unwrap();
        assert_eq!(read(&bucket, &dir).await, SIZE);
    }
}

#[tokio::test]
async fn no_damage_makes_wrong_bytes() {
    let (_above, dir) = folder();
    let bucket = filled(&dir).await;
    let mut random = 7_u64;
    let mut draw = |below: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for round in 0..150 {
        for path in files(&dir.join("v2")) {
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            let length = file.metadata().unwrap().len();
            let at = draw(length.max(1));
            match draw(6) {
                0 => file.set_len(at).unwrap(),
                1 => file.set_len(length + draw(2 * BLOCK)).unwrap(),
                2 => file
                    .write_all_at(&noise(draw(3 * BLOCK), round), at)
                    .unwrap(),
                3 => file
                    .write_all_at(&vec![0; draw(BLOCK) as usize], at)
                    .unwrap(),
                4 => file.write_all_at(&[draw(256) as u8], at).unwrap(),
                _ => fs::remove_file(&path).unwrap(),
            }
        }
        read(&bucket, &dir).await;
    }
}
