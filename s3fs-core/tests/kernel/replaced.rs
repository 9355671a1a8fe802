//! Objects replaced by another client while they are read.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

use crate::mounted::{BUCKET, Bucket, errno, server};

const SIZE: usize = 6 << 20;

fn version(letter: u8) -> Vec<u8> {
    vec![letter; SIZE]
}

#[test]
fn the_next_open_sees_the_new_version_at_once() {
    let server = server();
    server.put(BUCKET, "file", "old");
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(fs::read(bucket.at("file")).unwrap(), b"old");
    for round in 0..10 {
        let text = format!("new {round}");
        bucket.server.put(BUCKET, "file", text.clone());
        assert_eq!(fs::read_to_string(bucket.at("file")).unwrap(), text);
    }
    bucket.server.delete(BUCKET, "file");
    assert_eq!(errno(fs::read(bucket.at("file"))), Errno::ENOENT);
}

#[test]
fn a_handle_never_mixes_two_versions() {
    let server = server();
    server.put(BUCKET, "file", version(b'a'));
    let bucket = Bucket::mount(server, |_| {});
    let old = File::open(bucket.at("file")).unwrap();
    let mut byte = [0; 1];
    old.read_exact_at(&mut byte, 0).unwrap();
    bucket.server.put(BUCKET, "file", version(b'b'));
    let new = fs::read(bucket.at("file")).unwrap();
    assert!(new.iter().all(|byte| *byte == b'b'));
    for offset in (0..SIZE as u64).step_by(64 << 10) {
        // Old bytes that were fetched before, or an error; new ones never.
        match old.read_exact_at(&mut byte, offset) {
            Ok(()) => assert_eq!(byte, [b'a'], "at {offset}"),
            Err(error) => {
                assert!([Some(libc::EIO), Some(libc::ESTALE)].contains(&error.raw_os_error()));
            }
        }
    }
}

#[test]
fn readers_during_many_replacements_see_whole_versions() {
    let server = server();
    server.put(BUCKET, "file", version(b'a'));
    let bucket = Bucket::mount(server, |_| {});
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (bucket, done) = (&bucket, &done);
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(move || {
                    let mut whole = 0;
                    while !done.load(Ordering::Relaxed) {
                        let Ok(bytes) = fs::read(bucket.at("file")) else {
                            continue;
                        };
                        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "a mixture");
                        assert_eq!(bytes.len(), SIZE);
                        whole += 1;
                    }
                    whole
                })
            })
            .collect();
        for round in 0..30 {
            bucket
                .server
                .put(BUCKET, "file", version(b'a' + round % 26));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        done.store(true, Ordering::Relaxed);
        let whole: u32 = readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum();
        assert!(whole > 0);
    });
}

#[test]
fn an_object_that_grows_and_shrinks_is_read_at_its_present_size() {
    let server = server();
    server.put(BUCKET, "file", "");
    let bucket = Bucket::mount(server, |_| {});
    for length in [3_000_000_usize, 10, 0, 700_000, 5_000_000, 1] {
        assert!(bucket.at("file").exists());
        bucket.server.put(BUCKET, "file", vec![b'x'; length]);
        assert_eq!(fs::read(bucket.at("file")).unwrap().len(), length);
    }
}
