//! Opening and reading files.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};

use s3_local::Operation;
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, server};

const MIB: usize = 1 << 20;

#[test]
fn a_file_has_the_bytes_of_its_object() {
    let server = server();
    for (key, length) in [
        ("empty", 0),
        ("one", 1),
        ("block", 256 << 10),
        ("odd", 3 * MIB + 17),
    ] {
        server.put(BUCKET, key, noise(length));
    }
    let bucket = Bucket::mount(server, |_| {});
    for (key, length) in [
        ("empty", 0),
        ("one", 1),
        ("block", 256 << 10),
        ("odd", 3 * MIB + 17),
    ] {
        assert_eq!(fs::metadata(bucket.at(key)).unwrap().len(), length as u64);
        assert!(fs::read(bucket.at(key)).unwrap() == noise(length), "{key}");
    }
}

#[test]
fn a_large_file_is_read_in_few_large_requests() {
    let server = server();
    let content = noise(64 * MIB);
    server.put(BUCKET, "large", content.clone());
    let bucket = Bucket::mount(server, |_| {});
    assert!(fs::read(bucket.at("large")).unwrap() == content);
    let gets = bucket.server.log().count(Operation::GetObject);
    assert!(gets <= 28, "{gets} requests");
}

#[test]
fn random_reads_give_the_right_bytes_and_fetch_little_more() {
    let server = server();
    let content = noise(64 * MIB);
    server.put(BUCKET, "large", content.clone());
    let bucket = Bucket::mount(server, |_| {});
    let file = File::open(bucket.at("large")).unwrap();
    let mut offset = 12_345_u64;
    for _ in 0..40 {
        offset = (offset * 7_919 + 104_729) % (63 << 20);
        let mut bytes = vec![0; 5_000];
        file.read_exact_at(&mut bytes, offset).unwrap();
        assert!(bytes == content[offset as usize..][..5_000], "{offset}");
    }
    let fetched: u64 = 40 * (512 << 10);
    let asked: u64 = ranges(&bucket).iter().map(|(from, to)| to - from + 1).sum();
    assert!(asked < fetched, "{asked} bytes asked for");
}

/// Returns the first and the last byte of every ranged GET.
fn ranges(bucket: &Bucket) -> Vec<(u64, u64)> {
    let requests = bucket.server.log().requests();
    let ranges = requests.iter().filter_map(|request| request.range.clone());
    ranges
        .map(|range| {
            let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            (from.parse().unwrap(), to.parse().unwrap())
        })
        .collect()
}

#[test]
fn reading_backwards_and_from_the_end_works() {
    let server = server();
    let content = noise(20 * MIB + 3);
    server.put(BUCKET, "file", content.clone());
    let bucket = Bucket::mount(server, |_| {});
    let mut file = File::open(bucket.at("file")).unwrap();
    file.seek(SeekFrom::End(-10)).unwrap();
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).unwrap();
    assert_eq!(tail, content[content.len() - 10..]);
    for start in (0..20 * MIB).step_by(MIB).rev() {
        let mut bytes = vec![0; MIB];
        file.read_exact_at(&mut bytes, start as u64).unwrap();
        assert!(bytes == content[start..start + MIB], "{start}");
    }
    assert_eq!(file.read_at(&mut [0; 10], 1 << 40).unwrap(), 0);
}

#[test]
fn many_handles_read_at_once_within_a_small_budget() {
    let server = server();
    let content = noise(24 * MIB);
    server.put(BUCKET, "shared", content.clone());
    for i in 0..16 {
        server.put(BUCKET, &format!("own-{i}"), noise(5 * MIB + i));
    }
    let bucket = Bucket::mount_with(server, Some(8 << 20), |_| {});
    std::thread::scope(|scope| {
        for i in 0..16 {
            let (bucket, content) = (&bucket, &content);
            scope.spawn(move || {
                assert!(fs::read(bucket.at("shared")).unwrap() == *content);
                assert!(fs::read(bucket.at(&format!("own-{i}"))).unwrap() == noise(5 * MIB + i));
            });
        }
    });
}

#[test]
fn idle_handles_give_their_memory_to_those_that_read() {
    let server = server();
    for i in 0..200 {
        server.put(BUCKET, &format!("{i}"), noise(600 << 10));
    }
    let bucket = Bucket::mount_with(server, Some(8 << 20), |_| {});
    let open: Vec<File> = (0..200)
        .map(|i| File::open(bucket.at(&i.to_string())).unwrap())
        .collect();
    for file in &open {
        let mut bytes = vec![0; 600 << 10];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes == noise(600 << 10));
    }
}

#[test]
fn a_second_read_of_an_unchanged_file_asks_for_no_bytes_beyond_the_first() {
    let server = server();
    server.put(BUCKET, "file", noise(16 * MIB));
    let bucket = Bucket::mount(server, |_| {});
    fs::read(bucket.at("file")).unwrap();
    bucket.server.log().clear();
    fs::read(bucket.at("file")).unwrap();
    // The open asks whether it is still the same version.
    assert_eq!(bucket.server.log().count(Operation::GetObject), 1);
}

#[test]
fn stat_shows_size_time_and_permissions() {
    let server = server();
    server.put(BUCKET, "folder/file", "12345");
    let bucket = Bucket::mount(server, |config| {
        config.ownership.file_mode = 0o640;
        config.ownership.dir_mode = 0o750;
        config.ownership.uid = Some(1234);
        config.ownership.gid = Some(5678);
    });
    let file = fs::metadata(bucket.at("folder/file")).unwrap();
    assert_eq!((file.len(), file.mode()), (5, 0o100_640));
    assert_eq!((file.uid(), file.gid(), file.nlink()), (1234, 5678, 1));
    assert!(file.modified().unwrap().elapsed().unwrap().as_secs() < 600);
    let folder = fs::metadata(bucket.at("folder")).unwrap();
    assert_eq!(folder.mode(), 0o040_750);
    let fs = nix::sys::statvfs::statvfs(bucket.path()).unwrap();
    assert_eq!(fs.blocks_available() * fs.fragment_size(), 1 << 50);
}

#[test]
fn a_program_that_only_looks_fetches_no_bytes() {
    let server = server();
    for i in 0..50 {
        server.put(BUCKET, &format!("{i}"), noise(1000));
    }
    let bucket = Bucket::mount(server, |_| {});
    for name in bucket.names("") {
        fs::metadata(bucket.at(&name)).unwrap();
    }
    assert_eq!(bucket.server.log().count(Operation::GetObject), 0);
    let heads = bucket.server.log().count(Operation::HeadObject);
    assert!(heads <= 3, "a few speak for all, not {heads}");
    let lists = bucket.server.log().count(Operation::ListObjectsV2);
    assert!(lists <= 2, "{lists} listings");
}
