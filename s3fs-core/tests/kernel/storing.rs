//! Storing in the background, and the calls that wait for it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use s3_local::{Operation, Policy, S3Local};
use s3fs_core::{Credentials, StageConfig};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, empty, errno, server};

/// Stores one file, so that the mount knows that it has permission to write.
fn begin(bucket: &Bucket) {
    fs::write(bucket.at("first"), "x").unwrap();
    bucket.finish();
    bucket.server.log().clear();
}

#[test]
fn close_does_not_wait_and_the_end_does() {
    let bucket = empty();
    begin(&bucket);
    // A program that waited for a store would take an hour.
    bucket.server.knobs().set_latency(Duration::from_secs(2));
    for n in 0..200 {
        fs::write(bucket.at("first"), format!("{n}")).unwrap();
    }
    bucket.server.knobs().set_latency(Duration::ZERO);
    assert_eq!(bucket.object("first").unwrap(), b"199");
    let puts = bucket.server.log().count(Operation::PutObject);
    assert!(puts <= 3, "{puts} for a file that was written all the time");
}

#[test]
fn many_small_files_take_a_request_each() {
    let bucket = empty();
    begin(&bucket);
    fs::create_dir(bucket.at("d")).unwrap();
    for n in 0..300 {
        fs::write(bucket.at(&format!("d/{n}")), format!("{n}")).unwrap();
    }
    assert!(bucket.finish().is_empty());
    assert_eq!(bucket.keys().len(), 302);
    let log = bucket.server.log();
    assert_eq!(log.count(Operation::PutObject), 301);
    assert!(log.total() < 320, "{} requests", log.total());
}

#[test]
fn everything_is_read_back_before_it_is_stored() {
    let bucket = empty();
    begin(&bucket);
    bucket
        .server
        .knobs()
        .set_latency(Duration::from_millis(500));
    fs::create_dir(bucket.at("d")).unwrap();
    fs::write(bucket.at("d/f"), "content").unwrap();
    std::os::unix::fs::symlink("f", bucket.at("d/l")).unwrap();
    assert_eq!(fs::read(bucket.at("d/l")).unwrap(), b"content");
    assert_eq!(bucket.names("d"), ["f", "l"]);
    fs::remove_file(bucket.at("first")).unwrap();
    assert!(!bucket.at("first").exists());
    bucket.server.knobs().set_latency(Duration::ZERO);
    assert_eq!(bucket.keys(), ["d/", "d/f", "d/l"]);
}

#[test]
fn what_is_deleted_before_it_is_stored_costs_nothing() {
    let bucket = empty();
    begin(&bucket);
    for _ in 0..20 {
        fs::write(bucket.at("temporary"), noise(1000)).unwrap();
        fs::remove_file(bucket.at("temporary")).unwrap();
    }
    assert!(bucket.finish().is_empty());
    assert_eq!(bucket.server.log().writes(), 0);
}

#[test]
fn fsync_of_a_folder_waits_for_what_is_in_it() {
    let bucket = empty();
    begin(&bucket);
    fs::create_dir(bucket.at("d")).unwrap();
    fs::write(bucket.at("d/f"), "content").unwrap();
    File::open(bucket.at("d")).unwrap().sync_all().unwrap();
    assert_eq!(bucket.server.keys(BUCKET), ["d/", "d/f", "first"]);
    fs::remove_file(bucket.at("d/f")).unwrap();
    File::open(bucket.at("d")).unwrap().sync_all().unwrap();
    assert_eq!(bucket.server.keys(BUCKET), ["d/", "first"]);
}

#[test]
fn closing_waits_where_that_is_asked_for() {
    let bucket = Bucket::mount(server(), |config| config.waits_on_close = true);
    for n in 0..3 {
        fs::write(bucket.at("f"), format!("{n}")).unwrap();
        assert_eq!(bucket.server.get(BUCKET, "f").unwrap(), format!("{n}"));
    }
}

