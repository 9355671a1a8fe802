//! Volumes that use what they know without asking again: `immutable` and `metadata_ttl`.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, PosixFadviseAdvice, posix_fadvise};
use nix::sys::stat::Mode;
use s3_local::Server;
use s3fs_core::{Access, Freshness, MountConfig};
use stub_test_support::{eventually, noise};

use crate::cache::{folder, with};
use crate::mounted::{BUCKET, Bucket, errno, server};

const FILES: usize = 40;

/// Long enough for every test.
const HOUR: Freshness = Freshness::For(Duration::from_hours(1));

/// Starts a server with a tree: folders with small files, and one with a large file.
fn tree() -> Arc<Server> {
    let server = server();
    for folder in ["a", "a/b", "c"] {
        for n in 0..FILES {
            server.put(BUCKET, &format!("{folder}/{n:03}"), format!("{folder} {n}"));
        }
    }
    server.put(BUCKET, "large", noise(3 << 20));
    Arc::new(server)
}

fn mount(server: &Arc<Server>, access: Access, freshness: Freshness) -> Bucket {
    Bucket::mount(Arc::clone(server), configured(access, freshness))
}

fn configured(access: Access, freshness: Freshness) -> impl FnOnce(&mut MountConfig) {
    move |config| {
        config.access = access;
        config.freshness = freshness;
    }
}

/// Walks a tree as `find -ls` does, and returns all paths.
fn walk(folder: &Path) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.metadata().unwrap().is_dir() {
            paths.append(&mut walk(&entry.path()));
        }
        assert!(paths.insert(entry.path()), "{entry:?} comes twice");
    }
    paths
}

/// Reads all files of the tree.
fn read_all(bucket: &Bucket) {
    for path in walk(bucket.path()) {
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let name = path.strip_prefix(bucket.path()).unwrap();
            if name == Path::new("large") {
                assert!(bytes == noise(3 << 20));
            } else {
                let (folder, n) = name.to_str().unwrap().rsplit_once('/').unwrap();
                let n: usize = n.parse().unwrap();
                assert_eq!(bytes, format!("{folder} {n}").into_bytes());
            }
        }
    }
}

/// Returns the number of requests since its last call.
fn requests(bucket: &Bucket) -> usize {
    let count = bucket.server.log().requests().len();
    bucket.server.log().clear();
    count
}

#[test]
fn what_is_known_needs_no_request() {
    for access in [Access::ReadOnly, Access::default()] {
        for freshness in [Freshness::Immutable, Freshness::Indefinite, HOUR] {
            let bucket = mount(&tree(), access, freshness);
            read_all(&bucket);
            assert!(!bucket.at("a/none").exists());
            assert!(requests(&bucket) > 0);
            for _ in 0..3 {
                read_all(&bucket);
                assert!(!bucket.at("a/none").exists(), "as nobody has made it");
                assert!(!bucket.at("c/none").exists(), "as its folder is known");
                assert!(fs::read(bucket.at("a/b/none")).is_err());
            }
            assert_eq!(requests(&bucket), 0, "{access:?} {freshness:?}");
        }
    }
}

#[test]
fn each_open_asks_for_the_version_where_nothing_is_frozen() {
    let bucket = mount(&tree(), Access::ReadOnly, Freshness::Checked);
    read_all(&bucket);
    requests(&bucket);
    read_all(&bucket);
    assert!(requests(&bucket) > 3 * FILES);
}

#[test]
fn a_file_that_was_only_listed_costs_its_bytes_alone() {
    let bucket = mount(&tree(), Access::ReadOnly, Freshness::Immutable);
    walk(bucket.path());
    requests(&bucket);
    let file = File::open(bucket.at("large")).unwrap();
    assert_eq!(requests(&bucket), 0, "for an open");
    let mut bytes = [0; 4096];
    file.read_exact_at(&mut bytes, 2 << 20).unwrap();
    assert!(bytes[..] == noise(3 << 20)[2 << 20..][..4096]);
    assert!(requests(&bucket) > 0);
}

#[test]
fn what_a_cache_holds_is_read_without_a_request() {
    let (_above, dir) = folder();
    let server = tree();
    let cached = || {
        Bucket::mount(Arc::clone(&server), |config| {
            with(&dir)(config);
            configured(Access::ReadOnly, Freshness::Immutable)(config);
        })
    };
    read_all(&cached());
    let bucket = cached();
    walk(bucket.path());
    requests(&bucket);
    read_all(&bucket);
    assert_eq!(requests(&bucket), 0);
}

