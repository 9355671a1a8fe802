//! Reading a file in blocks or pieces anywhere, each of which is several requests of the kernel.

use std::fs::File;
use std::thread;

use memmap2::Mmap;

use crate::mounted::Bucket;
use crate::noisy::{asked_for, check, file_of, gets};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Memory that is too small for files of 64 MiB to be fetched whole.
const SMALL_BUDGET: u64 = 12 << 20;

/// Returns offsets of pieces that neither touch each other nor begin at a page, in random order.
fn unaligned(length: usize, apart: usize) -> Vec<usize> {
    let mut offsets: Vec<_> = (1..length / apart).map(|n| n * apart + 777).collect();
    fastrand::Rng::with_seed(3).shuffle(&mut offsets);
    offsets
}

/// Returns the offsets of all blocks of a file, in random order.
fn shuffled(length: usize, block: usize) -> Vec<usize> {
    let mut offsets: Vec<_> = (0..length / block).map(|n| n * block).collect();
    fastrand::Rng::with_seed(3).shuffle(&mut offsets);
    offsets
}

/// Fails if a pass over a file fetched much more than the file, or in small pieces.
fn expect_one_pass(bucket: &Bucket, length: usize) {
    let (asked, gets) = (asked_for(bucket), gets(bucket));
    assert!(5 * asked <= 6 * length, "{asked} bytes asked for");
    assert!(gets <= 2 * length / MIB, "{gets} requests");
}

#[test]
fn a_read_at_an_odd_offset_is_one_request() {
    let (bucket, content) = file_of(64 * MIB, Some(SMALL_BUDGET));
    let file = File::open(bucket.at("file")).unwrap();
    let offsets = unaligned(content.len(), MIB);
    for &offset in &offsets {
        check(&file, &content, offset, 128 * KIB);
    }
    let (gets, reads) = (gets(&bucket), offsets.len());
    assert!(10 * gets <= 11 * reads, "{gets} requests for {reads} reads");
}

#[test]
fn a_block_is_one_request_where_the_file_is_too_large_to_be_fetched_whole() {
    let (bucket, content) = file_of(96 * MIB, Some(SMALL_BUDGET));
    let file = File::open(bucket.at("file")).unwrap();
    let offsets = unaligned(content.len(), 3 * MIB);
    for &offset in &offsets {
        check(&file, &content, offset, MIB);
    }
    let (gets, asked, reads) = (gets(&bucket), asked_for(&bucket), offsets.len());
    // Nothing is known of the first ones.
    assert!(gets <= reads + 8, "{gets} requests for {reads} reads");
    assert!(5 * asked <= 8 * reads * MIB, "{asked} bytes asked for");
}

#[test]
fn reads_at_odd_offsets_fetch_a_file_whole() {
    let (bucket, content) = file_of(64 * MIB, None);
    let file = File::open(bucket.at("file")).unwrap();
    let offsets = unaligned(content.len(), 512 * KIB);
    for &offset in &offsets {
        check(&file, &content, offset, 128 * KIB);
    }
    let (gets, asked, reads) = (gets(&bucket), asked_for(&bucket), offsets.len());
    assert!(2 * gets <= reads, "{gets} requests for {reads} reads");
    assert!(5 * asked <= 6 * content.len(), "{asked} bytes asked for");
}

#[test]
fn blocks_in_random_order_fetch_the_file_once() {
    for block in [256 * KIB, 2 * MIB] {
        let (bucket, content) = file_of(96 * MIB, None);
        let file = File::open(bucket.at("file")).unwrap();
        for offset in shuffled(content.len(), block) {
            check(&file, &content, offset, block);
        }
        expect_one_pass(&bucket, content.len());
    }
}

#[test]
fn readers_of_one_descriptor_fetch_the_file_once() {
    let (bucket, content) = file_of(96 * MIB, None);
    let file = File::open(bucket.at("file")).unwrap();
    let offsets = shuffled(content.len(), 2 * MIB);
    thread::scope(|scope| {
        for share in 0..4 {
            let (file, content, offsets) = (&file, &content, &offsets);
            scope.spawn(move || {
                for &offset in offsets.iter().skip(share).step_by(4) {
                    check(file, content, offset, 2 * MIB);
                }
            });
        }
    });
    expect_one_pass(&bucket, content.len());
}

#[test]
fn mapped_blocks_in_random_order_fetch_the_file_once() {
    let (bucket, content) = file_of(96 * MIB, None);
    let file = File::open(bucket.at("file")).unwrap();
    #[allow(unsafe_code, reason = "there is no safe way to map a file")]
    // SAFETY: nobody changes the object meanwhile.
    let mapped = unsafe { Mmap::map(&file) }.unwrap();
    for offset in shuffled(content.len(), 2 * MIB) {
        let block = offset..offset + 2 * MIB;
        assert!(mapped[block.clone()] == content[block], "{offset}");
    }
    expect_one_pass(&bucket, content.len());
}
