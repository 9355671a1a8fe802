//! Creating, writing and overwriting files.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::process::Command;

use s3_local::Operation;
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, empty, server};

const MIB: usize = 1 << 20;

#[test]
fn a_new_file_is_an_object_in_the_end() {
    let bucket = empty();
    for (name, length) in [
        ("empty", 0),
        ("small", 100),
        ("part", 8 * MIB),
        ("large", 21 * MIB + 5),
    ] {
        fs::write(bucket.at(name), noise(length)).unwrap();
        assert!(bucket.object(name).unwrap() == noise(length), "{name}");
        assert_eq!(fs::metadata(bucket.at(name)).unwrap().len(), length as u64);
        assert!(
            fs::read(bucket.at(name)).unwrap() == noise(length),
            "{name}"
        );
    }
    assert_eq!(bucket.names(""), ["empty", "large", "part", "small"]);
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
    assert_eq!(bucket.server.log().count(Operation::PutObject), 3);
}

#[test]
fn a_file_is_replaced_whole() {
    let server = server();
    server.put(BUCKET, "file", noise(10 * MIB));
    let bucket = Bucket::mount(server, |_| {});
    fs::write(bucket.at("file"), "short").unwrap();
    assert_eq!(bucket.object("file").unwrap(), b"short");
    assert_eq!(fs::read(bucket.at("file")).unwrap(), b"short");
    fs::write(bucket.at("file"), noise(9 * MIB)).unwrap();
    assert!(bucket.object("file").unwrap() == noise(9 * MIB));
}

#[test]
fn many_writers_fit_into_a_small_budget() {
    let bucket = Bucket::mount_with(server(), Some(4 << 20), |_| {});
    let mut open: Vec<File> = (0..40)
        .map(|i| File::create(bucket.at(&format!("{i}"))).unwrap())
        .collect();
    let content = noise(9 * MIB);
    for piece in content.chunks(MIB) {
        for file in &mut open {
            file.write_all(piece).unwrap();
        }
    }
    drop(open);
    assert!(bucket.finish().is_empty());
    for i in 0..40 {
        assert!(bucket.object(&i.to_string()).unwrap() == content, "{i}");
    }
}

#[test]
fn fsync_stores_and_writing_goes_on() {
    let bucket = empty();
    let content = noise(30 * MIB);
    let mut file = File::create(bucket.at("file")).unwrap();
    let mut written = 0;
    for length in [100, 5 * MIB, 12 * MIB, 3, 9 * MIB] {
        file.write_all(&content[written..written + length]).unwrap();
        written += length;
        file.sync_all().unwrap();
        assert!(
            bucket.object("file").unwrap() == content[..written],
            "{written}"
        );
    }
    drop(file);
    assert!(bucket.object("file").unwrap() == content[..written]);
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
}

#[test]
fn a_file_that_is_being_written_can_be_read() {
    let bucket = empty();
    let content = noise(20 * MIB);
    let mut file = File::create(bucket.at("file")).unwrap();
    for end in [10, 2 * MIB, 17 * MIB] {
        let start = file.stream_position().unwrap() as usize;
        file.write_all(&content[start..end]).unwrap();
        assert!(
            fs::read(bucket.at("file")).unwrap() == content[..end],
            "{end}"
        );
    }
}

#[test]
fn small_files_are_written_anywhere_and_again() {
    let server = server();
    server.put(BUCKET, "file", "hello world");
    let bucket = Bucket::mount(server, |_| {});
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(bucket.at("file"))
        .unwrap();
    file.write_all_at(b"W", 6).unwrap();
    file.write_all_at(b"end", 20).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = Vec::new();
    file.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"hello World\0\0\0\0\0\0\0\0\0end");
    file.set_len(5).unwrap();
    drop(file);
    assert_eq!(bucket.object("file").unwrap(), b"hello");
    let mut file = OpenOptions::new()
        .append(true)
        .open(bucket.at("file"))
        .unwrap();
    file.write_all(b" again").unwrap();
    drop(file);
    assert_eq!(bucket.object("file").unwrap(), b"hello again");
}

#[test]
fn appending_to_a_large_file_moves_none_of_its_bytes() {
    let server = server();
    let content = noise(40 * MIB);
    server.put(BUCKET, "log", content.clone());
    let bucket = Bucket::mount(server, |_| {});
    let mut file = OpenOptions::new()
        .append(true)
        .open(bucket.at("log"))
        .unwrap();
    file.write_all(b"one more line\n").unwrap();
    drop(file);
    assert!(bucket.object("log").unwrap() == [&content[..], b"one more line\n"].concat());
    assert_eq!(bucket.server.log().count(Operation::GetObject), 0);
    // One more shows whether the server heeds conditions.
    assert_eq!(bucket.server.log().count(Operation::UploadPartCopy), 2);
}

