//! Prefetched opens: files that are opened before programs do.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use s3_local::{Operation, Server};
use stub_test_support::eventually;

use crate::mounted::{BUCKET, Bucket, server};

const FILES: usize = 300;

fn name(n: usize) -> String {
    format!("folder/{n:03}")
}

/// Starts a server with a folder of small files; the content of each is its name.
fn folder() -> Server {
    let server = server();
    for n in 0..FILES {
        server.put(BUCKET, &name(n), name(n));
    }
    server
}

fn gets(bucket: &Bucket) -> usize {
    let requests = bucket.server.log().requests();
    let gets = requests
        .iter()
        .filter(|r| r.operation == Operation::GetObject);
    gets.count()
}

#[test]
fn files_read_in_order_are_opened_ahead_and_each_is_fetched_once() {
    let bucket = Bucket::mount(folder(), |_| {});
    assert_eq!(bucket.names("folder").len(), FILES);
    for n in 0..3 {
        assert_eq!(fs::read_to_string(bucket.at(&name(n))).unwrap(), name(n));
    }
    eventually("no file is opened ahead", || gets(&bucket) > 3);
    for n in 3..FILES {
        assert_eq!(fs::read_to_string(bucket.at(&name(n))).unwrap(), name(n));
    }
    let requests = bucket.server.log().requests();
    let keys = requests
        .iter()
        .filter(|r| r.operation == Operation::GetObject);
    let mut keys: Vec<_> = keys.map(|request| request.key.clone().unwrap()).collect();
    keys.sort();
    let total = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), FILES);
    // On a slow machine some are opened ahead too early, and again.
    assert!(total <= FILES + FILES / 10, "{total} requests");
}

#[test]
fn a_program_that_only_looks_pays_for_no_get() {
    let bucket = Bucket::mount(folder(), |_| {});
    for name in bucket.names("folder") {
        fs::metadata(bucket.at("folder").join(name)).unwrap();
    }
    assert_eq!(gets(&bucket), 0);
}

#[test]
fn what_was_opened_ahead_is_not_older_than_a_second() {
    let bucket = Bucket::mount(folder(), |_| {});
    bucket.names("folder");
    for n in 0..5 {
        fs::read(bucket.at(&name(n))).unwrap();
    }
    eventually("no file is opened ahead", || gets(&bucket) > 6);
    bucket.server.put(BUCKET, &name(6), "new");
    sleep(Duration::from_millis(1100));
    assert_eq!(fs::read_to_string(bucket.at(&name(6))).unwrap(), "new");
}

#[test]
fn what_this_mount_writes_to_a_file_that_was_opened_ahead_is_read_back() {
    let bucket = Bucket::mount(folder(), |_| {});
    bucket.names("folder");
    for n in 0..5 {
        fs::read(bucket.at(&name(n))).unwrap();
    }
    for n in 5..12 {
        fs::write(bucket.at(&name(n)), "ours").unwrap();
        assert_eq!(fs::read_to_string(bucket.at(&name(n))).unwrap(), "ours");
        fs::remove_file(bucket.at(&name(n + 10))).unwrap();
        assert!(fs::read(bucket.at(&name(n + 10))).is_err());
    }
}

#[test]
fn a_file_that_is_opened_again_is_not_sent_again() {
    let bucket = Bucket::mount(folder(), |_| {});
    for _ in 0..3 {
        assert_eq!(fs::read_to_string(bucket.at(&name(7))).unwrap(), name(7));
    }
    let requests = bucket.server.log().requests();
    let gets = requests
        .iter()
        .filter(|r| r.operation == Operation::GetObject);
    let statuses: Vec<_> = gets.map(|request| request.status.unwrap()).collect();
    assert_eq!(statuses, [200, 304, 304]);
}

#[test]
fn a_failing_open_ahead_is_no_error_of_the_file() {
    let bucket = Bucket::mount(folder(), |_| {});
    bucket.names("folder");
    for n in 0..4 {
        fs::read(bucket.at(&name(n))).unwrap();
    }
    // Another client deletes one that may have been opened ahead, and makes it again.
    bucket.server.delete(BUCKET, &name(9));
    for n in 4..9 {
        fs::read(bucket.at(&name(n))).unwrap();
    }
    bucket.server.put(BUCKET, &name(9), "again");
    sleep(Duration::from_millis(1100));
    assert_eq!(fs::read_to_string(bucket.at(&name(9))).unwrap(), "again");
}

#[test]
fn the_first_bytes_come_with_the_name_where_names_are_opened() {
    let bucket = Bucket::mount(folder(), |_| {});
    // Backward, so that it is no walk.
    for n in [250, 200, 150, 100] {
        assert_eq!(fs::read_to_string(bucket.at(&name(n))).unwrap(), name(n));
    }
    assert_eq!(gets(&bucket), 4);
    fs::metadata(bucket.at(&name(50))).unwrap();
    eventually("its bytes are not asked for", || gets(&bucket) == 5);
    assert_eq!(fs::read_to_string(bucket.at(&name(50))).unwrap(), name(50));
    assert_eq!(gets(&bucket), 5, "the open has what came with the name");
    // An empty file, which has no first bytes, and a folder that hides a file.
    bucket.server.put(BUCKET, "folder/030", "");
    bucket.server.put(BUCKET, "folder/020/x", "x");
    assert_eq!(fs::read_to_string(bucket.at("folder/030")).unwrap(), "");
    assert_eq!(bucket.names("folder/020"), ["x"]);
}
