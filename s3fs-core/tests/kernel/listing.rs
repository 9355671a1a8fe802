//! Reading folders.

use std::collections::BTreeSet;
use std::fs;

use s3_local::Operation;

use crate::mounted::{BUCKET, Bucket, errno, server};

#[test]
fn folders_are_the_parts_of_keys_between_slashes() {
    let server = server();
    for key in ["a.txt", "d/1", "d/2", "d/e/f/3", "z"] {
        server.put(BUCKET, key, key.to_owned());
    }
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(bucket.names(""), ["a.txt", "d", "z"]);
    assert_eq!(bucket.names("d"), ["1", "2", "e"]);
    assert_eq!(bucket.names("d/e"), ["f"]);
    assert!(fs::metadata(bucket.at("d/e")).unwrap().is_dir());
    assert_eq!(fs::read_to_string(bucket.at("d/e/f/3")).unwrap(), "d/e/f/3");
    assert_eq!(
        errno(fs::metadata(bucket.at("d/none"))),
        nix::errno::Errno::ENOENT
    );
    assert_eq!(
        errno(fs::metadata(bucket.at("a.txt/x"))),
        nix::errno::Errno::ENOTDIR
    );
    assert_eq!(
        errno(fs::read_dir(bucket.at("a.txt")).map(drop)),
        nix::errno::Errno::ENOTDIR
    );
    assert_eq!(errno(fs::read(bucket.at("d"))), nix::errno::Errno::EISDIR);
}

#[test]
fn a_folder_of_many_pages_is_whole_and_each_name_comes_once() {
    let server = server();
    let mut expected = BTreeSet::new();
    for i in 0..2500 {
        server.put(BUCKET, &format!("many/file-{i:05}"), "x");
        expected.insert(format!("file-{i:05}"));
    }
    for i in 0..1500 {
        server.put(BUCKET, &format!("many/dir-{i:05}/x"), "x");
        expected.insert(format!("dir-{i:05}"));
    }
    let bucket = Bucket::mount(server, |_| {});
    let names = bucket.names("many");
    assert_eq!(names.len(), 4000);
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 7, "{lists} listings for 4 pages and two lookups");
}

#[test]
fn stat_of_every_listed_entry_needs_no_request_of_its_own() {
    let server = server();
    for i in 0..1500 {
        server.put(BUCKET, &format!("many/{i}"), "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    let listed = std::process::Command::new("ls")
        .arg("-l")
        .arg(bucket.at("many"))
        .output();
    assert_eq!(
        String::from_utf8(listed.unwrap().stdout)
            .unwrap()
            .lines()
            .count(),
        1501
    );
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 5, "{lists} listings");
}

#[test]
fn a_prefix_is_the_root_of_its_mount() {
    let server = server();
    for key in ["in/a", "in/b/c", "inner", "out"] {
        server.put(BUCKET, key, key.to_owned());
    }
    let bucket = Bucket::mount(server, |config| {
        config.prefix = s3fs_core::Prefix::new("in/").unwrap();
    });
    assert_eq!(bucket.names(""), ["a", "b"]);
    assert_eq!(fs::read_to_string(bucket.at("b/c")).unwrap(), "in/b/c");
    fs::write(bucket.at("b/new"), "new").unwrap();
    assert_eq!(bucket.object("in/b/new").unwrap(), b"new");
}

#[test]
fn what_others_write_is_seen_within_the_second() {
    let bucket = Bucket::mount(server(), |_| {});
    assert!(bucket.names("").is_empty());
    bucket.server.put(BUCKET, "theirs", "1");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(fs::read_to_string(bucket.at("theirs")).unwrap(), "1");
    assert_eq!(bucket.names(""), ["theirs"]);
    bucket.server.delete(BUCKET, "theirs");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(!bucket.at("theirs").exists());
    assert!(bucket.names("").is_empty());
}

#[test]
fn a_folder_can_be_read_again_from_the_beginning_and_from_the_middle() {
    let server = server();
    for i in 0..3000 {
        server.put(BUCKET, &format!("many/{i:04}"), "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    let mut dir = nix::dir::Dir::open(
        &bucket.at("many"),
        nix::fcntl::OFlag::O_RDONLY,
        nix::sys::stat::Mode::empty(),
    )
    .unwrap();
    let first: Vec<_> = dir
        .iter()
        .map(|e| e.unwrap().file_name().to_owned())
        .collect();
    assert_eq!(first.len(), 3002);
    // `Dir::iter` rewinds when it is dropped.
    bucket.server.put(BUCKET, "many/late", "x");
    let second: Vec<_> = dir
        .iter()
        .map(|e| e.unwrap().file_name().to_owned())
        .collect();
    assert_eq!(second.len(), 3003);
}