/// Runs an action while nobody serves the mount. Returns its result, unless it waits for an answer.
fn unserved<T: Send + 'static>(
    bucket: &Bucket,
    act: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let stopped = bucket.stop();
    let (done, wait) = channel();
    let acting = std::thread::spawn(move || {
        let _ = done.send(act());
    });
    let result = wait.recv_timeout(Duration::from_secs(10)).ok();
    drop(stopped);
    acting.join().unwrap();
    result
}

/// Opens a folder, to be listed later.
fn open_dir(folder: &Path) -> Dir {
    Dir::open(folder, OFlag::O_RDONLY, Mode::empty()).unwrap()
}

fn names(dir: &mut Dir) -> Vec<String> {
    let entries = dir.iter().map(|entry| entry.unwrap());
    let names = entries.map(|entry| entry.file_name().to_str().unwrap().to_owned());
    names.filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn the_kernel_alone_knows_names_attributes_and_listings() {
    let bucket = mount(&tree(), Access::ReadOnly, Freshness::Immutable);
    read_all(&bucket);
    assert!(!bucket.at("c/none").exists());
    let mut again = open_dir(&bucket.at("c"));
    let (file, none) = (bucket.at("a/b/007"), bucket.at("c/none"));
    let found = unserved(&bucket, move || {
        let size = fs::metadata(file).unwrap().len();
        let absent = fs::metadata(none).unwrap_err().kind();
        (size, absent, names(&mut again).len())
    });
    let size = "a/b 7".len() as u64;
    assert_eq!(found, Some((size, ErrorKind::NotFound, FILES)));
}

#[test]
fn own_changes_are_seen_at_once() {
    for freshness in [Freshness::Immutable, Freshness::Indefinite, HOUR] {
        let bucket = mount(&tree(), Access::default(), freshness);
        let mut expected = walk(bucket.path());
        for n in 0..3 {
            let (new, moved) = (
                bucket.at(&format!("c/new{n}")),
                bucket.at(&format!("a/moved{n}")),
            );
            assert!(!new.exists() && !moved.exists());
            fs::write(&new, "one").unwrap();
            expected.insert(new.clone());
            assert_eq!(walk(bucket.path()), expected);
            fs::rename(&new, &moved).unwrap();
            expected.remove(&new);
            expected.insert(moved.clone());
            assert_eq!(walk(bucket.path()), expected);
            assert!(!new.exists());
            fs::write(&moved, "longer").unwrap();
            assert_eq!(fs::read_to_string(&moved).unwrap(), "longer");
            assert_eq!(moved.metadata().unwrap().len(), 6);
            let old = bucket.at(&format!("c/{n:03}"));
            fs::remove_file(&old).unwrap();
            expected.remove(&old);
            let dir = bucket.at(&format!("dir{n}"));
            fs::create_dir(&dir).unwrap();
            expected.insert(dir);
            assert_eq!(walk(bucket.path()), expected);
            bucket.finish();
            assert_eq!(walk(bucket.path()), expected, "when all is stored");
            assert_eq!(walk(bucket.path()), expected);
        }
        let appended = OpenOptions::new().append(true).open(bucket.at("a/001"));
        appended.unwrap().write_all(b"!").unwrap();
        assert_eq!(fs::read_to_string(bucket.at("a/001")).unwrap(), "a 1!");
        assert_eq!(bucket.object("a/001").unwrap(), b"a 1!");
        assert_eq!(fs::read_to_string(bucket.at("a/001")).unwrap(), "a 1!");
    }
}

#[test]
fn a_listing_that_ended_early_leaves_no_gap_in_the_next_one() {
    let server = server();
    for n in 0..3000 {
        server.put(BUCKET, &format!("d/{n:04}"), "");
        if n % 100 == 0 {
            server.put(BUCKET, &format!("d/{n:04}-folder/x"), "");
        }
    }
    let bucket = mount(&Arc::new(server), Access::default(), Freshness::Immutable);
    let mut expected: BTreeSet<String> = (0..3000).map(|n| format!("{n:04}")).collect();
    expected.extend((0..3000).step_by(100).map(|n| format!("{n:04}-folder")));
    for round in 0..6 {
        let mut early = open_dir(&bucket.at("d"));
        assert_eq!(early.iter().take(500 * round + 3).count(), 500 * round + 3);
        let mut beside = open_dir(&bucket.at("d"));
        drop(early);
        for dir in [&mut beside, &mut open_dir(&bucket.at("d"))] {
            let names = names(dir);
            assert_eq!(names.len(), expected.len(), "in round {round}");
            assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
        }
        let new = format!("0{round}00-new");
        fs::write(bucket.at("d").join(&new), "").unwrap();
        expected.insert(new);
        if round % 2 == 0 {
            bucket.finish();
        }
    }
}

#[test]
fn a_handle_of_a_replaced_object_never_mixes_and_the_next_open_has_the_new_one() {
    for freshness in [Freshness::Immutable, Freshness::Indefinite, HOUR] {
        let bucket = mount(&tree(), Access::ReadOnly, freshness);
        let path = bucket.at("large");
        let file = File::open(&path).unwrap();
        let mut bytes = [0; 4096];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bucket.server.put(BUCKET, "large", vec![7; 3 << 20]);
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
        let old = noise(3 << 20);
        let mut at = 0;
        let failed = loop {
            match file.read_at(&mut bytes, at as u64) {
                Ok(0) => break None,
                Ok(read) => {
                    assert!(bytes[..read] == old[at..][..read], "at {at}");
                    at += read;
                }
                Err(error) => break Some(errno::<()>(Err(error))),
            }
        };
        assert_eq!(failed, Some(Errno::ESTALE), "{freshness:?}");
        assert!(fs::read(&path).unwrap() == vec![7; 3 << 20]);
        eventually("the kernel keeps the old name", || {
            fs::read(&path).unwrap() == vec![7; 3 << 20]
        });
    }
}

#[test]
fn a_change_by_others_shows_when_the_time_is_over() {
    let server = tree();
    let second = Freshness::For(Duration::from_secs(1));
    let bucket = mount(&server, Access::ReadOnly, second);
    read_all(&bucket);
    server.put(BUCKET, "a/001", "other");
    server.put(BUCKET, "a/none", "new");
    server.delete(BUCKET, "c/002");
    eventually("a new version is not seen", || {
        fs::read_to_string(bucket.at("a/001")).is_ok_and(|text| text == "other")
    });
    eventually("a new name is not seen", || bucket.at("a/none").exists());
    eventually("a deletion is not seen", || {
        !bucket.names("c").contains(&"002".to_owned())
    });
}

#[test]
fn a_change_is_based_on_a_recent_answer() {
    let server = tree();
    let bucket = mount(&server, Access::default(), Freshness::Indefinite);
    assert!(!bucket.at("a/log").exists());
    server.put(BUCKET, "a/log", "theirs ");
    std::thread::sleep(Duration::from_millis(1100));
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(bucket.at("a/log"));
    log.unwrap().write_all(b"ours").unwrap();
    assert_eq!(bucket.object("a/log").unwrap(), b"theirs ours");
}

#[test]
fn names_of_other_clients_are_in_the_way_until_the_time_is_over() {
    let server = tree();
    let second = Freshness::For(Duration::from_secs(1));
    for (freshness, is_over) in [(Freshness::Indefinite, false), (second, true)] {
        server.put(BUCKET, "lock", "");
        server.put(BUCKET, "folder", "");
        server.delete(BUCKET, "theirs");
        let bucket = mount(&server, Access::default(), freshness);
        let create = || File::create_new(bucket.at("lock")).map(drop);
        assert!(bucket.at("lock").exists() && bucket.at("folder").exists());
        assert!(!bucket.at("theirs").exists());
        server.delete(BUCKET, "lock");
        server.delete(BUCKET, "folder");
        server.put(BUCKET, "theirs", "");
        if is_over {
            eventually("the lock is not free", || create().is_ok());
            eventually("the folder is not made", || {
                fs::create_dir(bucket.at("folder")).is_ok()
            });
            eventually("their file is not renamed", || {
                fs::rename(bucket.at("theirs"), bucket.at("ours")).is_ok()
            });
        } else {
            assert_eq!(errno(create()), Errno::EEXIST);
            assert_eq!(errno(fs::create_dir(bucket.at("folder"))), Errno::EEXIST);
            let renamed = fs::rename(bucket.at("theirs"), bucket.at("ours"));
            assert_eq!(errno(renamed), Errno::ENOENT);
        }
    }
}
