//! Mounts on servers that differ from S3 like those of other vendors.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::Arc;

use nix::errno::Errno;
use s3_local::{Operation, PutOptions, Quirk, Server};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, errno, find, server};

/// Starts a server with some quirks.
fn odd(quirks: &[Quirk]) -> Server {
    let server = server();
    for quirk in quirks {
        server.knobs().set_quirk(*quirk, true);
    }
    server
}

/// Returns keys below `tree` whose order depends on whether a listing compares whole keys.
pub(crate) fn tree_of_keys() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for n in 1000..2300 {
        keys.insert(format!("tree/sub-{n}"));
    }
    for n in 0..30 {
        keys.extend([
            format!("tree/sub/{n:02}"),
            format!("tree/sub/{n:02}-1/x"),
            format!("tree/z{n:02}/x/y"),
            format!("tree/z{n:02}/x-1"),
        ]);
    }
    keys
}

/// Fails unless each key of a tree is found by its name, and once in each listing.
pub(crate) fn expect_found(bucket: &Bucket, keys: &BTreeSet<String>) {
    for key in keys.iter().rev() {
        fs::metadata(bucket.at(key)).unwrap_or_else(|error| panic!("{key}: {error}"));
    }
    let expected: BTreeSet<_> = keys.iter().map(|key| bucket.at(key)).collect();
    for _ in 0..2 {
        let mut found = Vec::new();
        find(&bucket.at("tree"), &mut found);
        let names: BTreeSet<_> = found.iter().map(Into::into).collect();
        assert_eq!(names, expected);
        assert_eq!(found.len(), expected.len(), "each comes once");
    }
}

