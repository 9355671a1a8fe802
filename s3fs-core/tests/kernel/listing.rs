//! Reading folders.

use std::collections::BTreeSet;
use std::fs;

use s3_local::Operation;

use crate::mounted::{BUCKET, Bucket, errno, server};

#[test]
fn folders_are_the_parts_of_keys_between_slashes() {
    let server = server();
    for key in ["a.txt", "d/1", "d/2", "d/e/f/3", "z"] {
        server.put(BUCKET, key, key.to_owned());
    }
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(bucket.names(""), ["a.txt", "d", "z"]);
    assert_eq!(bucket.names("d"), ["1", "2", "e"]);
    assert_eq!(bucket.names("d/e"), ["f"]);
    assert!(fs::metadata(bucket.at("d/e")).unwrap().is_dir());
    assert_eq!(fs::read_to_string(bucket.at("d/e/f/3")).unwrap(), "d/e/f/3");
    assert_eq!(
        errno(fs::metadata(bucket.at("d/none"))),
        nix::errno::Errno::ENOENT
    );
    assert_eq!(
        errno(fs::metadata(bucket.at("a.txt/x"))),
        nix::errno::Errno::ENOTDIR
    );
    assert_eq!(
        errno(fs::read_dir(bucket.at("a.txt")).map(drop)),
        nix::errno::Errno::ENOTDIR
    );
    assert_eq!(errno(fs::read(bucket.at("d"))), nix::errno::Errno::EISDIR);
}

#[test]
fn a_folder_of_many_pages_is_whole_and_each_name_comes_once() {
    let server = server();
    let mut expected = BTreeSet::new();
    for i in 0..2500 {
        server.put(BUCKET, &format!("many/file-{i:05}"), "x");
        expected.insert(format!("file-{i:05}"));
    }
    for i in 0..1500 {
        server.put(BUCKET, &format!("many/dir-{i:05}/x"), "x");
        expected.insert(format!("dir-{i:05}"));
    }
    let bucket = Bucket::mount(server, |_| {});
    let names = bucket.names("many");
    assert_eq!(names.len(), 4000);
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 7, "{lists} listings for 4 pages and two lookups");
}

#[test]
fn stat_of_every_listed_entry_needs_no_request_of_its_own() {
    let server = server();
    for i in 0..1500 {
        server.put(BUCKET, &format!("many/{i}"), "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    let listed = std::process::Command::new("ls")
        .arg("-l")
        .arg(bucket.at("many"))
        .output();
    assert_eq!(
        String::from_utf8(listed.unwrap().stdout)
            .unwrap()
            .lines()
            .count(),
        1501
    );
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 5, "{lists} listings");
}

#[test]
fn a_prefix_is_the_root_of_its_mount() {
    let server = server();
    for key in ["in/a", "in/b/c", "inner", "out"] {
        server.put(BUCKET, key, key.to_owned());
    }
    let bucket = Bucket::mount(server, |config| {
        config.prefix = s3fs_core::Prefix::new("in/").unwrap();
    });
    assert_eq!(bucket.names(""), ["a", "b"]);
    assert_eq!(fs::read_to_string(bucket.at("b/c")).unwrap(), "in/b/c");
    fs::write(bucket.at("b/new"), "new").unwrap();
    assert_eq!(bucket.object("in/b/new").unwrap(), b"new");
}

#[test]
fn what_others_write_is_seen_within_the_second() {
    let bucket = Bucket::mount(server(), |_| {});
    assert!(bucket.names("").is_empty());
    bucket.server.put(BUCKET, "theirs", "1");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(fs::read_to_string(bucket.at("theirs")).unwrap(), "1");
    assert_eq!(bucket.names(""), ["theirs"]);
    bucket.server.delete(BUCKET, "theirs");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(!bucket.at("theirs").exists());
    assert!(bucket.names("").is_empty());
}

#[test]
fn a_folder_can_be_read_again_from_the_beginning_and_from_the_middle() {
    let server = server();
    for i in 0..3000 {
        server.put(BUCKET, &format!("many/{i:04}"), "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    let mut dir = nix::dir::Dir::open(
        &bucket.at("many"),
        nix::fcntl::OFlag::O_RDONLY,
        nix::sys::stat::Mode::empty(),
    )
    .unwrap();
    let first: Vec<_> = dir
        .iter()
        .map(|e| e.unwrap().file_name().to_owned())
        .collect();
    assert_eq!(first.len(), 3002);
    // `Dir::iter` rewinds when it is dropped.
    bucket.server.put(BUCKET, "many/late", "x");
    let second: Vec<_> = dir
        .iter()
        .map(|e| e.unwrap().file_name().to_owned())
        .collect();
    assert_eq!(second.len(), 3003);
}

/// Collects all names below a folder, by opening one folder after another.
fn walk(folder: &std::path::Path, found: &mut BTreeSet<String>) {
    let mut folders = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            folders.insert(entry.path());
        } else {
            let path = entry.path().to_str().unwrap().to_owned();
            assert!(found.insert(path.clone()), "{path} twice");
        }
    }
    for folder in folders {
        walk(&folder, found);
    }
}

