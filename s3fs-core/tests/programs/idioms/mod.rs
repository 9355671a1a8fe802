//! What programs do to files and folders, each by itself: through system calls, without a program around.

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

/// Why a call failed, which it must.
#[track_caller]
fn errno<T: Debug>(result: Result<T, impl Into<io::Error>>) -> Errno {
    match result {
        Ok(value) => panic!("it succeeded: {value:?}"),
        Err(error) => Errno::from_io_error(&error.into()).unwrap(),
    }
}

/// Renames as `renameat2` does.
fn rename(from: &Path, to: &Path, flags: RenameFlags) -> rustix::io::Result<()> {
    renameat_with(CWD, from, CWD, to, flags)
}

/// Opens a file that is there for reading and writing.
#[track_caller]
fn open(path: &Path) -> File {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.unwrap()
}

/// Creates a file, empty if it was there, for reading and writing.
#[track_caller]
fn create(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    options.open(path).unwrap()
}

/// Whether there is something of this name, even a link to nothing.
fn there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether this is root, who may do what others may not.
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Whether the one who runs the tests may do this to a file.
fn may(path: &Path, access: Access) -> bool {
    rustix::fs::access(path, access).is_ok()
}
