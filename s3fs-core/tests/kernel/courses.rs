//! Reading a file in other orders than from the beginning to the end.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use crate::noisy::{asked_for, check, file_of, gets};

const MIB: usize = 1 << 20;
const READ: usize = 128 << 10;

/// Returns all offsets in scattered order, each once.
fn scattered(length: usize) -> impl Iterator<Item = usize> {
    let places = length / READ;
    (0..places).map(move |n| n * 37 % places * READ)
}

#[test]
fn a_file_that_is_read_here_and_there_is_fetched_once_and_whole() {
    // 37 and the number of places have no common divisor.
    let (bucket, content) = file_of(16 * MIB, None);
    let file = File::open(bucket.at("file")).unwrap();
    for offset in scattered(content.len()) {
        check(&file, &content, offset, READ);
    }
    let asked = asked_for(&bucket);
    assert!(asked <= 24 * MIB, "{asked} bytes asked for");
    assert!(
        gets(&bucket) < 32,
        "{} requests for 128 reads",
        gets(&bucket)
    );
}

#[test]
fn what_is_covered_is_in_the_page_cache() {
    let (bucket, content) = file_of(16 * MIB, None);
    let file = File::open(bucket.at("file")).unwrap();
    for offset in scattered(content.len()).take(40) {
        check(&file, &content, offset, READ);
    }
    // The rest comes by itself.
    let start = Instant::now();
    while !is_resident(&file, content.len()) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it does not come"
        );
        thread::sleep(Duration::from_millis(20));
    }
    let _nobody_answers = bucket.stop();
    for offset in scattered(content.len()) {
        check(&file, &content, offset, READ);
    }
}

/// Returns whether every page of the file is in the page cache.
fn is_resident(file: &File, length: usize) -> bool {
    let output = std::process::Command::new("fincore")
        .args(["--bytes", "--noheadings", "--output", "RES"])
        .arg(format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            std::os::fd::AsRawFd::as_raw_fd(file)
        ))
        .output()
        .unwrap();
    let resident = String::from_utf8(output.stdout).unwrap();
    resident.trim().parse::<usize>().unwrap() >= length
}

#[test]
fn what_is_written_is_never_covered_by_what_was_there() {
    for round in 0..8_u8 {
        let (bucket, mut content) = file_of(6 * MIB, None);
        let reading = File::open(bucket.at("file")).unwrap();
        for offset in scattered(content.len()).take(6) {
            check(&reading, &content, offset, READ);
        }
        // The rest is on its way now.
        let writing = OpenOptions::new()
            .write(true)
            .open(bucket.at("file"))
            .unwrap();
        for (n, offset) in scattered(content.len()).enumerate().skip(6) {
            let bytes = vec![round.wrapping_add(n as u8); 5000];
            writing.write_all_at(&bytes, offset as u64).unwrap();
            content[offset..offset + 5000].copy_from_slice(&bytes);
            check(&reading, &content, offset, 5000);
        }
        for offset in scattered(content.len()) {
            check(&reading, &content, offset, READ);
        }
        writing.sync_all().unwrap();
        assert!(bucket.object("file").unwrap() == content);
        assert!(fs::read(bucket.at("file")).unwrap() == content);
    }
}

#[test]
fn a_backward_scan_takes_few_requests() {
    scan_backward(Duration::ZERO);
}

#[test]
fn what_came_ahead_of_a_slow_backward_scan_stays() {
    // All that was asked for has arrived before the rest of a piece is read.
    scan_backward(Duration::from_millis(20));
}

fn scan_backward(pause: Duration) {
    let (bucket, content) = file_of(32 * MIB, None);
    let file = File::open(bucket.at("file")).unwrap();
    for piece in (0..32).rev() {
        check(&file, &content, piece * MIB, MIB / 2);
        thread::sleep(pause);
        check(&file, &content, piece * MIB + MIB / 2, MIB / 2);
    }
    assert!(
        gets(&bucket) < 40,
        "{} requests for 32 pieces",
        gets(&bucket)
    );
    let asked = asked_for(&bucket);
    assert!(asked < 40 * MIB, "{asked} bytes asked for");
}

#[test]
fn pieces_of_a_large_file_cost_little_more_than_themselves() {
    // As a Parquet reader does: the end, then columns in order.
    let (bucket, content) = file_of(96 * MIB, None);
    let file = File::open(bucket.at("file")).unwrap();
    check(&file, &content, content.len() - 65_536, 65_536);
    for piece in 0..8 {
        check(&file, &content, (3 + 11 * piece) * MIB + 777, 2 * MIB);
    }
    let asked = asked_for(&bucket);
    assert!(
        asked < 64 * MIB,
        "{asked} bytes asked for, of 16 MiB wanted"
    );
}

#[test]
fn handles_of_one_file_share_what_was_fetched() {
    let (bucket, content) = file_of(8 * MIB, None);
    let path = bucket.at("file");
    let first = File::open(&path).unwrap();
    check(&first, &content, 0, MIB);
    thread::scope(|scope| {
        for n in 0..8 {
            let (path, content) = (&path, &content);
            scope.spawn(move || {
                let file = File::open(path).unwrap();
                for piece in 0..8 {
                    check(&file, content, (piece + n) % 8 * MIB, MIB);
                }
            });
        }
    });
    let asked = asked_for(&bucket);
    assert!(asked < 32 * MIB, "{asked} bytes asked for by 9 handles");
}
