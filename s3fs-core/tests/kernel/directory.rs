//! Mounts of directory buckets (S3 Express One Zone), on a server with their rules.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use s3_local::{Fault, Injection, Operation, Quirk, Server};
use s3fs_core::{Access, Freshness};
use stub_test_support::{eventually, noise, served};

use crate::mounted::{BUCKET, Bucket, DIRECTORY, SOON, config, directory, errno};
use crate::vendors::{expect_found, tree_of_keys, use_bucket};

/// Time between the effect of a request and its answer: a reader is refused in it.
const LATENCY: Duration = Duration::from_millis(300);

fn server() -> Server {
    served(DIRECTORY, &[])
}

fn mount(server: impl Into<Arc<Server>>) -> Bucket {
    Bucket::mount(server, directory)
}

#[test]
fn nothing_vanishes_where_keys_are_listed_in_no_order() {
    let server = server();
    let keys = tree_of_keys();
    for key in &keys {
        server.put(DIRECTORY, key, "x");
    }
    let bucket = mount(server);
    // Names that are not there in a row make the folder's names be asked for by the page.
    for name in ["none", "none-1", "none-2", "sub-", "su"] {
        fs::metadata(bucket.at(&format!("tree/{name}"))).unwrap_err();
    }
    expect_found(&bucket, &keys);
    fs::remove_dir_all(bucket.at("tree")).unwrap();
    assert_eq!(bucket.keys(), Vec::<String>::new());
    let requests = bucket.server.log().requests();
    let refused = requests
        .iter()
        .filter(|it| !matches!(it.status, Some(200..300 | 404)));
    assert_eq!(refused.count(), 0, "no request breaks their rules");
}

