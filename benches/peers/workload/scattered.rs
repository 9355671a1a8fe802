//! Workloads that read pieces of a file out of order.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::bucket::content::{self, BLOCK, GRAIN};

/// Size of a random read, in bytes.
pub const PIECE: u64 = 128 << 10;

/// Size of a large random read, in bytes.
pub const LARGE: u64 = 1 << 20;

/// Size of a column's piece in a large file, in bytes.
const COLUMN: u64 = 2 << 20;

/// Number of columns to read.
const COLUMNS: u64 = 8;

/// Seed of the random offsets, the same in every run.
const SEED: u64 = 7;

/// Reads pieces at random aligned offsets.
pub fn random(file: &Path, size: u64, reads: u32) -> io::Result<()> {
    let mut file = Pieces::open(file)?;
    let mut dice = fastrand::Rng::with_seed(SEED);
    for _ in 0..reads {
        file.read(dice.u64(..size / PIECE) * PIECE, PIECE)?;
    }
    Ok(())
}

/// Reads pieces at random offsets that are no multiples of a page.
pub fn unaligned(file: &Path, size: u64, piece: u64, reads: u32) -> io::Result<()> {
    let mut file = Pieces::open(file)?;
    let mut dice = fastrand::Rng::with_seed(SEED);
    for _ in 0..reads {
        // Odd, so never on a page's edge.
        file.read(dice.u64(..(size - piece) / 2) * 2 + 1, piece)?;
    }
    Ok(())
}

/// Reads blocks from the end to the beginning.
pub fn backward(file: &Path, size: u64) -> io::Result<()> {
    let mut file = Pieces::open(file)?;
    let block = BLOCK as u64;
    for n in (0..size / block).rev() {
        file.read(n * block, block)?;
    }
    Ok(())
}

/// Reads a little of every MiB.
pub fn strided(file: &Path, size: u64) -> io::Result<()> {
    let mut file = Pieces::open(file)?;
    for offset in (0..size).step_by(BLOCK) {
        file.read(offset, GRAIN as u64)?;
    }
    Ok(())
}

/// Reads like a Parquet reader: the footer, then some columns.
pub fn columns(file: &Path, size: u64) -> io::Result<()> {
    let mut file = Pieces::open(file)?;
    file.read(size - GRAIN as u64, GRAIN as u64)?;
    let apart = size / COLUMNS;
    for n in 0..COLUMNS {
        file.read(n * apart, COLUMN.min(apart))?;
    }
    Ok(())
}

/// Open file with the content of object 0.
pub struct Pieces {
    file: File,
    buffer: Vec<u8>,
}

impl Pieces {
    /// Opens a file.
    pub fn open(file: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(file)?,
            buffer: Vec::new(),
        })
    }

    /// Reads a piece, and glances at its bytes.
    pub fn read(&mut self, offset: u64, len: u64) -> io::Result<()> {
        self.buffer
            .resize(len.try_into().map_err(io::Error::other)?, 0);
        self.file.read_exact_at(&mut self.buffer, offset)?;
        // The bytes before the first whole grain have no mark.
        let grain = offset.next_multiple_of(GRAIN as u64);
        let marked = usize::try_from(grain - offset).map_err(io::Error::other)?;
        content::glance(self.buffer.get(marked..).unwrap_or_default(), 0, grain)
    }
}
