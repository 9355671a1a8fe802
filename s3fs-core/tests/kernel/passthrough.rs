//! Passthrough: files that the kernel reads from the cache by itself, even while nobody serves the
//! mount.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use s3_local::Server;
use s3fs_core::Access;
use stub_test_support::{is_root, noise};

use crate::cache::{folder, with};
use crate::mounted::{BUCKET, Bucket, server};

const SIZE: usize = 5 << 20;

fn mount(server: &Arc<Server>, dir: &Path, access: Access) -> Bucket {
    Bucket::mount(Arc::clone(server), |config| {
        with(dir)(config);
        config.access = access;
    })
}

/// Starts a server with a file, and fills a cache folder with all of it.
fn filled(dir: &Path) -> Arc<Server> {
    let server = Arc::new(server());
    server.put(BUCKET, "file", noise(SIZE));
    let bucket = mount(&server, dir, Access::ReadOnly);
    assert!(fs::read(bucket.at("file")).unwrap() == noise(SIZE));
    drop(bucket);
    server
}

/// Returns whether passthrough is possible: root, Linux 6.9, and a disk that is not itself stacked on
/// another.
fn is_possible(dir: &Path) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut number = || numbers.next().unwrap().parse::<u32>().unwrap();
    let is_new = (number(), number()) >= (6, 9);
    let kind = nix::sys::statfs::statfs(dir).unwrap().filesystem_type();
    let is_stacked = kind == nix::sys::statfs::OVERLAYFS_SUPER_MAGIC;
    is_root() && is_new && !is_stacked
}

/// Returns whether a whole open file can be read while its mount is not served.
fn is_read_unserved(bucket: &Bucket, file: &File) -> bool {
    // What the kernel has of it in memory proves nothing.
    posix_fadvise(file.as_fd(), 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
    let (file, content) = (file.try_clone().unwrap(), noise(SIZE));
    let stopped = bucket.stop();
    let (done, wait) = channel();
    let reading = std::thread::spawn(move || {
        let mut bytes = vec![0; SIZE];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes == content);
        // Nobody may be waiting any more.
        let _ = done.send(());
        // Closed when the mount is served again, as that takes an answer.
        file
    });
    let unserved = wait.recv_timeout(Duration::from_secs(2)).is_ok();
    drop(stopped);
    reading.join().unwrap();
    unserved
}

#[test]
fn a_file_in_the_cache_is_read_by_the_kernel_alone() {
    let (_above, dir) = folder();
    let server = filled(&dir);
    let bucket = mount(&server, &dir, Access::ReadOnly);
    let (one, two) = (
        File::open(bucket.at("file")).unwrap(),
        File::open(bucket.at("file")).unwrap(),
    );
    let possible = is_possible(&dir);
    assert_eq!(is_read_unserved(&bucket, &one), possible);
    assert_eq!(is_read_unserved(&bucket, &two), possible);
    drop(one);
    let three = File::open(bucket.at("file")).unwrap();
    assert_eq!(is_read_unserved(&bucket, &three), possible);
    drop((two, three));
    assert!(fs::read(bucket.at("file")).unwrap() == noise(SIZE));
}

#[test]
fn a_mount_that_writes_reads_everything_itself() {
    let (_above, dir) = folder();
    let server = filled(&dir);
    let bucket = mount(&server, &dir, Access::default());
    let file = File::open(bucket.at("file")).unwrap();
    assert!(!is_read_unserved(&bucket, &file));
}

#[test]
fn a_file_that_is_open_already_stays_as_it_is_until_all_have_closed_it() {
    let (_above, dir) = folder();
    let server = Arc::new(server());
    server.put(BUCKET, "file", noise(SIZE));
    let bucket = mount(&server, &dir, Access::ReadOnly);
    let first = File::open(bucket.at("file")).unwrap();
    let mut bytes = vec![0; SIZE];
    first.read_exact_at(&mut bytes, 0).unwrap();
    // By now the cache has it, or will in a moment; but the first handle is of the other kind.
    for _ in 0..20 {
        assert!(fs::read(bucket.at("file")).unwrap() == noise(SIZE));
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = File::open(bucket.at("file")).unwrap();
    assert!(!is_read_unserved(&bucket, &second));
    drop((first, second));
    let begin = Instant::now();
    while is_possible(&dir) {
        // Its closing reaches us a little later.
        let file = File::open(bucket.at("file")).unwrap();
        if is_read_unserved(&bucket, &file) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn the_next_open_sees_another_version_and_the_kernels_handles_keep_theirs() {
    let (_above, dir) = folder();
    let server = filled(&dir);
    let bucket = mount(&server, &dir, Access::ReadOnly);
    let old = File::open(bucket.at("file")).unwrap();
    server.put(BUCKET, "file", "new");
    assert_eq!(fs::read(bucket.at("file")).unwrap(), b"new");
    assert_eq!(fs::read(bucket.at("file")).unwrap(), b"new");
    // In the usual way, a handle has only what had been fetched.
    if is_possible(&dir) {
        assert!(is_read_unserved(&bucket, &old));
    }
}

#[test]
fn many_open_and_close_it_at_the_same_time() {
    let (_above, dir) = folder();
    let server = filled(&dir);
    let bucket = mount(&server, &dir, Access::ReadOnly);
    let content = noise(SIZE);
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (bucket, content) = (&bucket, &content);
            scope.spawn(move || {
                for round in 0..100 {
                    let at = (thread * 100 + round) * 1000;
                    let file = File::open(bucket.at("file")).unwrap();
                    let mut bytes = [0; 5000];
                    file.read_exact_at(&mut bytes, at).unwrap();
                    assert!(bytes[..] == content[at as usize..][..5000]);
                }
            });
        }
    });
}
