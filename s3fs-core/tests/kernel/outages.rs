//! Servers that are away, overloaded or silent for a time, and servers whose answers are lost.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use s3_local::{Fault, Operation};
use s3fs_core::Credentials;
use stub_test_support::{eventually, noise};

use crate::fake::Fake;
use crate::mounted::{BUCKET, Bucket, SOON, empty, errno, server};

/// Time longer than any test takes.
const FAR: Duration = Duration::from_mins(10);

#[test]
fn a_moment_of_failures_loses_no_file() {
    for (fault, millis) in [
        (Fault::SlowDown503, 1000),
        (Fault::InternalError500, 200),
        (Fault::ResetConnection, 500),
    ] {
        let bucket = empty();
        let knobs = bucket.server.knobs();
        // The first file of a mount is waited for.
        fs::write(bucket.at("first"), "x").unwrap();
        knobs.set_outage(Some(fault));
        thread::scope(|scope| {
            // Some wait for the server, whose word on a folder holds for a second.
            scope.spawn(|| {
                for n in 0..400 {
                    fs::write(bucket.at(&format!("{n}")), format!("{n}")).unwrap();
                }
            });
            let tried = || bucket.server.log().count(Operation::PutObject);
            eventually("nothing is stored", || tried() > 16);
            knobs.fail_for(Duration::from_millis(millis), fault);
        });
        assert_eq!(bucket.finish(), [], "{fault:?}");
        assert_eq!(bucket.keys().len(), 401, "{fault:?}");
        assert_eq!(bucket.object("399").unwrap(), b"399");
    }
}

#[test]
fn programs_wait_while_the_server_is_away() {
    let server = server();
    for name in ["d/file", "d/one", "e/file", "e/one"] {
        server.put(BUCKET, name, "content");
    }
    let bucket = Bucket::mount(server, |_| {});
    let knobs = bucket.server.knobs();
    for (folder, fault) in [
        ("d", Fault::ResetConnection),
        ("e", Fault::InternalError500),
    ] {
        let (file, other) = (format!("{folder}/file"), format!("{folder}/one"));
        knobs.set_outage(Some(fault));
        thread::scope(|scope| {
            let readers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| fs::read(bucket.at(&file))))
                .collect();
            let lookers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| fs::metadata(bucket.at(&other))))
                .collect();
            // The requests of all are on their way, and have failed at least once.
            let log = bucket.server.log();
            let asked = log.total();
            while log.total() < asked + 4 {
                thread::sleep(Duration::from_millis(10));
            }
            assert!(readers.iter().all(|reader| !reader.is_finished()));
            knobs.set_outage(None);
            for reader in readers {
                assert_eq!(reader.join().unwrap().unwrap(), b"content");
            }
            for looker in lookers {
                assert_eq!(looker.join().unwrap().unwrap().len(), 7);
            }
        });
    }
}

#[test]
fn after_the_retry_timeout_programs_get_an_error_each_time() {
    let server = server();
    server.put(BUCKET, "d/file", "content");
    let bucket = Bucket::mount(server, |config| config.retry_timeout = SOON);
    bucket
        .server
        .knobs()
        .set_outage(Some(Fault::ResetConnection));
    for name in ["d/a", "d/b", "d/c"] {
        let start = Instant::now();
        assert_eq!(errno(fs::metadata(bucket.at(name))), Errno::EIO);
        assert!(start.elapsed() >= SOON, "{name}: {:?}", start.elapsed());
    }
    bucket.server.knobs().set_outage(None);
    assert_eq!(fs::read(bucket.at("d/file")).unwrap(), b"content");
}

#[test]
fn a_put_that_is_never_answered_is_given_up_and_sent_again() {
    let bucket = Bucket::mount(server(), |config| {
        config.retry_timeout = Duration::from_secs(30);
    });
    let knobs = bucket.server.knobs();
    knobs.fail_next(Operation::PutObject, 1, Fault::Hang);
    let start = Instant::now();
    fs::write(bucket.at("file"), "content").unwrap();
    assert_eq!(bucket.object("file").unwrap(), b"content");
    assert!(start.elapsed() < FAR);
    assert_eq!(bucket.server.log().count(Operation::PutObject), 2);
}