#[test]
fn nothing_vanishes_where_keys_are_listed_as_a_walk_meets_them() {
    let server = odd(&[Quirk::TreeOrder]);
    let keys = tree_of_keys();
    for key in &keys {
        server.put(BUCKET, key, "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    // Names that are not there in a row make the folder's names be asked for by the page.
    for name in ["none", "none-1", "none-2"] {
        fs::metadata(bucket.at(&format!("tree/{name}"))).unwrap_err();
    }
    fs::metadata(bucket.at("tree/sub-2299")).unwrap();
    expect_found(&bucket, &keys);
}

/// Mounts a bucket and uses all of it.
fn use_all(server: Server) -> Bucket {
    let bucket = Bucket::mount(server, |_| {});
    use_bucket(&bucket);
    bucket
}

/// Changes small and large files and folders, and checks the content of the bucket.
pub(crate) fn use_bucket(bucket: &Bucket) {
    let large = noise(20 << 20);
    // As `cp`, `tar` and `git` do.
    let new = |name: &str| File::create_new(bucket.at(name)).unwrap();
    new("small").write_all(b"small").unwrap();
    new("large").write_all(&large).unwrap();
    fs::create_dir(bucket.at("d")).unwrap();
    new("d/large").write_all(&large).unwrap();
    bucket.finish();
    // Copies by the server: of a part, onto itself, to another key.
    let mut appended = File::options()
        .append(true)
        .open(bucket.at("large"))
        .unwrap();
    appended.write_all(b"more").unwrap();
    drop(appended);
    bucket.finish();
    fs::set_permissions(bucket.at("large"), Permissions::from_mode(0o751)).unwrap();
    fs::rename(bucket.at("large"), bucket.at("renamed")).unwrap();
    fs::create_dir(bucket.at("d/empty")).unwrap();
    bucket.finish();
    fs::rename(bucket.at("d"), bucket.at("e")).unwrap();
    assert!(bucket.finish().is_empty());
    let expected = ["e/", "e/empty/", "e/large", "renamed", "small"];
    assert_eq!(bucket.keys(), expected);
    assert_eq!(bucket.object("small").unwrap(), b"small");
    assert!(bucket.object("e/large").unwrap() == large);
    assert!(bucket.object("renamed").unwrap() == [&large[..], b"more"].concat());
    let mode = bucket.server.metadata(&bucket.name, "renamed").unwrap();
    assert!(
        mode.contains(&("mode".into(), "0100751".into())),
        "{mode:?}"
    );
    assert!(bucket.server.incomplete_uploads(&bucket.name).is_empty());
}

#[test]
fn requests_without_a_body_say_so() {
    let bucket = use_all(odd(&[Quirk::LengthRequired]));
    let requests = bucket.server.log().requests();
    assert!(requests.iter().all(|request| request.status != Some(411)));
}

#[test]
fn a_copy_condition_that_compares_another_hash_is_checked_here() {
    let bucket = use_all(odd(&[Quirk::CopyConditionOfParts]));
    let requests = bucket.server.log().requests();
    let refused = requests.iter().filter(|it| it.status == Some(412));
    // Whether conditions are heeded, and whether they compare what they should.
    assert_eq!(refused.count(), 2, "each is tried once");
}

#[test]
fn copies_are_checked_where_their_condition_is_ignored() {
    use_all(odd(&[Quirk::UncheckedCopies]));
    let server = odd(&[Quirk::UncheckedCopies]);
    server.put(BUCKET, "f", noise(20 << 20));
    let bucket = Bucket::mount(server, |_| {});
    let mut file = File::options().append(true).open(bucket.at("f")).unwrap();
    file.write_all(b"more").unwrap();
    bucket.server.put(BUCKET, "f", noise(24 << 20));
    file.sync_all().unwrap_err();
    drop(file);
    assert_eq!(bucket.finish().len(), 1);
    let there = bucket.server.get(BUCKET, "f").unwrap();
    assert!(there == noise(24 << 20), "bytes of two versions never meet");
}

#[test]
fn a_large_file_is_read_after_its_mode_was_changed() {
    for quirk in [Quirk::UncheckedCopies, Quirk::CopyConditionOfParts] {
        let (server, large) = (Arc::new(odd(&[quirk])), noise(20 << 20));
        let writing = Bucket::mount(Arc::clone(&server), |_| {});
        fs::write(writing.at("f"), &large).unwrap();
        assert!(writing.finish().is_empty());
        drop(writing);
        let before = server.etag(BUCKET, "f");
        let bucket = Bucket::mount(server, |_| {});
        // By a handle: of a path, the kernel asks once more after `ESTALE`.
        let file = File::open(bucket.at("f")).unwrap();
        file.set_permissions(Permissions::from_mode(0o751)).unwrap();
        let lost = bucket.finish();
        assert!(lost.is_empty(), "{quirk:?}: {lost:?}");
        assert_ne!(bucket.server.etag(BUCKET, "f"), before, "another tag");
        assert!(fs::read(bucket.at("f")).unwrap() == large, "{quirk:?}");
        let mut end = [0; 9];
        file.read_exact_at(&mut end, large.len() as u64 - 9)
            .unwrap();
        assert_eq!(end, large[large.len() - 9..]);
        let mode = fs::metadata(bucket.at("f")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o751, "{quirk:?}");
        assert_eq!(bucket.keys(), ["f"]);
        assert_eq!(bucket.server.log().count(Operation::DeleteObject), 0);
    }
}

#[test]
fn files_are_new_also_where_no_condition_is_taken() {
    let bucket = use_all(odd(&[Quirk::NoConditionalWrites]));
    let server = Arc::clone(&bucket.server);
    // One that another client makes while it is open.
    for (name, size) in [("race", 5), ("large-race", 20 << 20)] {
        let mut file = File::create_new(bucket.at(name)).unwrap();
        file.write_all(&noise(size)).unwrap();
        server.put(BUCKET, name, "theirs");
        assert_eq!(errno(file.sync_all()), Errno::EEXIST);
        drop(file);
    }
    let lost = bucket.finish();
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert_eq!(server.get(BUCKET, "race").unwrap(), "theirs");
    assert_eq!(server.get(BUCKET, "large-race").unwrap(), "theirs");
}

#[test]
fn a_large_new_file_is_new_also_where_completion_ignores_conditions() {
    let bucket = Bucket::mount(odd(&[Quirk::UncheckedCompletion]), |_| {});
    let mut file = File::create_new(bucket.at("f")).unwrap();
    file.write_all(&noise(20 << 20)).unwrap();
    bucket.server.put(BUCKET, "f", "theirs");
    assert_eq!(errno(file.sync_all()), Errno::EEXIST);
    drop(file);
    assert_eq!(bucket.finish().len(), 1);
    assert_eq!(bucket.server.get(BUCKET, "f").unwrap(), "theirs");
}

#[test]
fn folders_are_renamed_where_their_objects_cannot_be_copied() {
    use_all(odd(&[Quirk::NoMarkerCopies]));
}

#[test]
fn a_server_without_folders_is_read_and_mkdir_says_why_not() {
    let server = odd(&[Quirk::NoMarkers]);
    server.put(BUCKET, "d/file", "x");
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(fs::read(bucket.at("d/file")).unwrap(), b"x");
    fs::write(bucket.at("d/new"), "y").unwrap();
    for _ in 0..2 {
        let made = fs::create_dir(bucket.at("none"));
        assert_eq!(errno(made), Errno::EOPNOTSUPP);
        assert!(!bucket.at("none").exists());
    }
    fs::remove_file(bucket.at("d/file")).unwrap();
    fs::remove_file(bucket.at("d/new")).unwrap();
    assert!(bucket.finish().is_empty());
    assert!(bucket.keys().is_empty());
}

#[test]
fn a_refused_folder_is_named_and_others_can_still_be_made() {
    let bucket = Bucket::mount(server(), |_| {});
    fs::create_dir(bucket.at("a")).unwrap();
    bucket.server.knobs().set_quirk(Quirk::NoMarkers, true);
    // It is stored later, as folders have been taken before.
    fs::create_dir(bucket.at("b")).unwrap();
    let lost = bucket.finish();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].object.ends_with("/b/"), "{lost:?}");
    bucket.server.knobs().reset();
    fs::create_dir(bucket.at("c")).unwrap();
    assert!(bucket.finish().is_empty());
    assert_eq!(bucket.keys(), ["a/", "b/", "c/"]);
}

