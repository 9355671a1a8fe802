//! Properties of objects that no program sees: they stay while the file changes, or the change is
//! refused.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use s3_local::{Operation, Policy, PutOptions, Quirk, Server};
use s3fs_core::{Encryption, EncryptionAlgorithm};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, empty, errno, server};
use crate::permissions::{self, as_limited};

fn options() -> PutOptions {
    PutOptions::new()
        .storage_class("STANDARD_IA")
        .cache_control("max-age=60")
        .metadata("colour", "blue")
        .tag("team", "a b")
}

fn properties(server: &Server, key: &str) -> (Option<String>, Vec<(String, String)>) {
    let tags = server.tags(BUCKET, key).unwrap();
    (server.storage_class(BUCKET, key), tags)
}

fn expected() -> (Option<String>, Vec<(String, String)>) {
    (
        Some("STANDARD_IA".into()),
        vec![("team".into(), "a b".into())],
    )
}

fn change_all(bucket: &Bucket, name: &str) {
    let at = || bucket.at(name);
    let check = |what: &str, name: &str| {
        bucket.finish();
        assert_eq!(properties(&bucket.server, name), expected(), "{what}");
    };
    fs::set_permissions(at(), Permissions::from_mode(0o600)).unwrap();
    check("chmod", name);
    let mut file = File::options().append(true).open(at()).unwrap();
    file.write_all(b"more").unwrap();
    drop(file);
    check("append", name);
    let file = File::options().write(true).open(at()).unwrap();
    file.write_all_at(b"middle", 3).unwrap();
    drop(file);
    check("middle", name);
    let other = format!("{name}-2");
    fs::rename(at(), bucket.at(&other)).unwrap();
    check("rename", &other);
    fs::write(bucket.at(&other), noise(9 << 20)).unwrap();
    check("rewrite", &other);
}

#[test]
fn class_and_tags_of_small_and_large_objects_stay() {
    let server = server();
    server.put_with(BUCKET, "small", "content", options());
    server.put_with(BUCKET, "large", noise(9 << 20), options());
    server.put_with(BUCKET, "d/f", "content", options());
    let bucket = Bucket::mount(server, |_| {});
    change_all(&bucket, "small");
    change_all(&bucket, "large");
    fs::rename(bucket.at("d"), bucket.at("e")).unwrap();
    bucket.finish();
    assert_eq!(properties(&bucket.server, "e/f"), expected());
}

#[test]
fn tags_stay_on_servers_that_lose_or_hide_them() {
    for quirk in [Quirk::LostTags, Quirk::HiddenTags] {
        let server = server();
        server.knobs().set_quirk(quirk, true);
        server.put_with(BUCKET, "small", "content", options());
        server.put_with(BUCKET, "large", noise(9 << 20), options());
        let bucket = Bucket::mount(server, |_| {});
        change_all(&bucket, "small");
        change_all(&bucket, "large");
    }
}

#[test]
fn new_objects_have_the_settings_and_copies_of_others_have_nothing_of_those() {
    let server = server();
    server.put_with(BUCKET, "theirs", noise(9 << 20), options());
    let bucket = Bucket::mount(server, |config| {
        config.uploads.storage_class = Some("GLACIER_IR".into());
        config.uploads.tags = [("new".into(), "1".into())].into();
        config.uploads.encryption = Some(Encryption::new(EncryptionAlgorithm::Aes256));
    });
    fs::write(bucket.at("new"), "x").unwrap();
    fs::rename(bucket.at("new"), bucket.at("newer")).unwrap();
    let copy = File::create(bucket.at("copy")).unwrap();
    let mut from = File::open(bucket.at("theirs")).unwrap();
    std::io::copy(&mut from, &mut &copy).unwrap();
    drop(copy);
    bucket.finish();
    let new = (Some("GLACIER_IR".into()), vec![("new".into(), "1".into())]);
    assert_eq!(properties(&bucket.server, "newer"), new);
    assert_eq!(properties(&bucket.server, "copy"), new);
    assert_eq!(properties(&bucket.server, "theirs"), expected());
}

