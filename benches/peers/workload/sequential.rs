//! Workloads that read or write a file from the beginning to the end.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::bucket::content::{self, BLOCK};

/// Reads a file with the content of this object of this size.
pub fn read(file: &Path, object: u32, size: u64) -> io::Result<()> {
    let mut file = File::open(file)?;
    let mut block = vec![0; BLOCK];
    for offset in (0..size).step_by(BLOCK) {
        file.read_exact(&mut block)?;
        content::glance(&block, object, offset)?;
    }
    match file.read(&mut block)? {
        0 => Ok(()),
        _ => Err(io::Error::other("the file is too long")),
    }
}

/// Writes a new file, and waits until it is stored.
pub fn write(file: &Path, size: u64) -> io::Result<()> {
    let mut block = content::noise();
    let mut file = File::create_new(file)?;
    for offset in (0..size).step_by(BLOCK) {
        content::number(&mut block, 0, offset);
        file.write_all(&block)?;
    }
    file.sync_all()
}
