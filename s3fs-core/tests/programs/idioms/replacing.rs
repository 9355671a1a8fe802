//! Replacement of a file's content while its name is in use.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use stub_test_support::noise;

use super::{KIB, MIB, create, open, there};
use crate::place::Place;

#[test]
fn a_file_is_written_beside_stored_and_renamed() {
    let place = Place::new();
    fs::write(place.at("settings"), "old").unwrap();
    for round in 0..5 {
        let text = format!("new {round}");
        let mut file = create(&place.at("settings.tmp"));
        file.write_all(text.as_bytes()).unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::rename(place.at("settings.tmp"), place.at("settings")).unwrap();
        fs::File::open(place.path()).unwrap().sync_all().unwrap();
        assert_eq!(fs::read_to_string(place.at("settings")).unwrap(), text);
    }
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("settings")).unwrap(), b"new 4");
    assert_eq!(fresh.tree().len(), 1);
}

#[test]
fn a_large_file_is_written_beside_and_renamed() {
    let place = Place::new();
    fs::write(place.at("data"), noise(9 * MIB)).unwrap();
    let content = noise(20 * MIB + 1);
    fs::write(place.at("data.tmp"), &content).unwrap();
    fs::rename(place.at("data.tmp"), place.at("data")).unwrap();
    assert!(fs::read(place.at("data")).unwrap() == content);
    place.check_fresh();
}

#[test]
fn a_file_is_renamed_while_it_is_written() {
    let place = Place::new();
    for length in [100, 20 * MIB] {
        let content = noise(length);
        let mut file = create(&place.at("part"));
        file.write_all(&content[..length / 2]).unwrap();
        fs::rename(place.at("part"), place.at("whole")).unwrap();
        file.write_all(&content[length / 2..]).unwrap();
        assert!(!there(&place.at("part")));
        drop(file);
        assert!(fs::read(place.at("whole")).unwrap() == content);
        assert!(place.object("whole").unwrap() == content);
    }
    place.check_fresh();
}

#[test]
fn the_file_that_was_replaced_lives_on_in_its_handles() {
    let place = Place::new();
    for length in [10 * KIB, 12 * MIB] {
        let content = noise(length);
        fs::write(place.at("name"), &content).unwrap();
        let mut old = open(&place.at("name"));
        fs::write(place.at("next"), "next").unwrap();
        fs::rename(place.at("next"), place.at("name")).unwrap();
        let mut read = Vec::new();
        old.read_to_end(&mut read).unwrap();
        assert!(read == content, "it reads what was replaced");
        old.write_all_at(b"gone", 5).unwrap();
        let mut four = [0; 4];
        old.read_exact_at(&mut four, 5).unwrap();
        assert_eq!(&four, b"gone");
        assert_eq!(fs::read(place.at("name")).unwrap(), b"next");
        drop(old);
        assert_eq!(place.object("name").unwrap(), b"next");
    }
    place.check_fresh();
}

#[test]
fn a_name_that_is_open_is_replaced_and_both_are_written() {
    let place = Place::new();
    let old = create(&place.at("name"));
    old.write_all_at(b"old", 0).unwrap();
    let new = create(&place.at("next"));
    new.write_all_at(b"new", 0).unwrap();
    fs::rename(place.at("next"), place.at("name")).unwrap();
    old.write_all_at(b"lost", 3).unwrap();
    new.write_all_at(b" kept", 3).unwrap();
    old.sync_all().unwrap();
    new.sync_all().unwrap();
    assert_eq!(place.object("name").unwrap(), b"new kept");
    drop((old, new));
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("name")).unwrap(), b"new kept");
}

/// Flag that is set when this is dropped, also by a panic.
struct End<'d>(&'d AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn readers_see_the_one_or_the_other_while_a_file_is_replaced() {
    let place = Place::new();
    let content = |round: usize| vec![b'a' + (round % 20) as u8; 3000 + round];
    fs::write(place.at("name"), content(0)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let read = fs::read(place.at("name")).unwrap();
                    assert!(read == content(read.len() - 3000), "{}", read.len());
                }
            });
        }
        let _end = End(&done);
        for round in 1..60 {
            let next = place.at("next");
            fs::write(&next, content(round)).unwrap();
            fs::rename(&next, place.at("name")).unwrap();
        }
    });
    let fresh = place.check_fresh();
    assert!(fs::read(fresh.at("name")).unwrap() == content(59));
}

#[test]
fn an_editor_keeps_a_backup() {
    let place = Place::new();
    fs::write(place.at("text"), "first").unwrap();
    fs::rename(place.at("text"), place.at("text~")).unwrap();
    fs::write(place.at("text"), "second").unwrap();
    let place = place.check_fresh();
    assert_eq!(fs::read(place.at("text~")).unwrap(), b"first");
    fs::remove_file(place.at("text~")).unwrap();
    assert_eq!(place.check_fresh().tree().len(), 1);
}
