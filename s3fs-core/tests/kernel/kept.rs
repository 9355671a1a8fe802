//! Stored metadata of objects, and the requests for it.

use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use s3_local::{Operation, PutOptions};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, empty, server};

fn metadata(bucket: &Bucket, key: &str, name: &str) -> Option<String> {
    bucket.finish();
    let metadata = bucket.server.metadata(BUCKET, key).unwrap();
    let found = metadata.into_iter().find(|(of, _)| of == name);
    found.map(|(_, value)| value)
}

#[test]
fn modes_and_times_stand_where_other_tools_look_for_them() {
    let bucket = empty();
    let file = File::create(bucket.at("f")).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    file.set_permissions(Permissions::from_mode(0o751)).unwrap();
    drop(file);
    assert_eq!(metadata(&bucket, "f", "mode").unwrap(), "0100751");
    assert_eq!(
        metadata(&bucket, "f", "mtime").unwrap(),
        "1700000000.123456789"
    );
    assert_eq!(bucket.server.log().count(Operation::PutObject), 1);
    assert_eq!(bucket.server.log().count(Operation::CopyObject), 0);
    symlink("f", bucket.at("l")).unwrap();
    assert_eq!(metadata(&bucket, "l", "mode").unwrap(), "0120777");
    assert_eq!(bucket.object("l").unwrap(), b"f");
}

