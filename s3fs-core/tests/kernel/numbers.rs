//! Inode numbers of files: `st_ino` and `d_ino`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::sync::Arc;
use std::time::{Duration, Instant};

use s3fs_core::Prefix;

use crate::mounted::{BUCKET, Bucket, server};

/// Returns the inode number of a file.
fn number(bucket: &Bucket, name: &str) -> u64 {
    fs::symlink_metadata(bucket.at(name)).unwrap().ino()
}

/// Returns the inode numbers in a folder's listing, by name.
fn listed(bucket: &Bucket, folder: &str) -> BTreeMap<String, u64> {
    let entries = fs::read_dir(bucket.at(folder)).unwrap();
    let entries = entries.map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.ino()))
        .collect()
}

/// Waits until a file has the size that another client has stored.
fn wait_for_size(bucket: &Bucket, name: &str, size: u64) {
    let start = Instant::now();
    while fs::metadata(bucket.at(name)).unwrap().len() != size {
        assert!(start.elapsed() < Duration::from_secs(20), "{name}");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_has_one_number_on_all_mounts() {
    let server = Arc::new(server());
    for n in 0..300 {
        server.put(BUCKET, &format!("d/e/{n}"), "x");
    }
    server.put(BUCKET, "d/f", "f");
    let one = Bucket::mount(Arc::clone(&server), |_| {});
    let other = Bucket::mount(Arc::clone(&server), |_| {});
    let below = Bucket::mount(server, |config| config.prefix = Prefix::new("d/").unwrap());
    // In any order.
    let stat: Vec<u64> = (0..300)
        .rev()
        .map(|n| number(&one, &format!("d/e/{n}")))
        .collect();
    let listing = listed(&other, "d/e");
    assert_eq!(listing, listed(&one, "d/e"));
    assert_eq!(listing, listed(&below, "e"));
    for (n, stat) in (0..300).rev().zip(stat) {
        assert_eq!(listing[&n.to_string()], stat);
        assert_eq!(number(&below, &format!("e/{n}")), stat);
    }
    for name in ["d", "d/e", "d/f"] {
        assert_eq!(number(&one, name), number(&other, name), "{name}");
    }
    assert_eq!(number(&below, "e"), number(&one, "d/e"));
    assert_eq!(number(&below, ""), 1);
}

#[test]
fn a_number_is_kept_by_what_is_renamed_and_by_nothing_else() {
    let server = server();
    for key in ["a", "d/x", "d/sub/y"] {
        server.put(BUCKET, key, "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    let (a, d, x, y) = (
        number(&bucket, "a"),
        number(&bucket, "d"),
        number(&bucket, "d/x"),
        number(&bucket, "d/sub/y"),
    );
    fs::rename(bucket.at("a"), bucket.at("b")).unwrap();
    fs::rename(bucket.at("d"), bucket.at("e")).unwrap();
    assert_eq!(number(&bucket, "b"), a);
    assert_eq!(number(&bucket, "e"), d);
    assert_eq!(number(&bucket, "e/x"), x);
    assert_eq!(number(&bucket, "e/sub/y"), y);
    fs::write(bucket.at("a"), "another").unwrap();
    fs::create_dir(bucket.at("d")).unwrap();
    assert_ne!(number(&bucket, "a"), a);
    assert_ne!(number(&bucket, "d"), d);
    let listing = listed(&bucket, "");
    for name in ["a", "b", "d", "e"] {
        assert_eq!(listing[name], number(&bucket, name), "{name}");
    }
    // A log that is rotated, and one that is written anew while somebody reads it.
    let open = File::open(bucket.at("a")).unwrap();
    fs::remove_file(bucket.at("a")).unwrap();
    fs::write(bucket.at("a"), "a third").unwrap();
    let held = open.metadata().unwrap().ino();
    assert_ne!(held, number(&bucket, "a"));
    assert_ne!(a, number(&bucket, "a"));
}

#[test]
fn another_version_has_the_same_number_but_for_those_who_have_the_old_one_open() {
    let server = Arc::new(server());
    server.put(BUCKET, "f", "1");
    server.put(BUCKET, "listed", "1");
    let bucket = Bucket::mount(Arc::clone(&server), |_| {});
    let (f, of_listed) = (number(&bucket, "f"), number(&bucket, "listed"));
    for size in 2..5_usize {
        server.put(BUCKET, "f", "x".repeat(size));
        wait_for_size(&bucket, "f", size as u64);
        assert_eq!(number(&bucket, "f"), f);
        // Here a listing tells the kernel first.
        server.put(BUCKET, "listed", "x".repeat(size));
        for _ in 0..3 {
            assert_eq!(listed(&bucket, "")["listed"], of_listed);
        }
        wait_for_size(&bucket, "listed", size as u64);
        assert_eq!(number(&bucket, "listed"), of_listed);
        let read = fs::read(bucket.at("listed")).unwrap();
        assert_eq!(read.len(), size);
    }
    let open = File::open(bucket.at("f")).unwrap();
    server.put(BUCKET, "f", "x".repeat(10));
    wait_for_size(&bucket, "f", 10);
    // So `tail -F` finds that it is another.
    assert_eq!(open.metadata().unwrap().ino(), f);
    let other = number(&bucket, "f");
    assert_ne!(other, f);
    assert_eq!(listed(&bucket, "")["f"], other);
    let mut ours = File::options().append(true).open(bucket.at("f")).unwrap();
    ours.write_all(b"y").unwrap();
    assert_eq!(ours.metadata().unwrap().ino(), other);
    drop((open, ours));
    assert_eq!(bucket.object("f").unwrap().len(), 11);
}

#[test]
fn a_folder_that_is_open_keeps_its_number_from_one_that_is_made_in_its_place() {
    let server = server();
    server.put(BUCKET, "e/x", "x");
    let bucket = Bucket::mount(server, |_| {});
    for name in ["d", "e"] {
        if name == "d" {
            fs::create_dir(bucket.at(name)).unwrap();
        } else {
            fs::remove_file(bucket.at("e/x")).unwrap();
        }
        let first = number(&bucket, name);
        let open = File::open(bucket.at(name)).unwrap();
        fs::remove_dir(bucket.at(name)).unwrap();
        fs::create_dir(bucket.at(name)).unwrap();
        assert_eq!(open.metadata().unwrap().ino(), first, "{name}");
        let second = number(&bucket, name);
        assert_ne!(second, first, "{name}");
        assert_eq!(listed(&bucket, "")[name], second, "{name}");
    }
}
