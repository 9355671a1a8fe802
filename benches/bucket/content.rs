//! Content of objects: noise in which every grain begins with its object's number and its own. Bytes of
//! another position or object are thus detected by checking only the marks.

use std::io;

/// Size of a sequential read or write, in bytes.
pub const BLOCK: usize = 1 << 20;

/// Size of the smallest byte range with its own number, in bytes.
pub const GRAIN: usize = 1 << 16;

/// Returns a block of noise, since a store could compress plain data or find zeros.
pub fn noise() -> Vec<u8> {
    stub_test_support::noise(BLOCK)
}

/// Marks the bytes as those of this object at this offset, which must be a grain's.
pub fn number(bytes: &mut [u8], object: u32, offset: u64) {
    for (grain, first) in bytes.chunks_mut(GRAIN).zip(first_grain(offset)..) {
        let mark = mark(object, first);
        let len = grain.len().min(mark.len());
        grain[..len].copy_from_slice(&mark[..len]);
    }
}

/// Checks the grains' numbers of this object's bytes at this offset.
#[allow(dead_code, reason = "each benchmark uses its part")]
pub fn glance(bytes: &[u8], object: u32, offset: u64) -> io::Result<()> {
    for (grain, first) in bytes.chunks(GRAIN).zip(first_grain(offset)..) {
        let mark = mark(object, first);
        if !grain.starts_with(&mark[..grain.len().min(mark.len())]) {
            let wrong = format!("grain {first} of object {object} is wrong");
            return Err(io::Error::other(wrong));
        }
    }
    Ok(())
}

/// Returns the bytes of a whole object.
pub fn object(object: u32, size: u64) -> Vec<u8> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut bytes = noise().repeat(size.div_ceil(BLOCK));
    bytes.truncate(size);
    number(&mut bytes, object, 0);
    bytes
}

/// Checks every byte of an object.
pub fn check(bytes: &[u8], object: u32, size: u64) -> io::Result<()> {
    if bytes.len() as u64 != size {
        let wrong = format!("{} bytes instead of {size}", bytes.len());
        return Err(io::Error::other(wrong));
    }
    let mut noise = noise();
    for (n, block) in (0..).zip(bytes.chunks(BLOCK)) {
        number(&mut noise, object, n * BLOCK as u64);
        if *block != noise[..block.len()] {
            return Err(io::Error::other(format!("block {n} is wrong")));
        }
    }
    Ok(())
}

fn first_grain(offset: u64) -> u64 {
    offset / GRAIN as u64
}

fn mark(object: u32, grain: u64) -> [u8; 8] {
    (u64::from(object) << 32 | grain).to_le_bytes()
}