#[test]
fn a_page_of_a_folder_says_nothing_of_names_that_it_lacks() {
    let server = server();
    let names: Vec<_> = (0..1500).map(|n| format!("d/{n:04}")).collect();
    for name in &names {
        server.put(DIRECTORY, name, "x");
    }
    let bucket = mount(server);
    for name in names.iter().step_by(25) {
        // Names that are missing in a row have the next one asked for with a page of the folder.
        for end in ["-", "+", "~"] {
            fs::metadata(bucket.at(&format!("{name}{end}"))).unwrap_err();
        }
        fs::metadata(bucket.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn names_are_found_where_others_begin_alike() {
    let server = server();
    for key in ["a", "a-1", "a.txt", "ab/x", "d", "d/x", "e/"] {
        server.put(DIRECTORY, key, key.to_owned());
    }
    let bucket = mount(server);
    let is_dir = |name: &str| fs::metadata(bucket.at(name)).unwrap().is_dir();
    assert!(!is_dir("a") && is_dir("ab") && is_dir("d") && is_dir("e"));
    for name in ["a-", "b", "ab/y", "d/x/y", "e/x"] {
        fs::metadata(bucket.at(name)).unwrap_err();
    }
    assert_eq!(fs::read(bucket.at("a")).unwrap(), b"a");
    let entries = fs::read_dir(bucket.path()).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a", "a-1", "a.txt", "ab", "d", "e"]);
}

#[test]
fn all_of_a_bucket_is_used() {
    let bucket = mount(server());
    use_bucket(&bucket);
    fs::remove_file(bucket.at("renamed")).unwrap();
    fs::remove_dir_all(bucket.at("e")).unwrap();
    assert_eq!(bucket.keys(), ["small"]);
    let requests = bucket.server.log().requests();
    let tried: Vec<_> = requests
        .iter()
        .filter(|it| matches!(it.status, Some(400 | 403 | 501)))
        .map(|it| it.operation)
        .collect();
    assert_eq!(tried, [], "no request breaks their rules");
}

#[test]
fn a_file_is_renamed_in_one_step() {
    let server = server();
    server.put(DIRECTORY, "from ü", "bytes");
    server.put(DIRECTORY, "other", "replaced");
    let bucket = mount(server);
    let open = File::open(bucket.at("from ü")).unwrap();
    fs::rename(bucket.at("from ü"), bucket.at("to")).unwrap();
    fs::rename(bucket.at("to"), bucket.at("other")).unwrap();
    fs::metadata(bucket.at("from ü")).unwrap_err();
    assert_eq!(fs::read(bucket.at("other")).unwrap(), b"bytes");
    assert_eq!(std::io::read_to_string(open).unwrap(), "bytes");
    assert_eq!(bucket.keys(), ["other"]);
    let log = bucket.server.log();
    assert_eq!(log.count(Operation::RenameObject), 2);
    assert_eq!(log.count(Operation::CopyObject), 0);
    assert_eq!(log.count(Operation::DeleteObject), 0);
}

#[test]
fn a_rename_whose_answer_is_lost_is_one_rename() {
    let server = server();
    server.put(DIRECTORY, "from", "bytes");
    let bucket = mount(server);
    let lost = Injection::new(Operation::RenameObject, Fault::CarryOutAndReset);
    bucket.server.knobs().inject(lost);
    fs::rename(bucket.at("from"), bucket.at("to")).unwrap();
    assert_eq!(fs::read(bucket.at("to")).unwrap(), b"bytes");
    assert_eq!(bucket.keys(), ["to"]);
    assert_eq!(bucket.server.log().count(Operation::RenameObject), 2);
}

#[test]
fn a_version_that_was_replaced_is_not_renamed() {
    let server = server();
    server.put(DIRECTORY, "from", "bytes");
    let bucket = mount(server);
    fs::metadata(bucket.at("from")).unwrap();
    bucket.server.put(DIRECTORY, "from", "of another client");
    let renamed = fs::rename(bucket.at("from"), bucket.at("to"));
    assert_eq!(errno(renamed), Errno::ESTALE);
    assert_eq!(bucket.object("from").unwrap(), b"of another client");
    assert_eq!(bucket.keys(), ["from"]);
}

#[test]
fn a_session_that_ends_in_the_middle_of_a_job_is_followed_by_another() {
    let bucket = mount(server());
    let mut file = File::create(bucket.at("large")).unwrap();
    let bytes = noise(8 << 20);
    for _ in 0..5 {
        file.write_all(&bytes).unwrap();
        bucket.server.end_sessions();
        fs::write(bucket.at("small"), "bytes").unwrap();
        assert_eq!(fs::read(bucket.at("small")).unwrap(), b"bytes");
    }
    drop(file);
    bucket.server.end_sessions();
    assert!(bucket.finish().is_empty());
    bucket.server.end_sessions();
    fs::rename(bucket.at("large"), bucket.at("renamed")).unwrap();
    bucket.server.end_sessions();
    assert_eq!(fs::read_dir(bucket.path()).unwrap().count(), 2);
    assert!(bucket.object("renamed").unwrap() == bytes.repeat(5));
    assert!(bucket.server.log().count(Operation::CreateSession) > 3);
}

#[test]
fn a_read_only_mount_has_a_session_that_only_reads() {
    let server = server();
    server.put(DIRECTORY, "file", "bytes");
    let bucket = Bucket::mount(server, |config| {
        directory(config);
        config.access = Access::ReadOnly;
    });
    assert_eq!(fs::read(bucket.at("file")).unwrap(), b"bytes");
    assert_eq!(errno(fs::write(bucket.at("new"), "")), Errno::EROFS);
    let requests = bucket.server.log().requests();
    let mut modes = requests.iter().filter_map(|request| {
        let mode = request.headers.get("x-amz-create-session-mode");
        mode.map(String::as_str)
    });
    assert!(modes.all(|mode| mode == "ReadOnly"));
}

#[test]
fn settings_that_a_directory_bucket_has_not_are_refused_before_the_job() {
    let server = server();
    let refusal = |change: fn(&mut s3fs_core::MountConfig)| {
        let mut config = config(&server);
        directory(&mut config);
        change(&mut config);
        crate::connecting::refusal(config)
    };
    let tags = refusal(|config| drop(config.uploads.tags.insert("a".into(), "b".into())));
    assert!(
        tags.contains("objects of directory buckets have no tags"),
        "{tags}"
    );
    assert!(tags.ends_with("\nleave out the tags"), "{tags}");
    let class = refusal(|config| config.uploads.storage_class = Some("STANDARD_IA".into()));
    assert!(class.contains("EXPRESS_ONEZONE"), "{class}");
    assert!(server.log().requests().is_empty());
}

#[test]
fn a_session_that_is_denied_is_an_error_that_names_the_permission() {
    let policy = s3_local::Policy::read_write(DIRECTORY);
    let server = s3_local::S3Local::builder()
        .access_key("key", "secret", policy)
        .start();
    server.create_bucket(DIRECTORY);
    let mut config = config(&server);
    directory(&mut config);
    config.credentials = s3fs_core::Credentials::Static {
        access_key_id: "key".into(),
        secret_access_key: "secret".into(),
        session_token: None,
    };
    let text = crate::connecting::refusal(config);
    assert!(text.contains("`s3express:CreateSession`"), "{text}");
}

#[test]
fn an_empty_page_does_not_make_a_folder_empty() {
    for (name, change) in [
        (DIRECTORY, directory as fn(&mut s3fs_core::MountConfig)),
        (BUCKET, |_| {}),
    ] {
        let server = served(name, &[]);
        for key in ["full/", "full/x", "left/x", "left/y", "none/"] {
            server.put(name, key, "");
        }
        let bucket = Bucket::mount(server, change);
        bucket.server.knobs().set_quirk(Quirk::ShortPages, true);
        let removed = fs::remove_dir(bucket.at("full"));
        assert_eq!(errno(removed), Errno::ENOTEMPTY);
        let replaced = fs::rename(bucket.at("none"), bucket.at("full"));
        assert_eq!(errno(replaced), Errno::ENOTEMPTY);
        fs::remove_file(bucket.at("left/x")).unwrap();
        assert_eq!(bucket.keys(), ["full/", "full/x", "left/y", "none/"]);
        fs::remove_dir(bucket.at("none")).unwrap();
        assert_eq!(bucket.keys(), ["full/", "full/x", "left/y"]);
    }
}

#[test]
fn a_rename_that_may_replace_nothing_leaves_an_object_of_another_client() {
    let kept = Access::ReadWrite {
        delete: true,
        overwrite: false,
    };
    for (access, flags) in [
        (Access::default(), RenameFlags::NOREPLACE),
        (kept, RenameFlags::empty()),
    ] {
        let server = server();
        server.put(DIRECTORY, "from", "ours");
        let bucket = Bucket::mount(server, |config| {
            directory(config);
            config.access = access;
            config.freshness = Freshness::Immutable;
        });
        fs::metadata(bucket.at("to")).unwrap_err();
        bucket.server.put(DIRECTORY, "to", "theirs");
        let renamed = renameat_with(CWD, bucket.at("from"), CWD, bucket.at("to"), flags);
        assert_eq!(renamed, Err(rustix::io::Errno::EXIST));
        assert_eq!(bucket.object("to").unwrap(), b"theirs");
        assert_eq!(bucket.object("from").unwrap(), b"ours");
        fs::rename(bucket.at("from"), bucket.at("free")).unwrap();
        assert_eq!(bucket.keys(), ["free", "to"]);
    }
}

#[test]
fn an_unfinished_upload_hides_no_file() {
    let writing = mount(server());
    fs::create_dir_all(writing.at("d/f/x")).unwrap();
    let mut part = File::create(writing.at("d/f/x/part")).unwrap();
    part.write_all(&noise(20 << 20)).unwrap();
    let server = Arc::clone(&writing.server);
    assert_eq!(server.incomplete_uploads(DIRECTORY), ["d/f/x/part"]);
    // Folders are stored in the background.
    for folder in ["d/f/", "d/f/x/"] {
        eventually("the folder is stored", || {
            server.delete(DIRECTORY, folder).then_some(())
        });
    }
    server.put(DIRECTORY, "d/f", "bytes");
    let reading = mount(server);
    assert_eq!(fs::read(reading.at("d/f")).unwrap(), b"bytes");
    drop(part);
}

#[test]
fn a_rename_without_an_answer_does_not_make_its_target_ours() {
    let server = server();
    server.put(DIRECTORY, "from", "ours");
    server.put(DIRECTORY, "to", "old");
    let bucket = Bucket::mount(server, |config| {
        directory(config);
        config.retry_timeout = SOON;
    });
    let lost = Injection::new(Operation::RenameObject, Fault::ResetConnection);
    bucket.server.knobs().inject(lost.times(1000));
    fs::rename(bucket.at("from"), bucket.at("to")).unwrap_err();
    bucket.server.knobs().reset();
    assert!(bucket.server.delete(DIRECTORY, "to"));
    let created = || File::create_new(bucket.at("to")).ok();
    let mut file = eventually("the deletion is seen", created);
    bucket.server.put(DIRECTORY, "to", "theirs");
    file.write_all(b"ours").unwrap();
    assert!(file.sync_all().is_err());
    drop(file);
    assert_eq!(bucket.object("to").unwrap(), b"theirs");
}

#[test]
fn an_open_file_is_read_while_it_is_renamed() {
    let server = server();
    let bytes = noise(64 << 20);
    server.put(DIRECTORY, "from", bytes.clone());
    let bucket = Bucket::mount(server, |config| {
        directory(config);
        config.retry_timeout = Duration::from_secs(3);
    });
    let file = File::open(bucket.at("from")).unwrap();
    // The new key is asked for after the object has it, and before readers are told.
    let hang = Injection::new(Operation::HeadObject, Fault::Hang).on_key("to");
    bucket.server.knobs().inject(hang);
    let part = |offset: usize| {
        let mut part = vec![0; 4096];
        file.read_exact_at(&mut part, offset as u64).unwrap();
        assert!(part == bytes[offset..][..part.len()]);
    };
    thread::scope(|scope| {
        let to = bucket.at("to");
        let opened = bucket.at("from");
        let renaming = scope.spawn(move || fs::rename(opened, to));
        let is_renamed = || bucket.server.keys(DIRECTORY) == ["to"];
        eventually("the server has renamed", is_renamed);
        part(60 << 20);
        renaming.join().unwrap().unwrap();
    });
    part(40 << 20);
    assert!(fs::read(bucket.at("to")).unwrap() == bytes);
}

#[test]
fn an_object_that_replaces_a_renamed_one_at_once_is_not_taken_for_it() {
    let server = server();
    server.put(DIRECTORY, "from", "ours");
    let bucket = mount(server);
    let file = File::open(bucket.at("from")).unwrap();
    bucket.server.knobs().set_latency(LATENCY);
    thread::scope(|scope| {
        let renaming = scope.spawn(|| fs::rename(bucket.at("from"), bucket.at("to")));
        let is_renamed = || bucket.server.keys(DIRECTORY) == ["to"];
        eventually("the server has renamed", is_renamed);
        bucket.server.put(DIRECTORY, "to", "theirs, and longer");
        renaming.join().unwrap().unwrap();
    });
    bucket.server.knobs().reset();
    let mut start = [0; 4];
    match file.read_exact_at(&mut start, 0) {
        Ok(()) => assert_eq!(&start, b"ours"),
        Err(error) => assert_eq!(errno::<()>(Err(error)), Errno::ESTALE),
    }
}
