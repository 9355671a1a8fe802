//! Renaming of folders with all of their content.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;

use rustix::fs::RenameFlags;
use rustix::io::Errno;
use stub_test_support::noise;

use super::{MIB, create, errno, open, rename, there};
use crate::place::Place;

fn fill(place: &Place, folder: &str) {
    fs::create_dir_all(place.at(&format!("{folder}/deep/er"))).unwrap();
    fs::create_dir(place.at(&format!("{folder}/empty"))).unwrap();
    for name in ["1", "2", "deep/3", "deep/er/4"] {
        fs::write(place.at(&format!("{folder}/{name}")), name).unwrap();
    }
    std::os::unix::fs::symlink("deep/3", place.at(&format!("{folder}/link"))).unwrap();
}

#[test]
fn a_folder_moves_with_all_that_is_in_it() {
    let place = Place::new();
    fill(&place, "old");
    let place = place.fresh();
    fs::create_dir(place.at("in")).unwrap();
    fs::rename(place.at("old"), place.at("in/new")).unwrap();
    assert!(!there(&place.at("old")));
    assert_eq!(
        fs::read(place.at("in/new/deep/er/4")).unwrap(),
        b"deep/er/4"
    );
    assert_eq!(fs::read(place.at("in/new/link")).unwrap(), b"deep/3");
    assert!(place.at("in/new/empty").is_dir());
    assert_eq!(place.object("in/new/deep/3").unwrap(), b"deep/3");
    assert_eq!(place.object("old/deep/3"), None);
    place.check_fresh();
}

#[test]
fn a_folder_moves_before_anything_in_it_is_stored() {
    let place = Place::new();
    fill(&place, "old");
    fs::rename(place.at("old"), place.at("new")).unwrap();
    fs::write(place.at("new/deep/5"), "5").unwrap();
    fs::rename(place.at("new/deep"), place.at("new/deeper")).unwrap();
    assert_eq!(fs::read(place.at("new/deeper/5")).unwrap(), b"5");
    place.check_fresh();
}

#[test]
fn a_folder_moves_with_files_that_are_open() {
    let place = Place::new();
    fill(&place, "old");
    let mut written = create(&place.at("old/deep/written"));
    written.write_all(b"before ").unwrap();
    let read = open(&place.at("old/1"));
    let mut large = create(&place.at("old/large"));
    let content = noise(18 * MIB);
    large.write_all(&content[..10 * MIB]).unwrap();
    fs::rename(place.at("old"), place.at("new")).unwrap();
    written.write_all(b"after").unwrap();
    large.write_all(&content[10 * MIB..]).unwrap();
    let mut one = [0];
    read.read_exact_at(&mut one, 0).unwrap();
    assert_eq!(&one, b"1");
    assert_eq!(
        fs::read(place.at("new/deep/written")).unwrap(),
        b"before after"
    );
    drop((written, read, large));
    assert_eq!(place.object("new/deep/written").unwrap(), b"before after");
    assert!(place.object("new/large").unwrap() == content);
    place.check_fresh();
}

#[test]
fn a_folder_cannot_move_into_itself() {
    let place = Place::new();
    fill(&place, "a");
    let into = |to: &str| fs::rename(place.at("a"), place.at(to));
    assert_eq!(errno(into("a/b")), Errno::INVAL);
    assert_eq!(errno(into("a/deep/er/b")), Errno::INVAL);
    assert_eq!(errno(into("a/deep")), Errno::INVAL);
    let above = fs::rename(place.at("a/deep"), place.at("a"));
    assert_eq!(errno(above), Errno::NOTEMPTY);
    place.check_fresh();
}

#[test]
fn a_folder_takes_the_place_of_an_empty_one_only() {
    let place = Place::new();
    fill(&place, "a");
    fs::create_dir(place.at("b")).unwrap();
    fs::create_dir(place.at("c")).unwrap();
    fs::write(place.at("c/file"), "x").unwrap();
    let onto = |to: &str| fs::rename(place.at("a"), place.at(to));
    assert_eq!(errno(onto("c")), Errno::NOTEMPTY);
    let only_free = rename(&place.at("a"), &place.at("b"), RenameFlags::NOREPLACE);
    assert_eq!(errno(only_free), Errno::EXIST);
    onto("b").unwrap();
    assert_eq!(fs::read(place.at("b/1")).unwrap(), b"1");
    let fresh = place.check_fresh();
    assert!(!there(&fresh.at("a")));
}

#[test]
fn a_name_is_a_folder_again_after_it_moved() {
    let place = Place::new();
    for round in 0..3 {
        fill(&place, "work");
        fs::rename(place.at("work"), place.at(&format!("done-{round}"))).unwrap();
        assert!(!there(&place.at("work")));
    }
    fs::create_dir(place.at("work")).unwrap();
    assert_eq!(fs::read_dir(place.at("work")).unwrap().count(), 0);
    let fresh = place.check_fresh();
    assert_eq!(fs::read_dir(fresh.at("work")).unwrap().count(), 0);
}

#[test]
fn a_folder_of_many_files_moves() {
    let place = Place::new();
    fs::create_dir_all(place.at("old/sub")).unwrap();
    for number in 0..1200 {
        let folder = if number % 3 == 0 { "old/sub" } else { "old" };
        fs::write(place.at(&format!("{folder}/{number}")), number.to_string()).unwrap();
    }
    let place = place.fresh();
    fs::rename(place.at("old"), place.at("new")).unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fresh.tree().len(), 1202);
    assert_eq!(fs::read(fresh.at("new/sub/900")).unwrap(), b"900");
}