#[test]
fn what_is_kept_of_a_stored_file_changes_by_one_copy() {
    let server = server();
    server.put(BUCKET, "f", noise(9 << 20));
    let bucket = Bucket::mount(server, |_| {});
    fs::set_permissions(bucket.at("f"), Permissions::from_mode(0o600)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let file = File::open(bucket.at("f")).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    assert_eq!(metadata(&bucket, "f", "mode").unwrap(), "0100600");
    assert_eq!(metadata(&bucket, "f", "mtime").unwrap(), "1");
    let log = bucket.server.log();
    // The first change of a mount is waited for.
    // One more shows whether the server heeds conditions.
    assert!(log.count(Operation::CopyObject) <= 3);
    assert_eq!(log.writes(), log.count(Operation::CopyObject));
    let again = Bucket::mount(Arc::clone(&bucket.server), |_| {});
    let seen = fs::metadata(again.at("f")).unwrap();
    assert_eq!((seen.mode(), seen.mtime()), (0o100_600, 1));
    assert!(fs::read(again.at("f")).unwrap() == noise(9 << 20));
}

#[test]
fn what_others_keep_stays() {
    let server = server();
    let options = PutOptions::new()
        .content_type("text/x-special")
        .metadata("colour", "blue")
        .metadata("mode", "33188");
    server.put_with(BUCKET, "f", "content", options);
    let bucket = Bucket::mount(server, |_| {});
    let mut file = File::options().append(true).open(bucket.at("f")).unwrap();
    file.write_all(b" and more").unwrap();
    drop(file);
    assert_eq!(bucket.object("f").unwrap(), b"content and more");
    assert_eq!(metadata(&bucket, "f", "colour").unwrap(), "blue");
    fs::set_permissions(bucket.at("f"), Permissions::from_mode(0o640)).unwrap();
    assert_eq!(metadata(&bucket, "f", "colour").unwrap(), "blue");
    fs::rename(bucket.at("f"), bucket.at("g")).unwrap();
    assert_eq!(metadata(&bucket, "g", "colour").unwrap(), "blue");
}

#[test]
fn a_folder_of_plain_objects_is_asked_for_three() {
    let server = server();
    for n in 0..200 {
        server.put(BUCKET, &format!("d/{n:03}"), "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    for name in bucket.names("d") {
        assert_eq!(
            fs::metadata(bucket.at(&format!("d/{name}"))).unwrap().len(),
            1
        );
    }
    let heads = bucket.server.log().count(Operation::HeadObject);
    assert!(heads <= 5, "{heads}");
}

#[test]
fn a_folder_that_has_modes_shows_them_all_and_a_listing_asks_for_none() {
    let first = empty();
    for n in 0..100 {
        let file = File::create(first.at(&format!("{n:03}"))).unwrap();
        file.set_permissions(Permissions::from_mode(0o600 + n % 8))
            .unwrap();
    }
    first.finish();
    let bucket = Bucket::mount(Arc::clone(&first.server), |_| {});
    bucket.server.log().clear();
    assert_eq!(bucket.names("").len(), 100);
    let heads = bucket.server.log().count(Operation::HeadObject);
    assert!(heads <= 3, "{heads}");
    for n in 0..100 {
        let seen = fs::metadata(bucket.at(&format!("{n:03}"))).unwrap();
        assert_eq!(seen.mode(), 0o100_600 + n % 8, "{n}");
    }
    let heads = bucket.server.log().count(Operation::HeadObject);
    assert!(heads <= 110, "{heads}");
}

#[test]
fn a_stored_time_of_access_is_shown_and_stays() {
    let server = server();
    let both = PutOptions::new().metadata("atime", "1000.000000001");
    server.put_with(BUCKET, "both", "x", both.metadata("mtime", "2000"));
    let alone = PutOptions::new().metadata("atime", "1970-01-01T00:16:40Z");
    server.put_with(BUCKET, "alone", "x", alone);
    let bucket = Bucket::mount(server, |_| {});
    let accessed = |bucket: &Bucket, name| {
        let about = fs::metadata(bucket.at(name)).unwrap();
        (about.atime(), about.atime_nsec())
    };
    assert_eq!(accessed(&bucket, "both"), (1000, 1));
    assert_eq!(accessed(&bucket, "alone"), (1000, 0));
    assert!(fs::metadata(bucket.at("alone")).unwrap().mtime() > 1_700_000_000);
    for name in ["both", "alone"] {
        let file = File::options().append(true).open(bucket.at(name));
        file.unwrap().write_all(b"y").unwrap();
    }
    assert_eq!(accessed(&bucket, "both"), (1000, 1));
    assert_eq!(accessed(&bucket, "alone"), (1000, 0));
    // As other tools wrote it.
    assert_eq!(
        metadata(&bucket, "both", "atime").unwrap(),
        "1000.000000001"
    );
    assert_eq!(
        metadata(&bucket, "alone", "atime").unwrap(),
        "1970-01-01T00:16:40Z"
    );
    let file = File::options()
        .append(true)
        .open(bucket.at("both"))
        .unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(3001);
    file.set_times(FileTimes::new().set_accessed(time).set_modified(time))
        .unwrap();
    drop(file);
    assert_eq!(metadata(&bucket, "both", "atime").unwrap(), "3001");
    let again = Bucket::mount(Arc::clone(&bucket.server), |_| {});
    assert_eq!(accessed(&again, "both"), (3001, 0));
}

#[test]
fn metadata_of_other_tools_is_shown_as_attributes() {
    let server = server();
    let options = || PutOptions::new().metadata("owner", "alice");
    server.put_with(BUCKET, "d/", "", options());
    server.put_with(BUCKET, "d/file", "x", options());
    let bucket = Bucket::mount(server, |_| {});
    for path in [bucket.at("d"), bucket.at("d/file")] {
        fs::metadata(&path).unwrap();
        let mut value = [0; 64];
        let length = rustix::fs::getxattr(&path, "user.s3.owner", &mut value[..]).unwrap();
        assert_eq!(&value[..length], b"alice");
        let set = |name: &str| {
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::setxattr(&path, name, b"bob", flags)
        };
        set("user.s3.owner").unwrap();
        set("user.s3.Ü").unwrap_err();
    }
    for key in ["d/", "d/file"] {
        assert_eq!(metadata(&bucket, key, "owner").unwrap(), "bob");
    }
}
