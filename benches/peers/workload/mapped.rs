//! Workloads on a memory-mapped file.

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::path::Path;

use memmap2::Mmap;

use super::blocks;
use super::objects::IN_BLOCKS;
use crate::bucket::content::{self, BLOCK};

/// Maps a file of blocks, without advice to the kernel, and sums them in random order.
pub fn shuffled(file: &Path) -> io::Result<()> {
    let bytes = map(file, IN_BLOCKS)?;
    let mut sum = 0;
    let length = usize::try_from(blocks::LARGE).map_err(io::Error::other)?;
    for offset in blocks::shuffled(blocks::LARGE) {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let block = &bytes[start..start + length];
        sum = add(sum, block);
        content::glance(block, 0, offset)?;
    }
    black_box(sum);
    Ok(())
}

/// Maps a file with object 0 of this size, without advice to the kernel, and sums its bytes.
pub fn sum(file: &Path, size: u64) -> io::Result<()> {
    let bytes = map(file, size)?;
    let mut sum = 0;
    for (n, block) in (0..).zip(bytes.chunks(BLOCK)) {
        sum = add(sum, block);
        content::glance(block, 0, n * BLOCK as u64)?;
    }
    black_box(sum);
    Ok(())
}

fn map(file: &Path, size: u64) -> io::Result<Mmap> {
    let file = File::open(file)?;
    #[allow(unsafe_code, reason = "there is no safe way to map a file")]
    // SAFETY: nobody changes the object while it is measured.
    let bytes = unsafe { Mmap::map(&file) }?;
    if bytes.len() as u64 != size {
        return Err(io::Error::other("the file has another size"));
    }
    Ok(bytes)
}

fn add(sum: u64, block: &[u8]) -> u64 {
    let words = block.chunks_exact(8).filter_map(<[u8]>::first_chunk);
    words.fold(sum, |sum, word| sum.wrapping_add(u64::from_ne_bytes(*word)))
}