#[test]
fn a_server_that_never_answers_is_given_up_in_the_end() {
    let server = server();
    server.put(BUCKET, "d/file", "content");
    let bucket = Bucket::mount(server, |config| config.retry_timeout = SOON);
    let mut file = File::create(bucket.at("new")).unwrap();
    bucket.server.knobs().set_outage(Some(Fault::Hang));
    let start = Instant::now();
    assert_eq!(errno(fs::metadata(bucket.at("d/file"))), Errno::EIO);
    assert_eq!(
        errno(file.write_all(b"x").and_then(|()| file.sync_all())),
        Errno::EIO
    );
    assert!(start.elapsed() < FAR);
    bucket.server.knobs().set_outage(None);
    file.sync_all().unwrap();
    drop(file);
    assert_eq!(bucket.object("new").unwrap(), b"x");
}

#[test]
fn what_was_done_though_its_answer_was_lost_is_done() {
    let server = server();
    server.put(BUCKET, "old", "old");
    server.put(BUCKET, "gone", "x");
    let bucket = Bucket::mount(server, |_| {});
    let knobs = bucket.server.knobs();
    for operation in [
        Operation::PutObject,
        Operation::PutObject,
        Operation::CopyObject,
        Operation::DeleteObject,
        Operation::UploadPart,
        Operation::CompleteMultipartUpload,
    ] {
        knobs.fail_next(operation, 1, Fault::CarryOutAndReset);
    }
    let mut exclusive = OpenOptions::new();
    exclusive.write(true).create_new(true);
    let mut file = exclusive.open(bucket.at("new")).unwrap();
    file.write_all(b"new").unwrap();
    file.sync_all().unwrap();
    drop(file);
    fs::write(bucket.at("old"), "changed").unwrap();
    fs::rename(bucket.at("old"), bucket.at("renamed")).unwrap();
    fs::remove_file(bucket.at("gone")).unwrap();
    let mut large = exclusive.open(bucket.at("large")).unwrap();
    large.write_all(&noise(20 << 20)).unwrap();
    drop(large);
    assert_eq!(bucket.finish(), []);
    assert_eq!(bucket.keys(), ["large", "new", "renamed"]);
    assert_eq!(bucket.object("new").unwrap(), b"new");
    assert_eq!(bucket.object("renamed").unwrap(), b"changed");
    assert!(bucket.object("large").unwrap() == noise(20 << 20));
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
    assert_eq!(knobs.pending_faults(), 0);
}

#[test]
fn an_answer_that_never_ends_is_an_error() {
    let server = server();
    server.put(BUCKET, "d/file", "content");
    let bucket = Bucket::mount(server, |_| {});
    let knobs = bucket.server.knobs();
    knobs.set_outage(Some(Fault::EndlessBody));
    assert_eq!(errno(names(&bucket.at("d"))), Errno::EIO);
    let resident = bucket.peak_memory();
    assert!(resident < 512 << 20, "{resident} bytes");
}

fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name())).collect()
}

/// Returns a page of a listing that continues at a token.
fn page(key: Option<&str>, next: Option<&str>) -> String {
    let key = key.map_or_else(String::new, |key| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>\
             <ETag>\"1\"</ETag><Size>1</Size></Contents>"
        )
    });
    let is_truncated = next.is_some();
    let next = next.map_or_else(String::new, |next| {
        format!("<NextContinuationToken>{next}</NextContinuationToken>")
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>data</Name>\
         <Prefix></Prefix><MaxKeys>1000</MaxKeys><IsTruncated>{is_truncated}</IsTruncated>\
         {next}{key}</ListBucketResult>"
    )
}

#[test]
fn a_listing_that_does_not_advance_is_an_error() {
    // Answers after which a listing ends, so that the test does too.
    const ANSWERS: usize = 1000;
    let pages: [fn(usize) -> String; 3] = [
        // The same token, always.
        |_| page(Some("file"), Some("again")),
        // Pages in a circle, each with another token.
        |n| page(Some(["a", "b", "c"][n % 3]), Some(&n.to_string())),
        // No keys at all.
        |n| page(None, Some(&n.to_string())),
    ];
    for make in pages {
        let fake = Fake::answering_with(move |n| {
            if n < ANSWERS {
                make(n)
            } else {
                page(Some("end"), None)
            }
        });
        let bucket = Bucket::mount(server(), |config| {
            config.endpoint_url = Some(fake.url());
            config.credentials = Credentials::Anonymous;
            config.retry_timeout = SOON;
        });
        assert_eq!(errno(names(bucket.path())), Errno::EIO);
        assert!(fake.requests().len() < ANSWERS);
    }
}
