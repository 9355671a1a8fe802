//! Unnamed files.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use stub_test_support::noise;

use super::{KIB, MIB, create, errno, open, there};
use crate::place::Place;

/// Reads, writes, extends and truncates an unnamed file.
fn use_it(file: &mut File, content: &[u8]) {
    let mut read = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut read).unwrap();
    assert!(read == content);
    file.write_all_at(b"middle", 1000).unwrap();
    let mut six = [0; 6];
    file.read_exact_at(&mut six, 1000).unwrap();
    assert_eq!(&six, b"middle");
    let end = content.len() as u64;
    file.set_len(end + 5000).unwrap();
    let mut grown = [1; 100];
    file.read_exact_at(&mut grown, end + 10).unwrap();
    assert_eq!(grown, [0; 100]);
    file.set_len(1003).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 1003);
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(1000)).unwrap();
    file.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"mid");
    file.sync_all().unwrap();
}

#[test]
fn a_stored_file_is_used_after_its_name_is_gone() {
    let place = Place::new();
    for length in [20 * KIB, 10 * MIB] {
        let content = noise(length);
        fs::write(place.at("file"), &content).unwrap();
        place.settle();
        let mut file = open(&place.at("file"));
        fs::remove_file(place.at("file")).unwrap();
        assert!(!there(&place.at("file")));
        use_it(&mut file, &content);
        drop(file);
        assert_eq!(place.object("file"), None);
    }
    assert_eq!(place.check_fresh().tree().len(), 0);
}

#[test]
fn a_stored_file_that_nobody_has_read_is_read_after_its_name_is_gone() {
    let place = Place::new();
    let content = noise(30 * MIB);
    fs::write(place.at("file"), &content).unwrap();
    let place = place.fresh();
    let mut file = File::open(place.at("file")).unwrap();
    fs::remove_file(place.at("file")).unwrap();
    let mut read = Vec::new();
    file.read_to_end(&mut read).unwrap();
    assert!(read == content);
}

#[test]
fn a_file_that_is_being_written_loses_its_name() {
    let place = Place::new();
    for length in [20 * KIB, 20 * MIB] {
        let content = noise(length);
        let mut file = create(&place.at("temporary"));
        file.write_all(&content[..length / 2]).unwrap();
        fs::remove_file(place.at("temporary")).unwrap();
        file.write_all(&content[length / 2..]).unwrap();
        use_it(&mut file, &content);
        assert_eq!(place.tree().len(), 0);
    }
    place.settle();
    place.check_objects();
}

#[test]
fn a_lost_name_is_given_to_another_file_at_once() {
    let place = Place::new();
    let first = create(&place.at("name"));
    first.write_all_at(b"first", 0).unwrap();
    fs::remove_file(place.at("name")).unwrap();
    let second = create(&place.at("name"));
    second.write_all_at(b"second", 0).unwrap();
    first.write_all_at(b"FIRST", 0).unwrap();
    first.sync_all().unwrap();
    drop(first);
    drop(second);
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("name")).unwrap(), b"second");
}

#[test]
fn a_folder_is_removed_after_a_file_that_is_still_open() {
    let place = Place::new();
    fs::create_dir(place.at("d")).unwrap();
    let mut file = create(&place.at("d/file"));
    file.write_all(b"content").unwrap();
    fs::remove_file(place.at("d/file")).unwrap();
    fs::remove_dir(place.at("d")).unwrap();
    assert!(!there(&place.at("d")));
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "content");
    drop(file);
    assert_eq!(place.check_fresh().tree().len(), 0);
}

#[test]
fn a_file_without_a_name_has_no_links() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new();
    let file = create(&place.at("file"));
    assert_eq!(file.metadata().unwrap().nlink(), 1);
    fs::remove_file(place.at("file")).unwrap();
    assert_eq!(file.metadata().unwrap().nlink(), 0);
    let gone = fs::metadata(place.at("file"));
    assert_eq!(errno(gone), rustix::io::Errno::NOENT);
}

#[test]
fn a_handle_is_opened_again_through_proc() {
    use std::os::fd::AsRawFd;
    let place = Place::new();
    let mut file = create(&place.at("file"));
    file.write_all(b"content").unwrap();
    let again = format!("/proc/self/fd/{}", file.as_raw_fd());
    assert_eq!(fs::read(&again).unwrap(), b"content");
    fs::remove_file(place.at("file")).unwrap();
    assert_eq!(fs::read(&again).unwrap(), b"content");
}
