//! Deleting files, and creating and removing folders.

use std::fs::{self, File};
use std::io::{Read, Write};

use nix::errno::Errno;
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, empty, errno, server};

#[test]
fn deleting_a_file_deletes_its_object_and_keeps_its_folder() {
    let server = server();
    server.put(BUCKET, "d/file", "x");
    let bucket = Bucket::mount(server, |_| {});
    fs::remove_file(bucket.at("d/file")).unwrap();
    assert_eq!(bucket.keys(), ["d/"], "it stays for the next mount too");
    assert!(!bucket.at("d/file").exists());
    assert_eq!(bucket.names(""), ["d"]);
    assert!(bucket.names("d").is_empty());
    fs::write(bucket.at("d/again"), "y").unwrap();
    assert_eq!(bucket.object("d/again").unwrap(), b"y");
    fs::remove_file(bucket.at("d/again")).unwrap();
    fs::remove_dir(bucket.at("d")).unwrap();
    assert!(bucket.names("").is_empty());
}

#[test]
fn empty_folders_are_objects() {
    let bucket = empty();
    fs::create_dir(bucket.at("new")).unwrap();
    assert_eq!(bucket.keys(), ["new/"]);
    assert_eq!(errno(fs::create_dir(bucket.at("new"))), Errno::EEXIST);
    fs::create_dir_all(bucket.at("new/a/b")).unwrap();
    assert_eq!(errno(fs::remove_dir(bucket.at("new"))), Errno::ENOTEMPTY);
    fs::remove_dir_all(bucket.at("new")).unwrap();
    assert!(bucket.keys().is_empty());
    assert_eq!(errno(fs::remove_dir(bucket.at("new"))), Errno::ENOENT);
}

#[test]
fn a_folder_with_a_file_that_is_being_written_is_not_empty() {
    let bucket = empty();
    fs::create_dir(bucket.at("d")).unwrap();
    let mut file = File::create(bucket.at("d/file")).unwrap();
    file.write_all(b"x").unwrap();
    assert_eq!(errno(fs::remove_dir(bucket.at("d"))), Errno::ENOTEMPTY);
    assert_eq!(bucket.names("d"), ["file"]);
    drop(file);
    assert_eq!(bucket.object("d/file").unwrap(), b"x");
}

#[test]
fn a_file_deleted_while_it_is_written_leaves_nothing() {
    let bucket = empty();
    let mut file = File::create(bucket.at("temp")).unwrap();
    file.write_all(&noise(12 << 20)).unwrap();
    fs::remove_file(bucket.at("temp")).unwrap();
    drop(file);
    assert!(bucket.finish().is_empty());
    assert!(bucket.keys().is_empty());
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
}

#[test]
fn a_deleted_name_can_be_used_again_at_once() {
    let bucket = empty();
    for round in 0..5 {
        fs::write(bucket.at("name"), format!("{round}")).unwrap();
        assert_eq!(
            fs::read_to_string(bucket.at("name")).unwrap(),
            format!("{round}")
        );
        fs::remove_file(bucket.at("name")).unwrap();
        assert!(!bucket.at("name").exists());
        fs::create_dir(bucket.at("name")).unwrap();
        assert!(bucket.at("name").is_dir());
        fs::remove_dir(bucket.at("name")).unwrap();
    }
    assert!(bucket.keys().is_empty());
}

#[test]
fn files_and_folders_are_not_mistaken_for_each_other() {
    let server = server();
    server.put(BUCKET, "file", "x");
    server.put(BUCKET, "d/file", "x");
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(errno(fs::remove_dir(bucket.at("file"))), Errno::ENOTDIR);
    assert_eq!(errno(fs::remove_file(bucket.at("d"))), Errno::EISDIR);
    let mut text = String::new();
    File::open(bucket.at("d/file"))
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "x");
}

#[test]
fn a_folder_whose_object_holds_bytes_stays() {
    let server = server();
    server.put(BUCKET, "wiki/", "bytes that no name shows!");
    server.put(BUCKET, "wiki/page", "x");
    server.put(BUCKET, "empty/", "");
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(bucket.names(""), ["empty", "wiki"]);
    fs::remove_file(bucket.at("wiki/page")).unwrap();
    assert_eq!(errno(fs::remove_dir(bucket.at("wiki"))), Errno::ENOTEMPTY);
    fs::remove_dir_all(bucket.at("wiki")).unwrap_err();
    let onto = fs::rename(bucket.at("empty"), bucket.at("wiki"));
    assert_eq!(errno(onto), Errno::ENOTEMPTY);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(bucket.at("wiki"), mode).unwrap();
    assert_eq!(
        bucket.object("wiki/").unwrap(),
        b"bytes that no name shows!"
    );
    fs::rename(bucket.at("wiki"), bucket.at("moved")).unwrap();
    assert_eq!(
        bucket.object("moved/").unwrap(),
        b"bytes that no name shows!"
    );
    assert_eq!(bucket.keys(), ["empty/", "moved/"]);
}
