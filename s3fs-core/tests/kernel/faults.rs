//! A server that fails now and then, and one that fails for good.

use std::fs::{self, File};
use std::io::Write;

use s3_local::{Fault, Injection, Operation};

use crate::mounted::{BUCKET, Bucket, empty, noise, server};

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
    fs::write(bucket.at("large"), noise(20 << 20)).unwrap();
    fs::remove_file(bucket.at("small")).unwrap();
    assert!(bucket.object("large").unwrap() == noise(20 << 20));
    assert_eq!(bucket.server.keys(BUCKET), ["large"]);
    assert_eq!(knobs.pending_faults(), 0);
}

#[test]
fn an_upload_that_fails_for_good_is_an_error_an_account_and_no_object() {
    let bucket = empty();
    bucket
        .server
        .knobs()
        .fail_next(Operation::UploadPart, 1000, Fault::InternalError500);
    let mut file = File::create(bucket.at("lost")).unwrap();
    let written = file.write_all(&noise(12 << 20));
    let stored = file.sync_all();
    assert!(written.is_err() || stored.is_err());
    drop(file);
    let lost = bucket.finish();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].object, "s3://data/lost");
    bucket.server.knobs().reset();
    assert!(bucket.server.keys(BUCKET).is_empty());
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
    // The name is free again, and success settles the account.
    fs::write(bucket.at("lost"), "found").unwrap();
    assert_eq!(bucket.object("lost").unwrap(), b"found");
    assert!(bucket.finish().is_empty());
}

#[test]
fn a_file_whose_put_failed_is_stored_by_the_next_attempt() {
    let bucket = empty();
    bucket
        .server
        .knobs()
        .fail_next(Operation::PutObject, 7, Fault::InternalError500);
    let mut file = File::create(bucket.at("file")).unwrap();
    file.write_all(b"content").unwrap();
    assert!(file.sync_all().is_err());
    file.sync_all().unwrap();
    drop(file);
    assert_eq!(bucket.object("file").unwrap(), b"content");
    assert!(bucket.finish().is_empty());
}