/// Starts a server on which the mount has the five permissions and these.
fn limited(more: &[&'static str]) -> Server {
    let objects = format!("{BUCKET}/*");
    let policy = more
        .iter()
        .fold(Policy::read_write(BUCKET), |policy, action| {
            policy.allow(action, &objects)
        });
    let server = permissions::limited(policy);
    server.put_with(BUCKET, "tagged", "content", options());
    server.put(BUCKET, "plain", "content");
    server
}

#[test]
fn tags_that_cannot_be_written_again_are_not_lost() {
    let bucket = Bucket::mount(limited(&["s3:GetObjectTagging"]), as_limited);
    let renamed = fs::rename(bucket.at("tagged"), bucket.at("other"));
    assert_eq!(errno(renamed), Errno::EACCES);
    let file = File::options().append(true).open(bucket.at("tagged"));
    let mut file = file.unwrap();
    file.write_all(b"more").unwrap();
    assert_eq!(errno(file.sync_all()), Errno::EACCES);
    drop(file);
    let failures = bucket.finish();
    assert!(
        format!("{failures:?}").contains("s3:PutObjectTagging"),
        "{failures:?}"
    );
    assert_eq!(properties(&bucket.server, "tagged"), expected());
    fs::rename(bucket.at("plain"), bucket.at("other")).unwrap();
}

#[test]
fn tags_that_cannot_be_seen_are_asked_for_once() {
    let bucket = Bucket::mount(limited(&[]), as_limited);
    for _ in 0..3 {
        for name in ["tagged", "plain"] {
            let mut file = File::options().append(true).open(bucket.at(name)).unwrap();
            file.write_all(b"more").unwrap();
        }
    }
    assert!(bucket.finish().is_empty());
    assert_eq!(bucket.server.log().count(Operation::GetObjectTagging), 1);
}

/// Waits until what the mount knows of an object is no longer used without another request.
fn age() {
    thread::sleep(Duration::from_millis(1100));
}

#[test]
fn tags_and_class_that_others_set_later_stay() {
    let bucket = empty();
    let server = || &bucket.server;
    fs::write(bucket.at("f"), "x").unwrap();
    bucket.finish();
    let append = |name: &str| {
        age();
        let mut file = File::options().append(true).open(bucket.at(name)).unwrap();
        file.write_all(b"more").unwrap();
        drop(file);
        bucket.finish();
    };
    for value in ["1", "2"] {
        server().set_tags(BUCKET, "f", &[("scanned", value)]);
        append("f");
        let tags = server().tags(BUCKET, "f").unwrap();
        assert_eq!(tags, [("scanned".to_owned(), value.to_owned())]);
    }
    let class = |name: &str| {
        bucket.finish();
        server().storage_class(BUCKET, name)
    };
    server().transition(BUCKET, "f", "GLACIER_IR");
    age();
    fs::set_permissions(bucket.at("f"), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(class("f").as_deref(), Some("GLACIER_IR"));
    server().transition(BUCKET, "f", "STANDARD_IA");
    age();
    fs::rename(bucket.at("f"), bucket.at("g")).unwrap();
    assert_eq!(class("g").as_deref(), Some("STANDARD_IA"));
    server().transition(BUCKET, "g", "ONEZONE_IA");
    append("g");
    assert_eq!(class("g").as_deref(), Some("ONEZONE_IA"));
}

#[test]
fn a_class_that_the_server_shows_and_refuses_keeps_nothing_from_being_written() {
    let server = server();
    server.put_with(BUCKET, "f", "content", options());
    server.put_with(BUCKET, "g", "content", options());
    server.knobs().set_quirk(Quirk::OneClass, true);
    let bucket = Bucket::mount(server, |_| {});
    for name in ["f", "g"] {
        let mut file = File::options().append(true).open(bucket.at(name)).unwrap();
        file.write_all(b" and more").unwrap();
        drop(file);
        fs::set_permissions(bucket.at(name), Permissions::from_mode(0o600)).unwrap();
        assert_eq!(bucket.object(name).unwrap(), b"content and more");
    }
    assert!(bucket.finish().is_empty());
}

#[test]
fn servers_without_tags_get_no_header_about_them() {
    let server = server();
    server.put(BUCKET, "large", noise(9 << 20));
    server.knobs().set_quirk(Quirk::NoTags, true);
    let bucket = Bucket::mount(server, |_| {});
    let from = File::open(bucket.at("large")).unwrap();
    let to = File::create(bucket.at("copy")).unwrap();
    let mut copied = 0;
    while copied < 9 << 20 {
        let length = (9 << 20) - copied;
        copied += rustix::fs::copy_file_range(&from, None, &to, None, length).unwrap();
    }
    drop(to);
    let mut file = File::options()
        .append(true)
        .open(bucket.at("large"))
        .unwrap();
    file.write_all(b"more").unwrap();
    drop(file);
    fs::rename(bucket.at("copy"), bucket.at("other")).unwrap();
    assert!(bucket.finish().is_empty());
    assert!(bucket.object("other").unwrap() == noise(9 << 20));
}

#[test]
fn no_tags_are_requested_of_objects_that_were_stored_just_now() {
    let bucket = empty();
    for name in ["a", "b"] {
        fs::write(bucket.at(name), "x").unwrap();
        bucket.finish();
        fs::write(bucket.at(name), "xy").unwrap();
    }
    bucket.finish();
    assert_eq!(bucket.server.log().count(Operation::GetObjectTagging), 0);
}