#[test]
fn a_folder_that_goes_with_its_last_file_is_named() {
    let server = odd(&[Quirk::NoMarkers]);
    server.put(BUCKET, "d/file", "x");
    let bucket = Bucket::mount(server, |_| {});
    fs::remove_file(bucket.at("d/file")).unwrap();
    let lost = bucket.finish();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].object.ends_with("/d/"), "{lost:?}");
    assert!(bucket.keys().is_empty());
}

#[test]
fn an_exceeded_quota_is_edquot() {
    let bucket = Bucket::mount(odd(&[Quirk::QuotaExceeded]), |_| {});
    let mut file = File::create(bucket.at("f")).unwrap();
    file.write_all(b"x").unwrap();
    assert_eq!(errno(file.sync_all()), Errno::EDQUOT);
    drop(file);
    bucket.server.knobs().reset();
    assert!(bucket.finish().is_empty());
}

#[test]
fn the_version_of_what_was_stored_is_asked_for_where_no_answer_says_it() {
    let bucket = Bucket::mount(odd(&[Quirk::NoTagOfWrites]), |_| {});
    let content = noise(12 << 20);
    fs::write(bucket.at("large"), &content).unwrap();
    fs::write(bucket.at("small"), "small").unwrap();
    assert!(bucket.finish().is_empty());

    // Stored in parts, copied, and in one piece: each is read and changed by its version.
    let large = File::options()
        .read(true)
        .write(true)
        .open(bucket.at("large"))
        .unwrap();
    large.write_all_at(b"changed", 6 << 20).unwrap();
    large.sync_all().unwrap();
    fs::set_permissions(bucket.at("small"), Permissions::from_mode(0o600)).unwrap();
    fs::rename(bucket.at("small"), bucket.at("moved")).unwrap();
    assert!(bucket.finish().is_empty());
    let mut moved = File::options()
        .append(true)
        .open(bucket.at("moved"))
        .unwrap();
    moved.write_all(b" and more").unwrap();
    drop((large, moved));

    let mut changed = content;
    changed[6 << 20..][..7].copy_from_slice(b"changed");
    assert!(bucket.object("large").unwrap() == changed);
    assert_eq!(bucket.object("moved").unwrap(), b"small and more");
}

