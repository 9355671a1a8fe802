//! Files that are written under a temporary name first, so that others find them whole or not at all.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::sys;

/// Suffix of the name of a file that is being written.
pub(crate) const UNFINISHED: &str = ".unfinished";

/// Creates a file beside a path, which [`NamedTempFile::persist`] gives to it. It is removed if it is
/// dropped before. `mode` is that of `open(2)`: the `umask` applies.
pub(crate) fn create_beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let (Some(_), Some(folder)) = (path.file_name(), path.parent()) else {
        return Err(io::Error::from(ErrorKind::IsADirectory));
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options.custom_flags(sys::NO_FOLLOW);
    // The name is short, as the file's own may be as long as names can be.
    Builder::new()
        .prefix(".stub-")
        .suffix(UNFINISHED)
        .rand_bytes(16)
        .make_in(folder, |name| options.open(name))
}
