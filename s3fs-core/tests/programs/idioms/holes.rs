//! Sparse files.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, fallocate};
use stub_test_support::noise;

use super::{KIB, MIB, create, errno, open};
use crate::place::Place;

const GIB: u64 = 1 << 30;

#[test]
fn a_gibibyte_has_three_islands() {
    let place = Place::new();
    let islands = [
        (0, "first"),
        (GIB / 2 + 12_345, "second"),
        (GIB - 5, "third"),
    ];
    let file = create(&place.at("sparse"));
    for (at, text) in islands {
        file.write_all_at(text.as_bytes(), at).unwrap();
    }
    drop(file);
    let check = |place: &Place| {
        let file = File::open(place.at("sparse")).unwrap();
        assert_eq!(file.metadata().unwrap().len(), GIB);
        for (at, text) in islands {
            let mut read = vec![0; text.len()];
            file.read_exact_at(&mut read, at).unwrap();
            assert_eq!(read, text.as_bytes());
            let mut beside = [1; 5];
            file.read_exact_at(&mut beside, at.max(100) - 100).unwrap();
            assert!(at == 0 || beside == [0; 5]);
        }
        let mut middle = vec![1; MIB];
        file.read_exact_at(&mut middle, GIB / 4 + 77).unwrap();
        assert!(middle.iter().all(|&byte| byte == 0));
    };
    check(&place);
    check(&place.fresh());
}

#[test]
fn what_was_never_written_reads_as_zeros() {
    let place = Place::new();
    let file = create(&place.at("file"));
    let mut wanted = vec![0; 20 * MIB];
    for at in [3 * MIB, 19 * MIB, 100, 11 * MIB] {
        file.write_all_at(&noise(10 * KIB), at as u64).unwrap();
        wanted[at..at + 10 * KIB].copy_from_slice(&noise(10 * KIB));
    }
    wanted.truncate(19 * MIB + 10 * KIB);
    assert!(fs::read(place.at("file")).unwrap() == wanted);
    drop(file);
    assert!(place.object("file").unwrap() == wanted);
    place.check_fresh();
}

#[test]
fn space_is_reserved_and_the_file_grows() {
    let place = Place::new();
    let file = create(&place.at("file"));
    file.write_all_at(b"head", 0).unwrap();
    fallocate(&file, FallocateFlags::empty(), 0, 9 * MIB as u64).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 9 * MIB as u64);
    fallocate(&file, FallocateFlags::empty(), 10, 20).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 9 * MIB as u64);
    drop(file);
    let object = place.object("file").unwrap();
    assert_eq!(object.len(), 9 * MIB);
    assert!(object.starts_with(b"head\0"));
    place.check_fresh();
}

#[test]
fn space_is_reserved_and_the_length_is_kept() {
    let place = Place::new();
    let file = create(&place.at("file"));
    file.write_all_at(b"head", 0).unwrap();
    fallocate(&file, FallocateFlags::KEEP_SIZE, 0, 9 * MIB as u64).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 4);
    drop(file);
    assert_eq!(place.object("file").unwrap(), b"head");
}

#[test]
fn a_hole_is_punched_and_reads_as_zeros() {
    let place = Place::new();
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    for length in [100 * KIB, 20 * MIB] {
        let name = format!("{length}");
        let mut content = noise(length);
        fs::write(place.at(&name), &content).unwrap();
        place.settle();
        let file = open(&place.at(&name));
        for (at, count) in [(4096, 8192), (length / 2 + 1, 333), (length - 10, 4000)] {
            fallocate(&file, punch, at as u64, count as u64).unwrap();
            content[at..(at + count).min(length)].fill(0);
        }
        assert_eq!(file.metadata().unwrap().len(), length as u64);
        let mut read = vec![1; length];
        file.read_exact_at(&mut read, 0).unwrap();
        assert!(read == content);
        drop(file);
        assert!(place.object(&name).unwrap() == content);
    }
    place.check_fresh();
}

#[test]
fn a_hole_needs_the_length_kept_and_a_length() {
    let place = Place::new();
    let file = create(&place.at("file"));
    file.write_all_at(b"content", 0).unwrap();
    let alone = fallocate(&file, FallocateFlags::PUNCH_HOLE, 0, 4);
    assert_eq!(errno(alone), rustix::io::Errno::OPNOTSUPP);
    let none = fallocate(&file, FallocateFlags::empty(), 0, 0);
    assert_eq!(errno(none), rustix::io::Errno::INVAL);
    let reader = File::open(place.at("file")).unwrap();
    let unwritable = fallocate(&reader, FallocateFlags::empty(), 0, 10);
    assert_eq!(errno(unwritable), rustix::io::Errno::BADF);
    assert_eq!(fs::read(place.at("file")).unwrap(), b"content");
}

#[test]
fn data_and_holes_are_looked_for() {
    let place = Place::new();
    fs::write(place.at("file"), noise(10 * KIB)).unwrap();
    let file = File::open(place.at("file")).unwrap();
    let seek = |from| rustix::fs::seek(&file, from).unwrap();
    // Any file system may say that all is data, up to the end.
    assert_eq!(seek(rustix::fs::SeekFrom::Data(100)), 100);
    assert_eq!(seek(rustix::fs::SeekFrom::Hole(100)), 10 * KIB as u64);
    let beyond = rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(10 * KIB as u64));
    assert_eq!(errno(beyond), rustix::io::Errno::NXIO);
}

#[test]
fn a_seek_beyond_the_end_writes_there() {
    use std::io::Write;
    let place = Place::new();
    let mut file = create(&place.at("file"));
    file.seek(SeekFrom::End(50)).unwrap();
    file.write_all(b"x").unwrap();
    file.seek(SeekFrom::Current(49)).unwrap();
    file.write_all(b"y").unwrap();
    file.rewind().unwrap();
    let mut read = Vec::new();
    file.read_to_end(&mut read).unwrap();
    assert_eq!(read.len(), 101);
    assert_eq!((read[49], read[50], read[100]), (0, b'x', b'y'));
    drop(file);
    assert_eq!(place.object("file").unwrap(), read);
}
