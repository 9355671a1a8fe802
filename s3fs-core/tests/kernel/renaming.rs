//! Requests of a rename, and the state after a failed one.

use std::fs::{self, File};
use std::io::Write;

use nix::errno::Errno;
use s3_local::{Fault, Injection, Operation};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, SOON, empty, errno, server};

#[test]
fn a_temporary_name_costs_nothing() {
    let bucket = empty();
    fs::write(bucket.at("file"), "old").unwrap();
    bucket.finish();
    bucket.server.log().clear();
    fs::write(bucket.at("file.tmp"), "new").unwrap();
    fs::rename(bucket.at("file.tmp"), bucket.at("file")).unwrap();
    assert_eq!(bucket.object("file").unwrap(), b"new");
    assert_eq!(bucket.keys(), ["file"]);
    let log = bucket.server.log();
    assert_eq!(log.count(Operation::PutObject), 1);
    assert_eq!(log.writes(), 1);
}

#[test]
fn a_stored_file_is_copied_by_the_server() {
    let server = server();
    server.put(BUCKET, "from", noise(20 << 20));
    let bucket = Bucket::mount(server, |_| {});
    fs::rename(bucket.at("from"), bucket.at("to")).unwrap();
    assert!(bucket.object("to").unwrap() == noise(20 << 20));
    assert_eq!(bucket.keys(), ["to"]);
    let log = bucket.server.log();
    // One more shows whether the server heeds conditions.
    assert_eq!(log.count(Operation::CopyObject), 2);
    assert_eq!(log.count(Operation::GetObject), 0);
    assert_eq!(log.writes(), 3);
}

#[test]
fn a_copy_that_fails_leaves_everything_as_it_was() {
    let server = server();
    server.put(BUCKET, "from", "content");
    server.put(BUCKET, "to", "other");
    let bucket = Bucket::mount(server, |config| config.retry_timeout = SOON);
    let knobs = bucket.server.knobs();
    knobs.fail_next(Operation::CopyObject, 100, Fault::InternalError500);
    let renamed = fs::rename(bucket.at("from"), bucket.at("to"));
    assert_eq!(errno(renamed), Errno::EIO);
    knobs.reset();
    assert_eq!(fs::read(bucket.at("from")).unwrap(), b"content");
    assert_eq!(fs::read(bucket.at("to")).unwrap(), b"other");
    fs::rename(bucket.at("from"), bucket.at("to")).unwrap();
    assert_eq!(bucket.object("to").unwrap(), b"content");
    assert_eq!(bucket.keys(), ["to"]);
}

#[test]
fn a_folder_whose_copy_fails_stays() {
    let server = server();
    for n in 0..30 {
        server.put(BUCKET, &format!("d/{n}"), format!("{n}"));
    }
    let bucket = Bucket::mount(server, |config| config.retry_timeout = SOON);
    let knobs = bucket.server.knobs();
    for _ in 0..1000 {
        knobs.inject(Injection::new(Operation::CopyObject, Fault::InternalError500).after(7));
    }
    fs::rename(bucket.at("d"), bucket.at("e")).unwrap_err();
    assert_eq!(bucket.names("d").len(), 30);
    assert!(!bucket.at("e").exists());
    assert!(bucket.keys().iter().all(|key| key.starts_with("d/")));
    knobs.reset();
    fs::rename(bucket.at("d"), bucket.at("e")).unwrap();
    assert_eq!(bucket.names("e").len(), 30);
    assert!(bucket.keys().iter().all(|key| key.starts_with("e/")));
    assert_eq!(fs::read(bucket.at("e/29")).unwrap(), b"29");
}

#[test]
fn a_file_that_streams_is_renamed_while_it_is_written() {
    let bucket = empty();
    let content = noise(30 << 20);
    let mut file = File::create(bucket.at("d")).unwrap();
    file.write_all(&content[..12 << 20]).unwrap();
    fs::rename(bucket.at("d"), bucket.at("e")).unwrap();
    file.write_all(&content[12 << 20..]).unwrap();
    drop(file);
    assert!(bucket.object("e").unwrap() == content);
    assert_eq!(bucket.keys(), ["e"]);
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
}

#[test]
fn a_folder_gets_no_marker_by_being_renamed() {
    let server = server();
    server.put(BUCKET, "plain/1", "1");
    server.put(BUCKET, "plain/sub/2", "2");
    server.put(BUCKET, "over/1", "1");
    server.put(BUCKET, "marked/", "");
    let bucket = Bucket::mount(server, |_| {});
    fs::rename(bucket.at("plain"), bucket.at("moved")).unwrap();
    assert_eq!(bucket.names("moved"), ["1", "sub"]);
    let keys = ["marked/", "moved/1", "moved/sub/2", "over/1"];
    assert_eq!(bucket.keys(), keys);
    // What replaces an empty folder shows nothing of that.
    fs::rename(bucket.at("over"), bucket.at("marked")).unwrap();
    assert_eq!(bucket.names("marked"), ["1"]);
    let keys = ["marked/", "marked/1", "moved/1", "moved/sub/2"];
    assert_eq!(bucket.keys(), keys);
    // A folder that has no key stays only by its marker.
    fs::remove_file(bucket.at("moved/sub/2")).unwrap();
    fs::rename(bucket.at("moved/sub"), bucket.at("empty")).unwrap();
    assert!(bucket.names("empty").is_empty());
    let keys = ["empty/", "marked/", "marked/1", "moved/1"];
    assert_eq!(bucket.keys(), keys);
}
