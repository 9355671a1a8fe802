//! Files with holes, and files that live for a short time: bytes that are sent for them.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::thread;

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
    assert!(sent <= 11 * MIB, "{sent} for two places that were changed");
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
    let bucket = empty();
    fs::write(bucket.at("kept"), "x").unwrap();
    assert!(bucket.finish().is_empty());
    bucket.server.log().clear();
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

#[test]
fn what_was_synced_is_stored_whatever_follows() {
    let bucket = empty();
    reserve(&bucket, "file", 40 * MIB);
    let file = OpenOptions::new().write(true).open(bucket.at("file"));
    let file = file.unwrap();
    thread::scope(|scope| {
        for thread in 0..3 {
            let bucket = &bucket;
            scope.spawn(move || {
                // Each close begins a flush, and each change interrupts it.
                for n in 0..20_u64 {
                    let again = OpenOptions::new().write(true).open(bucket.at("file"));
                    let at = (thread + 1) * 10 * MIB + n * 4096;
                    again.unwrap().write_all_at(&noise(4096), at).unwrap();
                }
            });
        }
        for n in 0..6_u64 {
            let content = noise(1000 + usize::try_from(n).unwrap());
            file.write_all_at(&content, n * 2000).unwrap();
            file.sync_all().unwrap();
            let stored = bucket.server.get(BUCKET, "file").unwrap();
            let at = usize::try_from(n).unwrap() * 2000;
            assert!(stored[at..at + content.len()] == content, "{n}");
        }
    });
    drop(file);
    let stored = bucket.object("file").unwrap();
    assert_eq!(stored.len() as u64, 40 * MIB);
    for thread in 1..3 {
        let at = (thread * 10 * MIB) as usize;
        assert!(stored[at..at + 4096] == noise(4096));
    }
}
