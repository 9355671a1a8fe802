//! Writes at any position of a file, and changes of its length.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use rustix::io::Errno;
use stub_test_support::noise;

use super::{KIB, MIB, create, errno, open};
use crate::place::Place;

/// File lengths in bytes, below and above the limit for sending in one piece.
const LENGTHS: [usize; 4] = [0, 10 * KIB, 8 * MIB + 1, 40 * MIB];

#[test]
fn a_few_bytes_change_anywhere() {
    let place = Place::new();
    for length in LENGTHS {
        let name = format!("{length}");
        let mut content = noise(length);
        fs::write(place.at(&name), &content).unwrap();
        place.settle();
        let file = open(&place.at(&name));
        for at in [length / 2, 1, length.saturating_sub(2), length] {
            file.write_all_at(b"<new>", at as u64).unwrap();
            content.resize(content.len().max(at + 5), 0);
            content[at..at + 5].copy_from_slice(b"<new>");
        }
        let mut read = vec![0; content.len()];
        file.read_exact_at(&mut read, 0).unwrap();
        assert!(read == content, "{length}");
        drop(file);
        assert!(fs::read(place.at(&name)).unwrap() == content, "{length}");
        assert!(place.object(&name).unwrap() == content, "{length}");
    }
    place.check_fresh();
}

#[test]
fn lengths_go_up_and_down() {
    let place = Place::new();
    for length in LENGTHS {
        let name = format!("{length}");
        let mut content = noise(length);
        fs::write(place.at(&name), &content).unwrap();
        place.settle();
        let file = open(&place.at(&name));
        for next in [length / 2 + 3, length + 5000, 9 * MIB, 17, 0, 4097] {
            file.set_len(next as u64).unwrap();
            content.resize(next, 0);
            assert_eq!(file.metadata().unwrap().len(), next as u64);
            assert!(
                fs::read(place.at(&name)).unwrap() == content,
                "{length} {next}"
            );
        }
        file.write_all_at(b"end", 4097).unwrap();
        content.extend_from_slice(b"end");
        drop(file);
        assert!(place.object(&name).unwrap() == content, "{length}");
    }
    place.check_fresh();
}

#[test]
fn a_path_is_truncated_while_the_file_is_closed() {
    let place = Place::new();
    let content = noise(20 * MIB);
    for next in [0, 100, 11 * MIB, 25 * MIB] {
        let name = format!("{next}");
        fs::write(place.at(&name), &content).unwrap();
    }
    let place = place.fresh();
    for next in [0, 100, 11 * MIB, 25 * MIB] {
        let path = place.at(&format!("{next}"));
        nix::unistd::truncate(&path, i64::try_from(next).unwrap()).unwrap();
        let mut wanted = content.clone();
        wanted.resize(next, 0);
        assert!(fs::read(&path).unwrap() == wanted, "{next}");
    }
    place.check_fresh();
}

#[test]
fn a_length_that_stays_changes_the_time_of_the_file() {
    let place = Place::new();
    for (name, length) in [("small", 100), ("large", 12 * MIB)] {
        fs::write(place.at(name), noise(length)).unwrap();
        place.settle();
        let before = fs::metadata(place.at(name)).unwrap().modified().unwrap();
        open(&place.at(name)).set_len(length as u64).unwrap();
        let after = fs::metadata(place.at(name)).unwrap().modified().unwrap();
        assert!(after > before, "{name}");
    }
    place.check_fresh();
}

#[test]
fn what_was_cut_off_does_not_come_back() {
    let place = Place::new();
    fs::write(place.at("file"), noise(100 * KIB)).unwrap();
    let file = open(&place.at("file"));
    file.set_len(10).unwrap();
    file.set_len(100 * KIB as u64).unwrap();
    let wanted = [&noise(10)[..], &vec![0; 100 * KIB - 10]].concat();
    assert!(fs::read(place.at("file")).unwrap() == wanted);
    drop(file);
    assert!(place.object("file").unwrap() == wanted);
}

#[test]
fn a_file_is_opened_empty() {
    let place = Place::new();
    for length in [100, 20 * MIB] {
        fs::write(place.at("file"), noise(length)).unwrap();
        place.settle();
        let reader = open(&place.at("file"));
        let mut file = OpenOptions::new();
        let mut file = file
            .write(true)
            .truncate(true)
            .open(place.at("file"))
            .unwrap();
        assert_eq!(reader.metadata().unwrap().len(), 0);
        assert_eq!(fs::read(place.at("file")).unwrap(), b"");
        file.write_all(b"again").unwrap();
        drop(file);
        assert_eq!(place.object("file").unwrap(), b"again");
    }
    place.check_fresh();
}

#[test]
fn a_file_is_made_only_if_it_is_new() {
    let place = Place::new();
    let mut exclusive = OpenOptions::new();
    exclusive.write(true).create_new(true);
    let mut file = exclusive.open(place.at("lock")).unwrap();
    file.write_all(b"mine").unwrap();
    assert_eq!(errno(exclusive.open(place.at("lock"))), Errno::EXIST);
    drop(file);
    assert_eq!(errno(exclusive.open(place.at("lock"))), Errno::EXIST);
    let place = place.check_fresh();
    assert_eq!(errno(exclusive.open(place.at("lock"))), Errno::EXIST);
    fs::remove_file(place.at("lock")).unwrap();
    exclusive.open(place.at("lock")).unwrap();
}

#[test]
fn a_handle_reads_what_it_writes_wherever_it_is() {
    let place = Place::new();
    let mut file = create(&place.at("file"));
    let record = |number: u64| number.to_le_bytes().repeat(64);
    for number in 0..2000 {
        file.seek(SeekFrom::Start(number * 7919 % 2000 * 512))
            .unwrap();
        file.write_all(&record(number)).unwrap();
    }
    let mut read = vec![0; 512];
    for number in 0..2000 {
        file.seek(SeekFrom::Start(number * 7919 % 2000 * 512))
            .unwrap();
        file.read_exact(&mut read).unwrap();
        assert!(read == record(number), "{number}");
    }
    drop(file);
    place.check_fresh();
}

#[test]
fn a_large_file_is_written_backward() {
    let place = Place::new();
    let content = noise(20 * MIB);
    let file = create(&place.at("file"));
    for (number, piece) in content.chunks(MIB).enumerate().rev() {
        file.write_all_at(piece, (number * MIB) as u64).unwrap();
    }
    drop(file);
    assert!(fs::read(place.at("file")).unwrap() == content);
    assert!(place.object("file").unwrap() == content);
}

#[test]
fn it_is_stored_again_and_again_while_it_grows_and_changes() {
    let place = Place::new();
    let file = create(&place.at("file"));
    let mut content = Vec::new();
    for round in 0..6_u8 {
        content.extend_from_slice(&noise(3 * MIB));
        file.write_all_at(&noise(3 * MIB), u64::from(round) * 3 * MIB as u64)
            .unwrap();
        file.write_all_at(&[round; 9], 100 * u64::from(round))
            .unwrap();
        content[100 * usize::from(round)..][..9].fill(round);
        file.sync_data().unwrap();
        let stored = place
            .server()
            .is_none_or(|server| server.get(place.bucket_name(), "file").unwrap() == content);
        assert!(stored, "fsync has stored it, in round {round}");
    }
    drop(file);
    place.check_fresh();
}
