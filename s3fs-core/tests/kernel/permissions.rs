//! Requests of a mount: no more than the documented permissions, and no writes where none are allowed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;

use nix::errno::Errno;
use s3_local::{Policy, S3Local, Server};
use s3fs_core::{Access, Credentials, MountConfig};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, errno};

/// Starts a server with a key of limited permissions.
pub(crate) fn limited(policy: Policy) -> Server {
    let server = S3Local::builder()
        .access_key("limited", "limited-secret", policy)
        .start();
    server.create_bucket(BUCKET);
    server
}

/// Gives a mount that key.
pub(crate) fn as_limited(config: &mut MountConfig) {
    config.credentials = Credentials::Static {
        access_key_id: "limited".into(),
        secret_access_key: "limited-secret".into(),
        session_token: None,
    };
}

/// Performs every kind of change.
fn exercise(bucket: &Bucket) {
    fs::write(bucket.at("small"), "x").unwrap();
    fs::write(bucket.at("large"), noise(20 << 20)).unwrap();
    let mut file = OpenOptions::new()
        .append(true)
        .open(bucket.at("large"))
        .unwrap();
    file.write_all(b"more").unwrap();
    file.sync_all().unwrap();
    drop(file);
    fs::create_dir(bucket.at("d")).unwrap();
    fs::write(bucket.at("d/x"), "x").unwrap();
    assert_eq!(bucket.names("d"), ["x"]);
    fs::read(bucket.at("large")).unwrap();
    let mut dropped = File::create(bucket.at("dropped")).unwrap();
    dropped.write_all(&noise(12 << 20)).unwrap();
    fs::remove_file(bucket.at("dropped")).unwrap();
    drop(dropped);
    fs::remove_dir_all(bucket.at("d")).unwrap();
    fs::remove_file(bucket.at("small")).unwrap();
}

#[test]
fn five_permissions_are_enough_to_write() {
    let server = limited(Policy::read_write(BUCKET));
    let bucket = Bucket::mount(server, as_limited);
    exercise(&bucket);
    assert!(bucket.finish().is_empty());
    let denied = bucket
        .server
        .log()
        .requests()
        .iter()
        .filter(|r| r.status == Some(403))
        .count();
    assert_eq!(denied, 0);
}

#[test]
fn two_permissions_are_enough_to_read_and_nothing_else_is_asked() {
    let server = limited(Policy::read_only(BUCKET));
    server.put(BUCKET, "d/file", noise(3 << 20));
    let bucket = Bucket::mount(server, |config| {
        as_limited(config);
        config.access = Access::ReadOnly;
    });
    assert!(fs::read(bucket.at("d/file")).unwrap() == noise(3 << 20));
    assert_eq!(errno(fs::write(bucket.at("new"), "x")), Errno::EROFS);
    assert_eq!(errno(fs::write(bucket.at("d/file"), "x")), Errno::EROFS);
    assert_eq!(errno(fs::remove_file(bucket.at("d/file"))), Errno::EROFS);
    assert_eq!(errno(fs::create_dir(bucket.at("d/e"))), Errno::EROFS);
    assert_eq!(errno(fs::remove_dir(bucket.at("d"))), Errno::EROFS);
    assert!(bucket.finish().is_empty());
    assert_eq!(bucket.server.log().writes(), 0);
    assert!(
        bucket
            .server
            .log()
            .requests()
            .iter()
            .all(|r| r.status != Some(403))
    );
}

#[test]
fn denied_reads_are_eacces() {
    let server = limited(Policy::new().allow("s3:ListBucket", BUCKET));
    server.put(BUCKET, "file", "x");
    let bucket = Bucket::mount(server, as_limited);
    assert_eq!(bucket.names(""), ["file"]);
    assert_eq!(errno(fs::read(bucket.at("file"))), Errno::EACCES);
}

#[test]
fn denied_writes_are_eacces_and_accounted_for() {
    let server = limited(Policy::read_only(BUCKET));
    let bucket = Bucket::mount(server, as_limited);
    let mut file = File::create(bucket.at("file")).unwrap();
    file.write_all(b"x").unwrap();
    assert_eq!(errno(file.sync_all()), Errno::EACCES);
    drop(file);
    let lost = bucket.finish();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].reason.contains("access denied"), "{lost:?}");
}

#[test]
fn deleting_and_overwriting_can_be_forbidden() {
    let server = S3Local::builder().start();
    server.create_bucket(BUCKET);
    server.put(BUCKET, "kept", "kept");
    let bucket = Bucket::mount(server, |config| {
        config.access = Access::ReadWrite {
            delete: false,
            overwrite: false,
        };
    });
    assert_eq!(errno(fs::remove_file(bucket.at("kept"))), Errno::EPERM);
    assert_eq!(errno(fs::write(bucket.at("kept"), "x")), Errno::EPERM);
    fs::write(bucket.at("new"), "new").unwrap();
    assert_eq!(bucket.object("new").unwrap(), b"new");
    assert_eq!(bucket.object("kept").unwrap(), b"kept");
    // Another client is faster: its object must not be replaced either.
    let mut file = File::create(bucket.at("race")).unwrap();
    file.write_all(b"ours").unwrap();
    bucket.server.put(BUCKET, "race", "theirs");
    assert!(file.sync_all().is_err());
    assert_eq!(bucket.object("race").unwrap(), b"theirs");
}
