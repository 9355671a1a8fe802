//! Workload on a memory-mapped file.

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::path::Path;

use memmap2::Mmap;

use crate::bucket::content::{self, BLOCK};

/// Maps a file with object 0 of this size, without advice to the kernel, and sums its bytes.
pub fn sum(file: &Path, size: u64) -> io::Result<()> {
    let file = File::open(file)?;
    #[allow(unsafe_code, reason = "there is no safe way to map a file")]
    // SAFETY: nobody changes the object while it is measured.
    let bytes = unsafe { Mmap::map(&file) }?;
    if bytes.len() as u64 != size {
        return Err(io::Error::other("the file has another size"));
    }
    let mut sum = 0_u64;
    for (n, block) in (0..).zip(bytes.chunks(BLOCK)) {
        let words = block.chunks_exact(8).filter_map(<[u8]>::first_chunk);
        sum = words.fold(sum, |sum, word| sum.wrapping_add(u64::from_ne_bytes(*word)));
        content::glance(block, 0, n * BLOCK as u64)?;
    }
    black_box(sum);
    Ok(())
}
