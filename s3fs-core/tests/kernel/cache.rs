//! Mounts with a cache on the local disk.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use s3_local::{Operation, Server};
use s3fs_core::{Access, CacheConfig, FileSystem, MountConfig, Resources};
use stub_test_support::{is_root, noise};
use tempfile::TempDir;

use crate::mounted::{BUCKET, Bucket, config, server};

const MIB: usize = 1 << 20;

/// Creates a folder for a cache, removed when dropped.
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("cache");
    (above, dir)
}

pub(crate) fn with(dir: &Path) -> impl FnOnce(&mut MountConfig) {
    let dir = dir.to_owned();
    let size = 1 << 30;
    move |config| config.cache = Some(CacheConfig { dir, size })
}

/// Returns the number of `GetObject` requests since its last call, except those answered with 304.
fn sent(server: &Server) -> usize {
    let requests = server.log().requests();
    server.log().clear();
    let gets = requests.iter();
    let gets = gets.filter(|request| request.operation == Operation::GetObject);
    gets.filter(|get| get.status != Some(304)).count()
}

#[test]
fn a_second_mount_needs_no_bytes() {
    let (_above, dir) = folder();
    let server = Arc::new(server());
    let sizes = [1, 1000, 3 * MIB + 17, 6 * MIB];
    for size in sizes {
        server.put(BUCKET, &size.to_string(), noise(size));
    }
    for round in 0..3 {
        let bucket = Bucket::mount(Arc::clone(&server), with(&dir));
        for size in sizes {
            assert!(fs::read(bucket.at(&size.to_string())).unwrap() == noise(size));
        }
        let sent = sent(&server);
        assert!((sent == 0) == (round > 0), "{sent} in round {round}");
    }
}

#[test]
fn mounts_share_what_they_read_while_both_are_in_use() {
    let (_above, dir) = folder();
    let server = Arc::new(server());
    for i in 0..8 {
        server.put(BUCKET, &i.to_string(), noise(2 * MIB + i));
    }
    let one = Bucket::mount(Arc::clone(&server), with(&dir));
    let other = Bucket::mount(Arc::clone(&server), with(&dir));
    std::thread::scope(|scope| {
        for bucket in [&one, &other, &one, &other] {
            scope.spawn(move || {
                for i in 0..8 {
                    assert!(fs::read(bucket.at(&i.to_string())).unwrap() == noise(2 * MIB + i));
                }
            });
        }
    });
    drop((one, other));
    sent(&server);
    let bucket = Bucket::mount(Arc::clone(&server), with(&dir));
    for i in 0..8 {
        assert!(fs::read(bucket.at(&i.to_string())).unwrap() == noise(2 * MIB + i));
    }
    assert_eq!(sent(&server), 0);
}

#[test]
fn the_next_open_sees_what_others_and_we_ourselves_wrote() {
    let (_above, dir) = folder();
    let server = server();
    server.put(BUCKET, "file", "before");
    let bucket = Bucket::mount(server, with(&dir));
    for round in 0..5 {
        let text = format!("by another {round}");
        bucket.server.put(BUCKET, "file", text.clone());
        assert_eq!(fs::read_to_string(bucket.at("file")).unwrap(), text);
        assert_eq!(fs::read_to_string(bucket.at("file")).unwrap(), text);
    }
    for round in 0..5 {
        let text = format!("by us {round}");
        fs::write(bucket.at("file"), &text).unwrap();
        assert_eq!(fs::read_to_string(bucket.at("file")).unwrap(), text);
    }
}

#[test]
fn a_damaged_disk_is_not_noticed() {
    let (_above, dir) = folder();
    let server = Arc::new(server());
    server.put(BUCKET, "file", noise(3 * MIB));
    for round in 0..3 {
        let bucket = Bucket::mount(Arc::clone(&server), with(&dir));
        assert!(fs::read(bucket.at("file")).unwrap() == noise(3 * MIB));
        drop(bucket);
        for file in files(&dir) {
            let length = file.metadata().unwrap().len();
            let file = OpenOptions::new().write(true).open(file).unwrap();
            file.write_all_at(b"garbage", length / (2 + round)).unwrap();
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| self::files(folder)));
    files
}

#[test]
fn a_disk_that_is_full_only_costs_requests() {
    if !is_root() {
        return;
    }
    let (above, _) = folder();
    let disk = Disk::new(above.path());
    let server = Arc::new(server());
    for i in 0..4 {
        server.put(BUCKET, &i.to_string(), noise(MIB + i));
    }
    for _ in 0..2 {
        let bucket = Bucket::mount(Arc::clone(&server), with(&disk.0.join("cache")));
        for i in 0..4 {
            assert!(fs::read(bucket.at(&i.to_string())).unwrap() == noise(MIB + i));
        }
        assert!(sent(&server) > 0);
    }
}

/// File system of one and a half megabytes.
struct Disk(PathBuf);

impl Disk {
    fn new(at: &Path) -> Self {
        let (none, options) = (None::<&str>, Some("size=1536k"));
        mount(none, at, Some("tmpfs"), MsFlags::empty(), options).unwrap();
        Self(at.to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        umount2(&self.0, MntFlags::MNT_DETACH).unwrap();
    }
}

#[test]
fn a_folder_that_is_open_to_others_is_refused() {
    let (above, _) = folder();
    fs::set_permissions(above.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let server = server();
    let mut config = config(&server);
    with(above.path())(&mut config);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(FileSystem::connect(config, &Resources::default()));
    let words = refused.unwrap_err().to_string();
    assert!(words.contains("run `chmod 700 "), "{words}");
    assert_eq!(server.log().total(), 0);
}

#[test]
fn a_read_only_mount_with_a_cache_sends_nothing_that_writes() {
    let (_above, dir) = folder();
    let server = server();
    server.put(BUCKET, "file", noise(MIB));
    let bucket = Bucket::mount(server, |config| {
        with(&dir)(config);
        config.access = Access::ReadOnly;
    });
    for _ in 0..3 {
        assert!(fs::read(bucket.at("file")).unwrap() == noise(MIB));
    }
    assert_eq!(bucket.server.log().writes(), 0);
}