#[test]
fn a_change_in_the_middle_of_a_large_file_moves_little_of_it() {
    let server = server();
    let mut content = noise(100 * MIB);
    server.put(BUCKET, "large", content.clone());
    let bucket = Bucket::mount(server, |_| {});
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(bucket.at("large"))
        .unwrap();
    file.write_all_at(b"changed", 50_000_000).unwrap();
    drop(file);
    content[50_000_000..50_000_007].copy_from_slice(b"changed");
    assert!(bucket.object("large").unwrap() == content);
    let log = bucket.server.log();
    let requests = log.requests();
    let fetched = requests
        .iter()
        .filter_map(|request| request.range.as_deref());
    for range in fetched {
        let (first, last) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        let length = last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap();
        assert!(length < 5 << 20, "{range}");
    }
    assert!(log.count(Operation::GetObject) <= 2);
    assert_eq!(log.count(Operation::UploadPart), 1);
}

#[test]
fn a_file_written_backwards_is_all_there() {
    let bucket = empty();
    let content = noise(20 * MIB + 7);
    let file = File::create(bucket.at("file")).unwrap();
    for start in (0..content.len()).step_by(MIB).rev() {
        let end = content.len().min(start + MIB);
        file.write_all_at(&content[start..end], start as u64)
            .unwrap();
    }
    drop(file);
    assert!(bucket.object("file").unwrap() == content);
}

#[test]
fn what_children_write_to_an_inherited_descriptor_is_all_there() {
    let bucket = empty();
    let script =
        "exec 3>file; for i in 1 2 3; do head -c 4000000 /dev/zero >&3; (echo $i) >&3; done";
    let status = Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(bucket.path())
        .status();
    assert!(status.unwrap().success());
    assert!(bucket.finish().is_empty());
    assert_eq!(bucket.object("file").unwrap().len(), 3 * 4_000_002);
    assert!(bucket.server.incomplete_uploads(BUCKET).is_empty());
}

#[test]
fn exclusive_creation_holds_against_other_clients() {
    let bucket = empty();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(bucket.at("lock"))
        .unwrap();
    file.write_all(b"ours").unwrap();
    bucket.server.put(BUCKET, "lock", "theirs");
    assert!(file.sync_all().is_err());
    drop(file);
    assert_eq!(bucket.object("lock").unwrap(), b"theirs");
    let lost = bucket.finish();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].object, "s3://data/lock");
}

#[test]
fn truncation_by_path_works() {
    let server = server();
    server.put(BUCKET, "file", "0123456789");
    server.put(BUCKET, "large", noise(20 * MIB));
    let bucket = Bucket::mount(server, |_| {});
    nix::unistd::truncate(&bucket.at("file"), 4).unwrap();
    assert_eq!(bucket.object("file").unwrap(), b"0123");
    nix::unistd::truncate(&bucket.at("file"), 6).unwrap();
    assert_eq!(bucket.object("file").unwrap(), b"0123\0\0");
    nix::unistd::truncate(&bucket.at("large"), 0).unwrap();
    assert_eq!(bucket.object("large").unwrap(), b"");
}

#[test]
fn everyday_programs_write() {
    let bucket = empty();
    let script = "echo one > a; echo two >> a; cp a b; mv b c; dd if=/dev/zero of=d bs=1M count=20 2>&1; \
                  tar cf e.tar a c; touch f; cat a c | sort > g; mkdir h; cp -r a h/; gzip -c d > d.gz";
    let output = Command::new("sh")
        .arg("-ec")
        .arg(script)
        .current_dir(bucket.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bucket.object("a").unwrap(), b"one\ntwo\n");
    assert_eq!(bucket.object("c").unwrap(), b"one\ntwo\n");
    assert_eq!(bucket.object("d").unwrap().len(), 20 * MIB);
    assert_eq!(bucket.object("h/a").unwrap(), b"one\ntwo\n");
    assert_eq!(bucket.object("b"), None);
}

#[test]
fn the_zeros_of_a_new_file_are_sent_once() {
    const LENGTH: usize = 72 * MIB;
    let bucket = empty();
    let cut = File::create(bucket.at("cut")).unwrap();
    cut.set_len(LENGTH as u64).unwrap();
    drop(cut);
    let status = Command::new("truncate")
        .args(["-s", &LENGTH.to_string(), "cut by a program"])
        .current_dir(bucket.path())
        .status();
    assert!(status.unwrap().success());
    let reserved = File::create(bucket.at("reserved")).unwrap();
    nix::fcntl::posix_fallocate(&reserved, 0, i64::try_from(LENGTH).unwrap()).unwrap();
    drop(reserved);
    for name in ["cut", "cut by a program", "reserved"] {
        assert!(bucket.object(name).unwrap() == vec![0; LENGTH], "{name}");
    }
    let parts = bucket.server.log().count(Operation::UploadPart);
    let once = LENGTH as u64 / (8 << 20);
    assert_eq!(parts, once, "the others are copied by the server");
}

#[test]
fn a_file_that_is_cut_while_it_is_open_is_stored_when_it_is_closed() {
    let bucket = empty();
    let file = File::create(bucket.at("file")).unwrap();
    file.set_len(24 * MIB as u64).unwrap();
    file.write_all_at(&noise(24 * MIB), 0).unwrap();
    drop(file);
    assert!(bucket.object("file").unwrap() == noise(24 * MIB));
    let log = bucket.server.log();
    assert_eq!(log.count(Operation::UploadPart), 3, "and not the zeros");
}