/// Counts the responses with a status.
fn answered(server: &Server, status: u16) -> usize {
    let requests = server.log().requests();
    let refused = requests.iter().filter(|it| it.status == Some(status));
    refused.count()
}

#[test]
fn a_refusal_that_repeats_itself_is_learned_once() {
    for (quirk, status) in [
        (Quirk::NoConditionalWrites, 501),
        (Quirk::UnknownConditions, 400),
        (Quirk::DigestRequired, 400),
    ] {
        let bucket = use_all(odd(&[quirk]));
        let before = answered(&bucket.server, status);
        assert!(before > 0, "{quirk:?}");
        for (name, size) in [("one", 5), ("two", 20 << 20), ("three", 20 << 20)] {
            let mut file = File::create_new(bucket.at(name)).unwrap();
            file.write_all(&noise(size)).unwrap();
            drop(file);
            assert!(bucket.finish().is_empty());
            assert!(bucket.object(name).unwrap() == noise(size), "{quirk:?}");
        }
        assert_eq!(answered(&bucket.server, status), before, "{quirk:?}");
    }
}

#[test]
fn files_are_new_also_where_conditions_are_an_error() {
    let bucket = Bucket::mount(odd(&[Quirk::UnknownConditions]), |_| {});
    for (name, size) in [("race", 5), ("large-race", 20 << 20)] {
        let mut file = File::create_new(bucket.at(name)).unwrap();
        file.write_all(&noise(size)).unwrap();
        bucket.server.put(BUCKET, name, "theirs");
        assert_eq!(errno(file.sync_all()), Errno::EEXIST);
        drop(file);
        assert_eq!(bucket.server.get(BUCKET, name).unwrap(), "theirs");
    }
    assert_eq!(bucket.finish().len(), 2);
}

#[test]
fn archived_objects_are_shown_and_say_that_they_have_no_data() {
    let server = server();
    let size = 20 << 20;
    for (name, class) in [("cold", "GLACIER"), ("deep", "DEEP_ARCHIVE")] {
        let class = PutOptions::new().storage_class(class);
        server.put_with(BUCKET, name, noise(size), class);
    }
    let bucket = Bucket::mount(server, |_| {});
    for name in ["cold", "deep"] {
        let at = bucket.at(name);
        assert_eq!(fs::metadata(&at).unwrap().len(), size as u64);
        assert_eq!(errno(fs::read(&at)), Errno::ENODATA, "{name}");
        let renamed = fs::rename(&at, bucket.at("renamed"));
        assert_eq!(errno(renamed), Errno::ENODATA, "{name}");
    }
    let mut appended = File::options()
        .append(true)
        .open(bucket.at("cold"))
        .unwrap();
    appended.write_all(b"more").unwrap();
    assert_eq!(errno(appended.sync_all()), Errno::ENODATA);
    drop(appended);
    let lost = bucket.finish();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].reason.contains("archived in GLACIER"), "{lost:?}");
    assert_eq!(bucket.keys(), ["cold", "deep"]);
    fs::remove_file(bucket.at("deep")).unwrap();
    assert_eq!(bucket.keys(), ["cold"]);
}