/// Runs a shell in the bucket that prints `ready` to standard error and then waits for a line.
fn shell_that_waits(bucket: &Bucket, script: &str, then: impl FnOnce()) {
    let mut shell = Command::new("sh")
        .args(["-c", script])
        .current_dir(bucket.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(shell.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(said, "ready\n");
    then();
    writeln!(shell.stdin.take().unwrap(), "go on").unwrap();
    assert!(shell.wait().unwrap().success());
}

#[test]
fn an_old_object_stays_until_the_new_one_is_whole() {
    for waits in [false, true] {
        let server = server();
        for name in ["redirected", "kept open", "inherited"] {
            server.put(BUCKET, name, "the old one");
        }
        let bucket = Bucket::mount(server, |config| config.waits_on_close = waits);
        for (name, script) in [
            (
                "redirected",
                "(echo new; echo ready >&2; read line; echo $line) > redirected",
            ),
            (
                "kept open",
                "exec 3> 'kept open'; echo new >&3; echo ready >&2; read line; echo $line >&3",
            ),
            (
                "inherited",
                "exec 4<&0 3> inherited; (echo new; read line; echo $line) <&4 >&3 & exec 3>&-; echo ready >&2; wait",
            ),
        ] {
            shell_that_waits(&bucket, script, || {
                let now = bucket.server.get(BUCKET, name).unwrap();
                assert_eq!(now, "the old one", "{name}, waiting: {waits}");
            });
            if waits && name != "inherited" {
                assert_eq!(bucket.server.get(BUCKET, name).unwrap(), "new\ngo on\n");
            }
        }
        assert!(bucket.finish().is_empty());
        for name in ["redirected", "kept open", "inherited"] {
            assert_eq!(bucket.server.get(BUCKET, name).unwrap(), "new\ngo on\n");
        }
        let puts = bucket.server.log().count(Operation::PutObject);
        assert_eq!(puts, 3, "each was stored once");
        assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
    }
}

#[test]
fn the_first_close_says_whether_anything_can_be_stored_and_changes_nothing() {
    let policy = Policy::read_only(BUCKET);
    let server = S3Local::builder()
        .access_key("reader", "reader-secret", policy)
        .start();
    server.create_bucket(BUCKET);
    server.put(BUCKET, "file", "the old one");
    let bucket = Bucket::mount(server, |config| {
        config.credentials = Credentials::Static {
            access_key_id: "reader".into(),
            secret_access_key: "reader-secret".into(),
            session_token: None,
        };
    });
    for _ in 0..2 {
        let mut file = File::create(bucket.at("file")).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(nix::unistd::close(file), Err(Errno::EACCES));
    }
    assert_eq!(bucket.finish().len(), 1);
    assert_eq!(bucket.server.get(BUCKET, "file").unwrap(), "the old one");
}

#[test]
fn more_files_than_may_wait_are_all_stored() {
    let bucket = empty();
    begin(&bucket);
    fs::create_dir(bucket.at("d")).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let bucket = &bucket;
            scope.spawn(move || {
                for n in 0..700 {
                    fs::write(bucket.at(&format!("d/{thread}-{n}")), noise(n)).unwrap();
                }
            });
        }
    });
    assert!(bucket.finish().is_empty());
    assert_eq!(bucket.keys().len(), 2802);
    assert_eq!(bucket.object("d/3-699").unwrap(), noise(699));
}

#[test]
fn a_full_stage_is_an_error_of_the_write_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = server();
    server.put(BUCKET, "large", noise(40 << 20));
    let bucket = Bucket::mount(server, |config| {
        config.stage = Some(StageConfig {
            dir: folder.path().to_owned(),
            size: 3 << 20,
        });
    });
    let large = File::options()
        .write(true)
        .open(bucket.at("large"))
        .unwrap();
    let piece = vec![7; 1 << 20];
    for n in 0..3 {
        large.write_all_at(&piece, n << 22).unwrap();
    }
    assert_eq!(errno(large.write_all_at(&piece, 30 << 20)), Errno::ENOSPC);
    // What it has can be changed, and others don't notice.
    large.write_all_at(b"changed", 5).unwrap();
    let mut other = File::create(bucket.at("other")).unwrap();
    other.write_all(&noise(20 << 20)).unwrap();
    drop((large, other));
    assert!(bucket.object("other").unwrap() == noise(20 << 20));
    let mut expected = noise(40 << 20);
    for n in 0..3 {
        expected[n << 22..(n << 22) + (1 << 20)].fill(7);
    }
    expected[5..12].copy_from_slice(b"changed");
    assert!(bucket.object("large").unwrap() == expected);
    let large = File::options().write(true).open(bucket.at("large"));
    large.unwrap().write_all_at(&piece, 30 << 20).unwrap();
}

#[test]
fn many_names_that_are_not_there_are_asked_for_together() {
    let bucket = empty();
    begin(&bucket);
    fs::create_dir(bucket.at("d")).unwrap();
    fs::write(bucket.at("d/first"), "x").unwrap();
    bucket.finish();
    bucket.server.knobs().set_latency(Duration::from_millis(20));
    bucket.server.log().clear();
    for n in 0..150 {
        fs::write(bucket.at(&format!("d/{n}")), format!("{n}")).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 15, "{lists} listings");
    bucket.server.knobs().set_latency(Duration::ZERO);
}
