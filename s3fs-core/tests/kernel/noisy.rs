//! Bucket with one file of noise, and what reading it asked the server for.

use std::fs::File;
use std::os::unix::fs::FileExt;

use s3_local::Operation;
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, server};

/// Mounts a bucket with one file of noise, with a limit in bytes on memory for file contents.
pub(crate) fn file_of(length: usize, budget: Option<u64>) -> (Bucket, Vec<u8>) {
    let server = server();
    let content = noise(length);
    server.put(BUCKET, "file", content.clone());
    (Bucket::mount_with(server, budget, |_| {}), content)
}

/// Returns the number of GETs.
pub(crate) fn gets(bucket: &Bucket) -> usize {
    bucket.server.log().count(Operation::GetObject) as usize
}

/// Returns the number of requested bytes.
pub(crate) fn asked_for(bucket: &Bucket) -> usize {
    let requests = bucket.server.log().requests();
    let ranges = requests
        .iter()
        .filter_map(|request| request.range.as_deref());
    ranges
        .map(|range| {
            let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            to.parse::<usize>().unwrap() + 1 - from.parse::<usize>().unwrap()
        })
        .sum()
}

/// Reads a piece of the file, and compares it with the content.
pub(crate) fn check(file: &File, content: &[u8], offset: usize, length: usize) {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset as u64).unwrap();
    assert!(bytes == content[offset..offset + length], "{offset}");
}
