//! Servers that fail now and then, and servers that fail permanently.

use std::fs::{self, File};
use std::io::Write;

use nix::errno::Errno;
use s3_local::{Fault, Injection, Operation};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, SOON, empty, errno, server};

#[test]
fn broken_and_truncated_bodies_are_fetched_again() {
    let server = server();
    let content = noise(40 << 20);
    server.put(BUCKET, "file", content.clone());
    let bucket = Bucket::mount(server, |_| {});
    let knobs = bucket.server.knobs();
    for (skip, fault) in [
        (0, Fault::TruncateBody(1000)),
        (1, Fault::ResetConnection),
        (2, Fault::SlowDown503),
        (3, Fault::TruncateBody(3 << 20)),
        (5, Fault::InternalError500),
    ] {
        knobs.inject(Injection::new(Operation::GetObject, fault).after(skip));
    }
    assert!(fs::read(bucket.at("file")).unwrap() == content);
    assert_eq!(knobs.pending_faults(), 0);
}

#[test]
fn a_body_that_is_cut_after_each_piece_ends_by_the_retry_timeout() {
    let server = server();
    let content = noise(4 << 20);
    server.put(BUCKET, "hopeless", content.clone());
    server.put(BUCKET, "slow", content.clone());
    let bucket = Bucket::mount(server, |config| config.retry_timeout = SOON);
    let knobs = bucket.server.knobs();
    let cut = |key, length| {
        let fault = Fault::TruncateBody(length);
        knobs.inject(
            Injection::new(Operation::GetObject, fault)
                .on_key(key)
                .times(10_000),
        );
    };
    cut("hopeless", 4 << 10);
    cut("slow", 1 << 20);
    assert_eq!(errno(fs::read(bucket.at("hopeless"))), Errno::EIO);
    let asked = bucket.server.log().count(Operation::GetObject);
    assert!(asked < 200, "{asked} requests");
    assert!(fs::read(bucket.at("slow")).unwrap() == content);
}

#[test]
fn failed_uploads_are_sent_again() {
    let bucket = empty();
    let knobs = bucket.server.knobs();
    for operation in [
        Operation::PutObject,
        Operation::CreateMultipartUpload,
        Operation::UploadPart,
        Operation::CompleteMultipartUpload,
        Operation::DeleteObject,
    ] {
        knobs.fail_next(operation, 1, Fault::SlowDown503);
    }
    knobs.fail_next(Operation::UploadPart, 1, Fault::ResetConnection);
    fs::write(bucket.at("small"), "x").unwrap();
    // A file that is deleted before it is stored costs no request.
    assert_eq!(bucket.finish(), []);
    fs::write(bucket.at("large"), noise(20 << 20)).unwrap();
    fs::remove_file(bucket.at("small")).unwrap();
    assert!(bucket.object("large").unwrap() == noise(20 << 20));
    assert_eq!(bucket.keys(), ["large"]);
    assert_eq!(knobs.pending_faults(), 0);
}

#[test]
fn what_can_not_be_stored_is_an_error_and_an_account_and_is_kept() {
    let unsaved = tempfile::tempdir().unwrap();
    let bucket = Bucket::mount(server(), |config| {
        config.rescue = Some(unsaved.path().to_owned());
        config.retry_timeout = SOON;
    });
    fs::write(bucket.at("before"), "stored").unwrap();
    fs::create_dir(bucket.at("before-d")).unwrap();
    assert!(bucket.finish().is_empty());
    let knobs = bucket.server.knobs();
    knobs.fail_next(Operation::PutObject, 1000, Fault::InternalError500);
    knobs.fail_next(Operation::UploadPart, 1000, Fault::InternalError500);
    fs::create_dir(bucket.at("d")).unwrap();
    let mut small = File::create(bucket.at("small")).unwrap();
    small.write_all(b"precious").unwrap();
    small.sync_all().unwrap_err();
    drop(small);
    let mut file = File::create(bucket.at("large")).unwrap();
    let content = noise(12 << 20);
    let written = file.write_all(&content);
    assert!(written.is_err() || file.sync_all().is_err());
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    drop(file);
    let lost = bucket.finish();
    let objects: Vec<&str> = lost.iter().map(|lost| lost.object.as_str()).collect();
    assert_eq!(
        objects,
        ["s3://data/d/", "s3://data/large", "s3://data/small"]
    );
    let kept = |n: usize| fs::read(lost[n].kept_in.as_ref().unwrap()).unwrap();
    assert!(kept(1) == content[..length]);
    assert_eq!(kept(2), b"precious");
    assert!(lost[2].to_string().contains("its bytes are kept in /"));
    // When it can be stored after all, it is.
    knobs.reset();
    assert!(bucket.finish().is_empty());
    assert!(bucket.object("large").unwrap() == content[..length]);
    assert_eq!(bucket.object("small").unwrap(), b"precious");
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
}

#[test]
fn a_file_whose_put_failed_is_stored_by_the_next_attempt() {
    let bucket = Bucket::mount(server(), |config| config.retry_timeout = SOON);
    let knobs = bucket.server.knobs();
    knobs.fail_next(Operation::PutObject, 1000, Fault::InternalError500);
    let mut file = File::create(bucket.at("file")).unwrap();
    file.write_all(b"content").unwrap();
    assert!(file.sync_all().is_err());
    knobs.reset();
    file.sync_all().unwrap();
    drop(file);
    assert_eq!(bucket.object("file").unwrap(), b"content");
    assert!(bucket.finish().is_empty());
}

#[test]
fn what_was_stored_without_an_answer_is_deleted_with_its_name() {
    let bucket = Bucket::mount(server(), |config| config.retry_timeout = SOON);
    let knobs = bucket.server.knobs();
    for name in ["removed", "renamed"] {
        let mut file = File::create(bucket.at(name)).unwrap();
        file.write_all(name.as_bytes()).unwrap();
        knobs.fail_next(Operation::PutObject, 1000, Fault::CarryOutAndReset);
        file.sync_all().unwrap_err();
        knobs.reset();
        assert_eq!(bucket.server.get(BUCKET, name).unwrap(), name);
    }
    fs::remove_file(bucket.at("removed")).unwrap();
    fs::rename(bucket.at("renamed"), bucket.at("elsewhere")).unwrap();
    assert_eq!(bucket.finish(), []);
    assert_eq!(bucket.server.keys(BUCKET), ["elsewhere"]);
    assert_eq!(bucket.server.get(BUCKET, "elsewhere").unwrap(), "renamed");
}
