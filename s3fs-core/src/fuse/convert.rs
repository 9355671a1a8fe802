//! Between the kernel's types and ours.

use std::time::SystemTime;

use fuser::{Errno, FileAttr, FileType, INodeNo, OpenAccMode, OpenFlags, TimeOrNow};

use crate::fs::{Attr, FsError, OpenMode};
use crate::tree::Ino;

/// What programs should read and write at a time.
const FILE_BLOCK: u32 = 1 << 20;

/// How much of a folder programs should read at a time. The C library would make its buffer as large
/// as a file's block, and a program that looks at each entry would come to the last of so many when
/// what is known of them is out of date.
const FOLDER_BLOCK: u32 = 4 << 10;

impl From<INodeNo> for Ino {
    fn from(ino: INodeNo) -> Self {
        Self(ino.0)
    }
}

impl From<Ino> for INodeNo {
    fn from(ino: Ino) -> Self {
        Self(ino.0)
    }
}

pub(super) fn kind(attr: &Attr) -> FileType {
    if attr.is_dir {
        FileType::Directory
    } else {
        FileType::RegularFile
    }
}

pub(super) fn file_attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: attr.ino.into(),
        size: attr.size,
        blocks: attr.size.div_ceil(512),
        atime: attr.modified,
        mtime: attr.modified,
        ctime: attr.modified,
        crtime: attr.modified,
        kind: kind(attr),
        perm: attr.mode,
        nlink: if attr.is_dir { 2 } else { 1 },
        uid: attr.uid,
        gid: attr.gid,
        rdev: 0,
        blksize: if attr.is_dir {
            FOLDER_BLOCK
        } else {
            FILE_BLOCK
        },
        flags: 0,
    }
}

pub(super) fn open_mode(flags: OpenFlags) -> OpenMode {
    match flags.acc_mode() {
        OpenAccMode::O_RDONLY => OpenMode::Read,
        OpenAccMode::O_WRONLY | OpenAccMode::O_RDWR => OpenMode::Write {
            truncate: flags.0 & libc::O_TRUNC != 0,
        },
    }
}

pub(super) fn time(time: TimeOrNow) -> SystemTime {
    match time {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => SystemTime::now(),
    }
}

/// The program sees a number; the cause stands in the log.
pub(super) fn errno(operation: &'static str, ino: Ino, error: &FsError) -> Errno {
    let errno = error.errno();
    match error {
        FsError::Store(_) | FsError::Write(_) => {
            tracing::warn!(operation, %ino, %error, %errno, "failed");
        }
        _ => tracing::debug!(operation, %ino, %error, %errno, "refused"),
    }
    Errno::from_i32(errno as i32)
}
