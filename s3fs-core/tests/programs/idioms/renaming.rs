//! Renaming of files.

use std::fs;

use rustix::fs::RenameFlags;
use rustix::io::Errno;
use stub_test_support::noise;

use super::{MIB, errno, rename, there};
use crate::place::Place;

#[test]
fn a_file_gets_another_name() {
    let place = Place::new();
    fs::write(place.at("old"), "content").unwrap();
    fs::rename(place.at("old"), place.at("new")).unwrap();
    assert!(!there(&place.at("old")));
    assert_eq!(fs::read(place.at("new")).unwrap(), b"content");
    assert_eq!(place.object("new").unwrap(), b"content");
    assert_eq!(place.object("old"), None);
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("new")).unwrap(), b"content");
}

#[test]
fn a_file_moves_to_another_folder_and_back() {
    let place = Place::new();
    fs::create_dir_all(place.at("a/b")).unwrap();
    fs::create_dir(place.at("c")).unwrap();
    fs::write(place.at("a/b/file"), "content").unwrap();
    fs::rename(place.at("a/b/file"), place.at("c/file")).unwrap();
    assert_eq!(fs::read(place.at("c/file")).unwrap(), b"content");
    assert!(!there(&place.at("a/b/file")));
    fs::rename(place.at("c/file"), place.at("a/b/file")).unwrap();
    assert_eq!(fs::read_dir(place.at("c")).unwrap().count(), 0);
    place.check_fresh();
}

#[test]
fn a_large_file_gets_another_name() {
    let place = Place::new();
    let content = noise(21 * MIB + 5);
    fs::write(place.at("old"), &content).unwrap();
    let place = place.fresh();
    fs::rename(place.at("old"), place.at("new")).unwrap();
    assert!(fs::read(place.at("new")).unwrap() == content);
    assert!(place.object("new").unwrap() == content);
    place.check_fresh();
}

#[test]
fn a_new_name_replaces_a_file_that_had_it() {
    let place = Place::new();
    fs::write(place.at("old"), "one").unwrap();
    fs::write(place.at("new"), "another, longer").unwrap();
    let number = inode(&place, "old");
    fs::rename(place.at("old"), place.at("new")).unwrap();
    assert_eq!(inode(&place, "new"), number, "it is the same file");
    assert_eq!(fs::read(place.at("new")).unwrap(), b"one");
    assert!(!there(&place.at("old")));
    let fresh = place.check_fresh();
    assert_eq!(fresh.tree().len(), 1);
}

fn inode(place: &Place, name: &str) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(place.at(name)).unwrap().ino()
}

#[test]
fn a_name_can_be_taken_only_if_it_is_free() {
    let place = Place::new();
    fs::write(place.at("a"), "a").unwrap();
    fs::write(place.at("b"), "b").unwrap();
    let only_free = RenameFlags::NOREPLACE;
    let refused = rename(&place.at("a"), &place.at("b"), only_free);
    assert_eq!(errno(refused), Errno::EXIST);
    assert_eq!(fs::read(place.at("b")).unwrap(), b"b");
    rename(&place.at("a"), &place.at("c"), only_free).unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("c")).unwrap(), b"a");
    let refused = rename(&fresh.at("c"), &fresh.at("b"), only_free);
    assert_eq!(errno(refused), Errno::EXIST);
}

#[test]
fn names_that_are_not_there_or_not_of_a_kind_are_refused() {
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    fs::create_dir(place.at("folder")).unwrap();
    let moved = |from: &str, to: &str| fs::rename(place.at(from), place.at(to));
    assert_eq!(errno(moved("none", "new")), Errno::NOENT);
    assert_eq!(errno(moved("file", "none/new")), Errno::NOENT);
    assert_eq!(errno(moved("file", "file/new")), Errno::NOTDIR);
    assert_eq!(errno(moved("file", "folder")), Errno::ISDIR);
    assert_eq!(errno(moved("folder", "file")), Errno::NOTDIR);
    moved("file", "file").unwrap();
    place.check_fresh();
}

#[test]
fn a_chain_of_names_ends_at_the_last() {
    let place = Place::new();
    fs::write(place.at("0"), "content").unwrap();
    for step in 0..20 {
        let (from, to) = (step.to_string(), (step + 1).to_string());
        fs::rename(place.at(&from), place.at(&to)).unwrap();
    }
    assert_eq!(place.tree().len(), 1);
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("20")).unwrap(), b"content");
}

#[test]
fn names_rotate_as_those_of_logs_do() {
    let place = Place::new();
    for round in 0..6 {
        for old in (0..3).rev() {
            let from = place.at(&format!("log.{old}"));
            if there(&from) {
                fs::rename(from, place.at(&format!("log.{}", old + 1))).unwrap();
            }
        }
        fs::write(place.at("log.0"), format!("round {round}")).unwrap();
    }
    let fresh = place.check_fresh();
    for old in 0..4 {
        let text = fs::read_to_string(fresh.at(&format!("log.{old}"))).unwrap();
        assert_eq!(text, format!("round {}", 5 - old));
    }
}

#[test]
fn two_names_swap_through_a_third() {
    let place = Place::new();
    fs::write(place.at("a"), "a").unwrap();
    fs::write(place.at("b"), "b").unwrap();
    fs::rename(place.at("a"), place.at("t")).unwrap();
    fs::rename(place.at("b"), place.at("a")).unwrap();
    fs::rename(place.at("t"), place.at("b")).unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("a")).unwrap(), b"b");
    assert_eq!(fs::read(fresh.at("b")).unwrap(), b"a");
}