#[test]
fn a_walk_through_a_tree_takes_a_request_for_many_folders() {
    let server = server();
    let mut keys = BTreeSet::new();
    for folder in 0..300 {
        for file in 0..4 {
            keys.insert(format!("tree/{:02}/{folder:03}/{file}", folder % 20));
        }
    }
    // What a folder hides, an empty folder, and one that no page has room for.
    keys.insert("tree/03/003".to_owned());
    keys.insert("tree/05/empty/".to_owned());
    keys.extend((0..2500).map(|n| format!("tree/07/large/{n:04}")));
    for key in &keys {
        server.put(BUCKET, key, "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    let mut found = BTreeSet::new();
    walk(&bucket.at("tree"), &mut found);
    let visible = |key: &&String| !key.ends_with('/') && *key != "tree/03/003";
    let expected = keys.iter().filter(visible);
    let expected: BTreeSet<_> = expected
        .map(|key| bucket.at(key).to_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, expected);
    assert!(bucket.at("tree/05/empty").is_dir());
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 40, "{lists} listings for 322 folders");
}

#[test]
fn a_walk_finds_folders_that_stand_among_pages_of_files() {
    let server = server();
    let folders = ["a/1", "b/1", "c/1", "z/1"].map(|key| format!("tree/{key}"));
    let files = (1000..2500).map(|n| format!("tree/f{n}"));
    let keys: BTreeSet<_> = folders.into_iter().chain(files).collect();
    for key in &keys {
        server.put(BUCKET, key, "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    let mut found = BTreeSet::new();
    walk(&bucket.at("tree"), &mut found);
    let expected = keys.iter().map(|key| bucket.at(key));
    let expected = expected.map(|path| path.to_str().unwrap().to_owned());
    assert_eq!(found, expected.collect());
}

#[test]
fn a_walk_shows_what_was_made_and_deleted_on_the_way() {
    let server = server();
    for folder in 0..40 {
        server.put(BUCKET, &format!("tree/{folder:02}/file"), "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    for folder in 0..40 {
        let names = bucket.names(&format!("tree/{folder:02}"));
        let expected: &[&str] = match folder {
            // Made while the folder before it was read.
            20..30 => &["file", "made"],
            30.. => &["made"],
            _ => &["file"],
        };
        assert_eq!(names, expected, "{folder}");
        let next = format!("tree/{:02}", folder + 1);
        if (19..39).contains(&folder) {
            fs::write(bucket.at(&next).join("made"), "y").unwrap();
        }
        if (29..39).contains(&folder) {
            fs::remove_file(bucket.at(&next).join("file")).unwrap();
        }
    }
}

#[test]
fn names_that_are_asked_for_in_a_row_come_with_their_neighbours() {
    let server = server();
    for n in 0..1200 {
        server.put(BUCKET, &format!("many/{n:04}"), "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    for n in 0..1200 {
        fs::metadata(bucket.at(&format!("many/{n:04}"))).unwrap();
    }
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 30, "{lists} listings");
}
