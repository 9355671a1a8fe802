//! Memory-mapped files.
#![allow(unsafe_code, reason = "there is no safe way to map a file")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use memmap2::{Mmap, MmapMut, MmapOptions};
use s3fs_core::StageConfig;
use stub_test_support::noise;

use super::{KIB, MIB, create, open};
use crate::mounted::{BUCKET, Bucket, server};
use crate::place::Place;
use crate::run::apart;

fn map(file: &File) -> MmapMut {
    // SAFETY: nobody makes the file shorter while it is mapped.
    unsafe { MmapMut::map_mut(file) }.unwrap()
}

fn map_for_reading(file: &File) -> Mmap {
    // SAFETY: nobody makes the file shorter while it is mapped.
    unsafe { Mmap::map(file) }.unwrap()
}

#[test]
fn what_is_written_to_memory_is_in_the_file() {
    apart(|| {
        let place = Place::new();
        for length in [100 * KIB, 20 * MIB] {
            let name = format!("{length}");
            let mut content = noise(length);
            fs::write(place.at(&name), &content).unwrap();
            place.settle();
            let file = open(&place.at(&name));
            let mut mapped = map(&file);
            assert!(mapped[..] == content);
            for at in [0, length / 2, length - 7] {
                mapped[at..at + 7].copy_from_slice(b"written");
                content[at..at + 7].copy_from_slice(b"written");
            }
            mapped.flush().unwrap();
            assert!(place.object(&name).unwrap() == content, "{length}");
            mapped[5] = b'!';
            content[5] = b'!';
            drop(mapped);
            drop(file);
            assert!(fs::read(place.at(&name)).unwrap() == content, "{length}");
        }
        place.check_fresh();
    });
}

#[test]
fn memory_and_calls_see_each_other() {
    apart(|| {
        let place = Place::new();
        let file = create(&place.at("file"));
        file.set_len(64 * KIB as u64).unwrap();
        let mut mapped = map(&file);
        file.write_all_at(b"by a call", 5000).unwrap();
        assert_eq!(&mapped[5000..5009], b"by a call");
        mapped[40_000..40_009].copy_from_slice(b"by memory");
        let mut read = [0; 9];
        file.read_exact_at(&mut read, 40_000).unwrap();
        assert_eq!(&read, b"by memory");
        let other = File::open(place.at("file")).unwrap();
        other.read_exact_at(&mut read, 40_000).unwrap();
        assert_eq!(&read, b"by memory");
    });
}

#[test]
fn a_new_file_is_written_through_memory_alone() {
    apart(|| {
        let place = Place::new();
        let content = noise(9 * MIB);
        let file = create(&place.at("file"));
        file.set_len(content.len() as u64).unwrap();
        let mut mapped = map(&file);
        // The file is closed before anything is written.
        drop(file);
        mapped.copy_from_slice(&content);
        drop(mapped);
        assert!(place.object("file").unwrap() == content);
        let fresh = place.check_fresh();
        assert!(fs::read(fresh.at("file")).unwrap() == content);
    });
}

#[test]
fn the_last_page_ends_where_the_file_does() {
    apart(|| {
        let place = Place::new();
        let file = create(&place.at("file"));
        file.write_all_at(&[b'x'; 5000], 0).unwrap();
        // SAFETY: the file is as long as its last page for all that is touched here.
        let mut mapped = unsafe { MmapOptions::new().len(8192).map_mut(&file) }.unwrap();
        assert!(mapped[5000..].iter().all(|&byte| byte == 0));
        mapped[4999] = b'y';
        mapped[6000] = b'z';
        mapped.flush().unwrap();
        drop(mapped);
        assert_eq!(file.metadata().unwrap().len(), 5000);
        drop(file);
        let object = place.object("file").unwrap();
        assert_eq!((object.len(), object[4999]), (5000, b'y'));
    });
}

#[test]
fn what_is_mapped_is_read_after_the_name_is_gone() {
    apart(|| {
        let place = Place::new();
        let content = noise(3 * MIB);
        fs::write(place.at("file"), &content).unwrap();
        let place = place.fresh();
        let mapped = map_for_reading(&File::open(place.at("file")).unwrap());
        fs::remove_file(place.at("file")).unwrap();
        assert!(mapped[..] == content);
    });
}

#[test]
fn what_is_mapped_privately_stays_out_of_the_file() {
    apart(|| {
        let place = Place::new();
        fs::write(place.at("file"), "content").unwrap();
        let file = open(&place.at("file"));
        // SAFETY: nobody makes the file shorter while it is mapped.
        let mut mapped = unsafe { MmapOptions::new().map_copy(&file) }.unwrap();
        mapped[0] = b'X';
        drop(mapped);
        assert_eq!(place.object("file").unwrap(), b"content");
    });
}

#[test]
fn two_maps_of_a_file_are_one() {
    apart(|| {
        let place = Place::new();
        fs::write(place.at("file"), vec![0; 32 * KIB]).unwrap();
        let mut one = map(&open(&place.at("file")));
        let other = map_for_reading(&File::open(place.at("file")).unwrap());
        for at in (0..32 * KIB).step_by(1000) {
            one[at] = 7;
            assert_eq!(other[at], 7);
        }
    });
}

#[test]
fn mapped_pages_that_find_no_room_are_named_and_the_old_file_stays() {
    apart(|| {
        let (stage, unsaved) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let server = server();
        server.put(BUCKET, "program", "the old one");
        let bucket = Bucket::mount(server, |config| {
            config.stage = Some(StageConfig {
                dir: stage.path().to_owned(),
                size: 8 * MIB as u64,
            });
            config.rescue = Some(unsaved.path().to_owned());
        });
        fs::write(bucket.at("first"), "x").unwrap();
        // As linkers do.
        let content = noise(40 * MIB);
        let link = || {
            let file = create(&bucket.at("program"));
            file.set_len(content.len() as u64).unwrap();
            let mut mapped = map(&file);
            mapped.copy_from_slice(&content);
            drop(mapped);
        };
        link();
        let lost = bucket.finish();
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert_eq!(lost[0].object, "s3://data/program");
        assert!(
            lost[0].reason.contains("no space is left"),
            "{}",
            lost[0].reason
        );
        let kept = fs::read(lost[0].kept_in.as_ref().unwrap()).unwrap();
        let held = kept.chunks(4 * KIB).zip(content.chunks(4 * KIB));
        let held = held.filter(|(kept, written)| kept == written).count();
        assert!((MIB / KIB..=2 * MIB / KIB).contains(&held), "{held} pages");
        assert_eq!(bucket.server.get(BUCKET, "program").unwrap(), "the old one");
        // What is written anew lacks nothing.
        fs::write(bucket.at("program"), "the new one").unwrap();
        assert!(bucket.finish().is_empty());
        assert_eq!(bucket.object("program").unwrap(), b"the new one");
    });
}
