//! Writing through a shared mapping.
#![allow(unsafe_code, reason = "a map is unsafe by its nature")]

use std::fs::File;
use std::io;

use memmap2::MmapMut;

/// Writes a whole file through a mapping of it; the kernel chooses when to send the pages.
pub(crate) fn write_mapped(file: &File, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: nobody else has the file open, and it has the bytes' length.
    let mut map = unsafe { MmapMut::map_mut(file) }?;
    map.copy_from_slice(bytes);
    Ok(())
}
