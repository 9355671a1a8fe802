//! Copies from file to file in the kernel.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::copy_file_range;
use stub_test_support::noise;

use super::{KIB, MIB, create, errno, open};
use crate::place::Place;

/// Copies a whole range, with as many calls as it takes.
fn copy(from: &File, mut at: u64, to: &File, mut into: u64, length: usize) -> usize {
    let mut copied = 0;
    while copied < length {
        let (input, output) = (Some(&mut at), Some(&mut into));
        match copy_file_range(from, input, to, output, length - copied).unwrap() {
            0 => break,
            count => copied += count,
        }
    }
    copied
}

#[test]
fn a_whole_file_is_copied() {
    let place = Place::new();
    for length in [0, 10 * KIB, 30 * MIB] {
        let content = noise(length);
        fs::write(place.at("from"), &content).unwrap();
        place.settle();
        let from = File::open(place.at("from")).unwrap();
        let to = create(&place.at("to"));
        assert_eq!(copy(&from, 0, &to, 0, length + 1000), length);
        assert!(fs::read(place.at("to")).unwrap() == content, "{length}");
        drop(to);
        assert!(place.object("to").unwrap() == content, "{length}");
    }
    place.check_fresh();
}

#[test]
fn a_part_is_copied_into_the_middle() {
    let place = Place::new();
    for length in [100 * KIB, 20 * MIB] {
        let source = noise(length);
        let mut wanted = vec![b'.'; length];
        fs::write(place.at("from"), &source).unwrap();
        fs::write(place.at("to"), &wanted).unwrap();
        place.settle();
        let (from, to) = (File::open(place.at("from")).unwrap(), open(&place.at("to")));
        let count = length / 3;
        assert_eq!(copy(&from, 1001, &to, 777, count), count);
        wanted[777..777 + count].copy_from_slice(&source[1001..1001 + count]);
        // And beyond the end, which leaves a hole.
        assert_eq!(copy(&from, 0, &to, length as u64 + 50, 10), 10);
        wanted.resize(length + 50, 0);
        wanted.extend_from_slice(&source[..10]);
        assert!(fs::read(place.at("to")).unwrap() == wanted, "{length}");
        drop(to);
        assert!(place.object("to").unwrap() == wanted, "{length}");
    }
    place.check_fresh();
}

#[test]
fn a_part_is_copied_within_a_file() {
    let place = Place::new();
    let mut wanted = noise(12 * MIB);
    fs::write(place.at("file"), &wanted).unwrap();
    let file = open(&place.at("file"));
    assert_eq!(copy(&file, 5, &file, 7 * MIB as u64, MIB), MIB);
    wanted.copy_within(5..5 + MIB, 7 * MIB);
    let mut at = 0;
    let overlapping = copy_file_range(&file, Some(&mut at), &file, Some(&mut 10), 100);
    assert_eq!(errno(overlapping), rustix::io::Errno::INVAL);
    drop(file);
    assert!(place.object("file").unwrap() == wanted);
}

#[test]
fn what_is_not_stored_yet_is_copied() {
    let place = Place::new();
    let from = create(&place.at("from"));
    from.write_all_at(&noise(9 * MIB), 0).unwrap();
    from.write_all_at(b"changed", MIB as u64).unwrap();
    let to = create(&place.at("to"));
    copy(&from, 0, &to, 0, 9 * MIB);
    from.write_all_at(b"CHANGED", MIB as u64).unwrap();
    drop((from, to));
    let mut wanted = noise(9 * MIB);
    wanted[MIB..MIB + 7].copy_from_slice(b"changed");
    assert!(place.object("to").unwrap() == wanted);
}

#[test]
fn bytes_come_from_and_go_to_other_file_systems() {
    let place = Place::new();
    let local = tempfile::tempdir().unwrap();
    let content = noise(10 * MIB);
    fs::write(local.path().join("file"), &content).unwrap();
    // `fs::copy` and `io::copy` take the fastest way that the two file systems have.
    fs::copy(local.path().join("file"), place.at("in")).unwrap();
    assert!(place.object("in").unwrap() == content);
    fs::copy(place.at("in"), local.path().join("out")).unwrap();
    assert!(fs::read(local.path().join("out")).unwrap() == content);
    let mut from = File::open(place.at("in")).unwrap();
    let mut to = create(&place.at("again"));
    io::copy(&mut from, &mut to).unwrap();
    drop(to);
    assert!(place.object("again").unwrap() == content);
}
