//! Folders, empty ones and large ones.

use std::fs::{self, File};
use std::io::Write;

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

use super::{errno, there};
use crate::place::Place;
use crate::run::sh;

#[test]
fn empty_folders_are_there_on_a_fresh_mount() {
    let place = Place::new();
    fs::create_dir_all(place.at("a/b/c/d")).unwrap();
    fs::create_dir_all(place.at("a/b/c/d")).unwrap();
    fs::create_dir(place.at("e")).unwrap();
    assert_eq!(errno(fs::create_dir(place.at("e"))), Errno::EXIST);
    assert_eq!(errno(fs::create_dir(place.at("no/f"))), Errno::NOENT);
    let place = place.check_fresh();
    assert!(place.at("a/b/c/d").is_dir());
    assert_eq!(errno(fs::remove_dir(place.at("a"))), Errno::NOTEMPTY);
    fs::remove_dir(place.at("a/b/c/d")).unwrap();
    let fresh = place.check_fresh();
    assert!(fresh.at("a/b/c").is_dir());
    assert!(!there(&fresh.at("a/b/c/d")));
}

#[test]
fn a_folder_stays_when_the_last_file_in_it_is_gone() {
    let place = Place::new();
    fs::create_dir(place.at("made")).unwrap();
    fs::write(place.at("made/file"), "x").unwrap();
    if let Some(server) = place.server() {
        // This folder is there only because an object is below it.
        server.put(place.bucket_name(), "theirs/file", "x");
    } else {
        fs::create_dir(place.at("theirs")).unwrap();
        fs::write(place.at("theirs/file"), "x").unwrap();
    }
    let place = place.check_fresh();
    for folder in ["made", "theirs"] {
        fs::remove_file(place.at(&format!("{folder}/file"))).unwrap();
        assert!(place.at(folder).is_dir());
    }
    let place = place.check_fresh();
    for folder in ["made", "theirs"] {
        assert!(place.at(folder).is_dir(), "{folder}");
        fs::remove_dir(place.at(folder)).unwrap();
    }
    assert_eq!(place.check_fresh().tree().len(), 0);
}

#[test]
fn a_folder_stays_when_the_last_file_in_it_moves_away() {
    let place = Place::new();
    fs::create_dir_all(place.at("from/deep")).unwrap();
    fs::write(place.at("from/deep/file"), "x").unwrap();
    let place = place.fresh();
    fs::rename(place.at("from/deep/file"), place.at("file")).unwrap();
    let fresh = place.check_fresh();
    assert!(fresh.at("from/deep").is_dir());
}

#[test]
fn thousands_of_files_are_removed() {
    let place = Place::new();
    sh(
        place.path(),
        "mkdir -p tree/{a,b}/{c,d}
         for i in $(seq 500); do
             for d in a/c a/d b/c b/d; do echo $i > tree/$d/$i; done
         done
         find tree -type f | wc -l | grep -qx 2000
         touch kept",
    );
    let place = place.fresh();
    sh(place.path(), "rm -rf tree; test ! -e tree");
    let fresh = place.check_fresh();
    assert_eq!(fresh.tree().len(), 1);
}

#[test]
fn a_tree_is_removed_before_it_is_stored() {
    let place = Place::new();
    for _ in 0..3 {
        sh(
            place.path(),
            "mkdir -p tree/a/b; for i in $(seq 100); do echo $i > tree/a/b/$i; done; rm -r tree",
        );
    }
    assert_eq!(place.check_fresh().tree().len(), 0);
}

#[test]
fn a_folder_that_is_open_is_renamed_and_used() {
    let place = Place::new();
    fs::create_dir(place.at("old")).unwrap();
    fs::write(place.at("old/there"), "there").unwrap();
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(place.at("old"), flags, Mode::empty()).unwrap();
    fs::rename(place.at("old"), place.at("new")).unwrap();
    openat(&folder, "there", OFlags::CLOEXEC, Mode::empty()).unwrap();
    let made = openat(
        &folder,
        "made",
        OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::RUSR,
    )
    .unwrap();
    File::from(made).write_all(b"made").unwrap();
    mkdirat(&folder, "sub", Mode::RWXU).unwrap();
    assert_eq!(fs::read(place.at("new/made")).unwrap(), b"made");
    assert_eq!(place.object("new/made").unwrap(), b"made");
    assert!(place.at("new/sub").is_dir());
    drop(folder);
    assert!(!there(&place.check_fresh().at("old")));
}

#[test]
fn only_a_folder_is_opened_as_a_folder() {
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    let as_folder = |name: &str, flags| {
        rustix::fs::open(
            place.at(name),
            OFlags::DIRECTORY | OFlags::CLOEXEC | flags,
            Mode::empty(),
        )
    };
    assert_eq!(errno(as_folder("file", OFlags::RDONLY)), Errno::NOTDIR);
    assert_eq!(errno(as_folder("", OFlags::WRONLY)), Errno::ISDIR);
    as_folder("", OFlags::RDONLY).unwrap();
    assert_eq!(errno(fs::read(place.path())), Errno::ISDIR);
}

#[test]
fn a_folder_that_is_gone_takes_nothing_more() {
    let place = Place::new();
    fs::create_dir(place.at("d")).unwrap();
    let folder = File::open(place.at("d")).unwrap();
    fs::remove_dir(place.at("d")).unwrap();
    let made = openat(
        &folder,
        "new",
        OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::RUSR,
    );
    assert_eq!(errno(made), Errno::NOENT);
    drop(folder);
    assert_eq!(place.check_fresh().tree().len(), 0);
}

#[test]
fn a_process_works_in_a_folder_that_moves() {
    let place = Place::new();
    sh(
        place.path(),
        "mkdir work; cd work; echo a > a; mv ../work ../moved; echo b > b; test -e ../moved/b; cat a b",
    );
    assert_eq!(place.check_fresh().tree().len(), 3);
}
