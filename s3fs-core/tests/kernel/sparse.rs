//! Files with holes, and files that live for a short time: bytes that are sent for them.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;

use s3_local::Operation;
use stub_test_support::{eventually, noise};

use crate::mounted::{BUCKET, Bucket, empty};

const MIB: u64 = 1 << 20;

/// Returns how many bytes PUTs and parts had since the log was cleared.
fn sent(bucket: &Bucket) -> u64 {
    let requests = bucket.server.log().requests();
    let bodies = requests.iter().filter(|request| {
        let operation = request.operation;
        matches!(operation, Operation::PutObject | Operation::UploadPart)
    });
    bodies.filter_map(|request| request.body_length).sum()
}

/// Makes a file of zeros of this length by its size alone.
fn reserve(bucket: &Bucket, name: &str, length: u64) {
    let file = File::create(bucket.at(name)).unwrap();
    file.set_len(length).unwrap();
}

#[test]
fn the_zeros_of_a_mount_are_sent_once() {
    let bucket = empty();
    reserve(&bucket, "first", 64 * MIB);
    assert!(bucket.finish().is_empty());
    assert_eq!(sent(&bucket), 64 * MIB);
    bucket.server.log().clear();
    let file = OpenOptions::new().write(true).open(bucket.at("first"));
    file.unwrap().write_all_at(&noise(4096), 32 * MIB).unwrap();
    reserve(&bucket, "second", 512 * MIB);
    let file = OpenOptions::new().write(true).open(bucket.at("second"));
    file.unwrap().write_all_at(&noise(4096), 100 * MIB).unwrap();
    assert!(bucket.finish().is_empty());
    let sent = sent(&bucket);
    // 5 MiB of the first. Parts of the second have 8 MiB each, except on Amazon's servers.
    assert!(sent <= 13 * MIB, "{sent} for two places that were changed");
    for (name, length, at) in [("first", 64, 32), ("second", 512, 100)] {
        let mut expected = vec![0; (length * MIB) as usize];
        let at = (at * MIB) as usize;
        expected[at..at + 4096].copy_from_slice(&noise(4096));
        assert!(
            bucket.server.get(BUCKET, name).unwrap() == expected,
            "{name}"
        );
    }
}

#[test]
fn an_upload_of_a_file_that_is_deleted_ends() {
    let bucket = tried();
    bucket.server.knobs().set_bandwidth(Some(MIB));
    reserve(&bucket, "file", 512 * MIB);
    let log = bucket.server.log();
    eventually("the upload begins", || {
        log.count(Operation::CreateMultipartUpload) == 1
    });
    fs::remove_file(bucket.at("file")).unwrap();
    bucket.server.knobs().set_bandwidth(None);
    assert_eq!(bucket.keys(), ["kept"]);
    assert_eq!(log.count(Operation::CompleteMultipartUpload), 0);
    assert_eq!(log.count(Operation::DeleteObject), 0, "there was no object");
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
}

/// Mounts a bucket that has taken a small file.
fn tried() -> Bucket {
    let bucket = empty();
    fs::write(bucket.at("kept"), "x").unwrap();
    assert!(bucket.finish().is_empty());
    bucket.server.log().clear();
    bucket
}

#[test]
fn what_was_synced_is_stored_whatever_follows() {
    let bucket = tried();
    reserve(&bucket, "file", 24 * MIB);
    let open = || OpenOptions::new().write(true).open(bucket.at("file"));
    let log = bucket.server.log();
    let mut expected = vec![0; (24 * MIB) as usize];
    for n in 0..2_usize {
        let begun = log.count(Operation::CreateMultipartUpload);
        let ended = log.count(Operation::AbortMultipartUpload);
        bucket.server.knobs().set_bandwidth(Some(4 * MIB));
        expected.fill(n as u8 + 1);
        open().unwrap().write_all_at(&expected, 0).unwrap();
        eventually("a flush begins", || {
            log.count(Operation::CreateMultipartUpload) > begun
        });
        let (at, change) = (n * 5000, noise(100 + n));
        expected[at..at + change.len()].copy_from_slice(&change);
        let file = open().unwrap();
        file.write_all_at(&change, at as u64).unwrap();
        file.sync_all().unwrap();
        assert!(log.count(Operation::AbortMultipartUpload) > ended);
        assert!(bucket.server.get(BUCKET, "file").unwrap() == expected);
    }
    bucket.server.knobs().set_bandwidth(None);
    assert!(bucket.object("file").unwrap() == expected);
}

#[test]
fn a_file_that_is_replaced_again_and_again_is_stored_all_the_same() {
    let bucket = tried();
    bucket.server.knobs().set_bandwidth(Some(2 * MIB));
    let log = bucket.server.log();
    let is_stored = || log.count(Operation::CompleteMultipartUpload) > 0;
    for _ in 0..8 {
        let begun = log.count(Operation::CreateMultipartUpload);
        reserve(&bucket, "temporary", 20 * MIB);
        fs::rename(bucket.at("temporary"), bucket.at("last")).unwrap();
        if is_stored() {
            break;
        }
        eventually("an upload begins", || {
            log.count(Operation::CreateMultipartUpload) > begun
        });
    }
    assert!(is_stored(), "each version was ended by the next one");
    bucket.server.knobs().set_bandwidth(None);
    assert_eq!(bucket.keys(), ["kept", "last"]);
    assert_eq!(bucket.object("last").unwrap().len() as u64, 20 * MIB);
}
