//! Single operations on files and folders, by system calls, without a program around.

mod attributes;
mod direct;
mod folders;
mod holes;
mod links;
mod listing;
mod locks;
mod mapping;
mod moving;
mod names;
mod nodes;
mod open_files;
mod ranges;
mod refused;
mod renaming;
mod replacing;
mod sharing;
mod writing;
mod xattrs;

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{Access, CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Returns the errno of a call that must fail.
#[track_caller]
fn errno<T: Debug>(result: Result<T, impl Into<io::Error>>) -> Errno {
    match result {
        Ok(value) => panic!("it succeeded: {value:?}"),
        Err(error) => Errno::from_io_error(&error.into()).unwrap(),
    }
}

/// Renames with `renameat2`.
fn rename(from: &Path, to: &Path, flags: RenameFlags) -> rustix::io::Result<()> {
    renameat_with(CWD, from, CWD, to, flags)
}

/// Opens an existing file for reading and writing.
#[track_caller]
fn open(path: &Path) -> File {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.unwrap()
}

/// Creates or truncates a file, for reading and writing.
#[track_caller]
fn create(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    options.open(path).unwrap()
}

/// Returns whether the name exists, even as a dangling link.
fn there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Returns whether the current user may access a file in this way.
fn may(path: &Path, access: Access) -> bool {
    rustix::fs::access(path, access).is_ok()
}
