//! Owner of the folder, and the result if it can't be used.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::MIB;
use super::client::{Client, cache, files, folder, noise};
use crate::cache::{Cache, CacheError};
use crate::config::CacheConfig;
use crate::store::memory::MemoryStore;

fn open(dir: &Path) -> Result<Option<Cache>, CacheError> {
    Cache::open(&CacheConfig {
        dir: dir.to_owned(),
        size: MIB,
    })
}

#[tokio::test]
async fn all_of_it_is_for_its_owner_alone() {
    let (_above, dir) = folder();
    let deep = dir.join("a/b");
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(MIB, 1));
    let client = Client::new(&bucket, &deep);
    client.read("key").await.unwrap();
    client.end().await;
    let files = files(&dir);
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
        for above in file.ancestors().skip(1).take_while(|a| a.starts_with(&dir)) {
            assert_eq!(above.metadata().unwrap().mode() & 0o777, 0o700, "{above:?}");
        }
    }
}

#[test]
fn a_folder_that_others_may_enter_is_refused_with_what_to_do() {
    let (_above, dir) = folder();
    fs::create_dir(&dir).unwrap();
    for mode in [0o755, 0o750, 0o701] {
        fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
        let words = open(&dir).unwrap_err().to_string();
        let advice = format!("run `chmod 700 {}`", dir.display());
        assert!(words.contains(&format!("mode {mode:o}")) && words.contains(&advice));
    }
    fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
    assert!(open(&dir).unwrap().is_some());
}

#[test]
fn a_folder_of_another_user_and_a_file_are_refused() {
    let (above, dir) = folder();
    let file = above.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = open(&file).unwrap_err();
    assert!(matches!(refused, CacheError::NotAFolder { .. }));
    if nix::unistd::geteuid().is_root() {
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        chown(&dir, Some(12_345), None).unwrap();
        let words = open(&dir).unwrap_err().to_string();
        assert!(words.contains("belongs to user 12345, not to user 0"));
        assert!(words.contains(&format!("`chown 0 {}`", dir.display())));
    }
}

#[tokio::test]
async fn a_folder_that_is_removed_is_not_made_again() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(MIB, 1));
    let client = Client::new(&bucket, &dir);
    client.read("key").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    fs::remove_dir_all(&dir).unwrap();
    assert!(client.read("key").await.unwrap().1 == noise(MIB, 1));
    client.end().await;
    assert!(!dir.exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_done_without() {
    let (above, _) = folder();
    let file = above.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(open(&file.join("below")).unwrap().is_none());
}

#[tokio::test]
async fn a_disk_that_refuses_is_left_alone_and_reading_goes_on() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    for key in ["kept", "new"] {
        bucket.insert(key, noise(3 * MIB, 2));
    }
    let client = Client::new(&bucket, &dir);
    client.read("kept").await.unwrap();
    client.end().await;
    let cache = cache(&dir, 1 << 30);
    // Root may write anywhere, but not into a folder that is a file.
    for shard in 0..=255_u8 {
        let shard = dir.join("v2").join(hex::encode([shard]));
        if !shard.exists() {
            fs::write(shard, "").unwrap();
        }
    }
    let client = Client::with_cache(&bucket, cache.clone());
    assert!(client.read("new").await.unwrap().1 == noise(3 * MIB, 2));
    tokio::time::timeout(Duration::from_secs(10), async {
        while cache.is_willing() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    client.traffic();
    assert!(client.read("new").await.unwrap().1 == noise(3 * MIB, 2));
    assert_eq!(client.traffic().1, 3 * MIB);
    // What is there is still of use.
    assert!(client.read("kept").await.unwrap().1 == noise(3 * MIB, 2));
    assert_eq!(client.traffic(), (1, 0));
}

#[tokio::test]
async fn what_was_left_half_made_is_swept_and_what_is_being_made_is_not() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(MIB, 3));
    let client = Client::new(&bucket, &dir);
    client.read("key").await.unwrap();
    client.end().await;
    let before = files(&dir);
    let shard = dir.join("v2/ab");
    fs::create_dir_all(&shard).unwrap();
    let long_ago = SystemTime::now() - Duration::from_hours(1);
    for name in ["new-x", "12.34.data", "12.index", "13.56.data"] {
        fs::write(shard.join(name), "x").unwrap();
        let old = File::options().write(true).open(shard.join(name)).unwrap();
        old.set_modified(long_ago).unwrap();
    }
    // A second version of an object that is here.
    let data = super::client::only(&before_dir(&before), ".data");
    let orphan = data
        .with_extension("")
        .with_extension(format!("{}.data", "0".repeat(32)));
    fs::write(&orphan, "x").unwrap();
    File::options()
        .write(true)
        .open(&orphan)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    fs::write(shard.join("new-y"), "x").unwrap();
    fs::remove_file(dir.join("v2/account")).unwrap();
    let client = Client::new(&bucket, &dir);
    client.read("key").await.unwrap();
    assert_eq!(client.traffic(), (1, 0));
    client.end().await;
    let mut expected = before;
    expected.push(shard.join("new-y"));
    expected.sort();
    assert_eq!(files(&dir), expected);
}

/// Returns the folder of the object's files.
fn before_dir(files: &[std::path::PathBuf]) -> std::path::PathBuf {
    let index = files.iter().find(|f| f.extension().is_some()).unwrap();
    index.parent().unwrap().to_owned()
}
