//! Files and folders, opened without following links.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::{Group, User};

use super::error::{Result, SysError};

/// Flag of `open(2)`: fails where the last part of the path is a link.
pub(crate) const NO_FOLLOW: i32 = libc::O_NOFOLLOW;

/// Type of a directory entry or of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Regular,
    Folder,
    Link,
    Other,
}

/// Owner, permission bits and link count of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStatus {
    pub(crate) kind: FileKind,
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// Permission bits, with set-id and sticky bits.
    pub(crate) mode: u32,
    pub(crate) links: u64,
    /// True if nobody can write, as the file system is mounted read-only. Known only for open files.
    pub(crate) read_only: bool,
}

impl From<FileStat> for FileStatus {
    fn from(stat: FileStat) -> Self {
        let kind = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFREG => FileKind::Regular,
            SFlag::S_IFDIR => FileKind::Folder,
            SFlag::S_IFLNK => FileKind::Link,
            _ => FileKind::Other,
        };
        Self {
            kind,
            user: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o7777,
            #[allow(
                clippy::useless_conversion,
                clippy::unnecessary_cast,
                reason = "its width differs between machines"
            )]
            links: stat.st_nlink as u64,
            read_only: false,
        }
    }
}

/// Opens a folder to inspect its entries; follows links on the way.
pub(crate) fn open_folder(path: &Path) -> Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    open(path, flags, Mode::empty()).map_err(SysError::new(format!("open({})", path.display())))
}

/// Returns the status of an open file.
pub(crate) fn status(file: impl AsFd) -> Result<FileStatus> {
    let found = fstat(&file).map_err(SysError::new("fstat"))?;
    Ok(FileStatus {
        read_only: fstatvfs(&file).is_ok_and(|system| system.flags().contains(FsFlags::ST_RDONLY)),
        ..FileStatus::from(found)
    })
}

/// Returns the status of an entry of a folder; that of a link itself.
pub(crate) fn status_in(folder: BorrowedFd<'_>, name: &OsStr) -> Result<FileStatus> {
    fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)
        .map(FileStatus::from)
        .map_err(SysError::new(format!("fstatat({})", name.display())))
}

/// Returns the target of a link in a folder.
pub(crate) fn link_in(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OsString> {
    readlinkat(folder, name).map_err(SysError::new(format!("readlinkat({})", name.display())))
}

/// Opens an entry of a folder for reading, unless it is a link. Never waits for the writer of a FIFO.
pub(crate) fn open_in(folder: BorrowedFd<'_>, name: &OsStr) -> Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    openat(folder, name, flags, Mode::empty())
        .map(File::from)
        .map_err(SysError::new(format!("openat({})", name.display())))
}

/// Returns the home of a user, from the machine's list of users.
pub(crate) fn home_of(user: u32) -> Option<PathBuf> {
    let user = User::from_uid(user.into()).ok().flatten()?;
    Some(user.dir)
}

/// Returns whether a group is the private group of a user: it has the user's name, and no other members.
pub(crate) fn is_private_group(group: u32, user: u32) -> bool {
    let user = User::from_uid(user.into()).ok().flatten();
    let group = Group::from_gid(group.into()).ok().flatten();
    match (user, group) {
        (Some(user), Some(group)) => {
            group.name == user.name && group.mem.iter().all(|member| *member == user.name)
        }
        _ => false,
    }
}
