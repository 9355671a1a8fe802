//! Workloads that read a whole file in blocks, in random order.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::objects::IN_BLOCKS;
use crate::bucket::content;

/// Size of a small block, in bytes.
pub const SMALL: u64 = 256 << 10;

/// Size of a large block, in bytes.
pub const LARGE: u64 = 2 << 20;

/// Number of processes that share a descriptor.
const PROCESSES: usize = 4;

/// Seed of the order of the blocks, the same in every run.
const SEED: u64 = 11;

/// Reads all blocks of this size.
pub fn read(file: &Path, block: u64) -> io::Result<()> {
    read_each(&File::open(file)?, block, shuffled(block).into_iter())
}

/// Opens the file and reads it with processes that inherit the descriptor, each a share of the large
/// blocks.
pub fn share(file: &Path) -> io::Result<()> {
    let file = File::open(file)?;
    let readers: Vec<_> = (0..PROCESSES)
        .map(|share| {
            Command::new(std::env::current_exe()?)
                .args(["read-shared", &share.to_string()])
                .stdin(Stdio::from(file.try_clone()?))
                .spawn()
        })
        .collect::<io::Result<_>>()?;
    for mut reader in readers {
        let ended = reader.wait()?;
        if !ended.success() {
            return Err(io::Error::other(format!("a reader failed: {ended}")));
        }
    }
    Ok(())
}

/// Reads one process's share of the large blocks of the file that is its standard input.
pub fn read_shared(share: usize) -> io::Result<()> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let blocks = shuffled(LARGE).into_iter();
    read_each(&file, LARGE, blocks.skip(share).step_by(PROCESSES))
}

/// Returns the offsets of all blocks, in random order.
pub fn shuffled(block: u64) -> Vec<u64> {
    let mut offsets: Vec<u64> = (0..IN_BLOCKS / block).map(|n| n * block).collect();
    fastrand::Rng::with_seed(SEED).shuffle(&mut offsets);
    offsets
}

fn read_each(file: &File, block: u64, offsets: impl Iterator<Item = u64>) -> io::Result<()> {
    let mut buffer = vec![0; usize::try_from(block).map_err(io::Error::other)?];
    for offset in offsets {
        file.read_exact_at(&mut buffer, offset)?;
        content::glance(&buffer, 0, offset)?;
    }
    Ok(())
}
