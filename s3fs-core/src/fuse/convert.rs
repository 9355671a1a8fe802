//! Conversion between the kernel's types and ours.

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    Errno, FileAttr, FileType, INodeNo, OpenAccMode, OpenFlags, RenameFlags, Request, TimeOrNow,
};

use crate::fs::{Allocate, Attr, Existing, FsError, Maker, OpenMode, SetXattr};
use crate::object::FileKind;
use crate::tree::NodeId;

/// Size, in bytes, in which programs should read and write files.
const FILE_BLOCK: u32 = 1 << 20;

/// Size, in bytes, in which programs should read folders. Otherwise the C library uses a buffer as
/// large as a file's block. A program that reads the attributes of each entry would then reach the
/// last ones after their cached attributes have expired.
const FOLDER_BLOCK: u32 = 4 << 10;

impl From<INodeNo> for NodeId {
    fn from(node: INodeNo) -> Self {
        Self(node.0)
    }
}

impl From<NodeId> for INodeNo {
    fn from(node: NodeId) -> Self {
        Self(node.0)
    }
}

pub(super) fn kind(attr: &Attr) -> FileType {
    match attr.kind {
        FileKind::Dir => FileType::Directory,
        FileKind::File => FileType::RegularFile,
        FileKind::Symlink => FileType::Symlink,
        FileKind::Fifo => FileType::NamedPipe,
        FileKind::Socket => FileType::Socket,
    }
}

/// Returns the kind of file that `mknod` is to create.
pub(super) fn node_kind(mode: u32) -> Result<FileKind, FsError> {
    match mode & libc::S_IFMT {
        0 | libc::S_IFREG => Ok(FileKind::File),
        libc::S_IFIFO => Ok(FileKind::Fifo),
        libc::S_IFSOCK => Ok(FileKind::Socket),
        _ => Err(FsError::NotPermitted("devices have no place in a bucket")),
    }
}

/// Returns the bits of a mode that `chmod` sets.
pub(super) fn permissions(mode: u32) -> u16 {
    (mode & 0o7777) as u16
}

pub(super) fn maker(request: &Request) -> Maker {
    Maker {
        uid: request.uid(),
        gid: request.gid(),
        thread: request.pid(),
    }
}

/// Returns whether a rename may replace an entry at the new name.
pub(super) fn replaces(flags: RenameFlags) -> Result<bool, FsError> {
    if flags.is_empty() {
        Ok(true)
    } else if flags == RenameFlags::RENAME_NOREPLACE {
        Ok(false)
    } else {
        Err(FsError::Invalid("S3 can't exchange two objects"))
    }
}

pub(super) fn set_xattr(flags: i32) -> SetXattr {
    match flags {
        libc::XATTR_CREATE => SetXattr::Create,
        libc::XATTR_REPLACE => SetXattr::Replace,
        _ => SetXattr::Any,
    }
}

pub(super) fn allocate(mode: i32) -> Result<Allocate, FsError> {
    const KEEP: i32 = libc::FALLOC_FL_KEEP_SIZE;
    const PUNCH: i32 = libc::FALLOC_FL_PUNCH_HOLE | KEEP;
    const ZERO: i32 = libc::FALLOC_FL_ZERO_RANGE;
    const ZERO_INSIDE: i32 = ZERO | KEEP;
    match mode {
        0 => Ok(Allocate::Extend),
        KEEP => Ok(Allocate::Reserve),
        PUNCH | ZERO_INSIDE => Ok(Allocate::Punch),
        ZERO => Ok(Allocate::Zero),
        _ => Err(FsError::NotSupported("bytes can't be moved within a file")),
    }
}

/// Returns the attributes as programs see them.
pub(super) fn file_attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(attr.number.0),
        size: attr.size,
        blocks: attr.size.div_ceil(512),
        atime: attr.accessed,
        mtime: attr.modified,
        ctime: attr.changed,
        crtime: attr.modified,
        kind: kind(attr),
        perm: attr.mode,
        nlink: attr.links,
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

/// Returns how `open` with `O_CREAT` treats an existing file.
pub(super) fn existing(flags: i32) -> Existing {
    if flags & libc::O_EXCL != 0 {
        Existing::Refuse
    } else if flags & libc::O_TRUNC != 0 {
        Existing::Truncate
    } else {
        Existing::Keep
    }
}

/// Returns whether the kernel knows an inode by the number that programs see.
pub(super) fn is_plain(attr: &Attr) -> bool {
    attr.node.0 == attr.number.0
}

/// Returns the attributes that come with an inode's number for the kernel, and their lifetime.
/// fuser has one field for that number and for the one that programs see. If they differ, the
/// lifetime is zero: the kernel asks for the attributes before a program sees them.
pub(super) fn entry_attr(attr: &Attr) -> (FileAttr, Duration) {
    let ttl = if is_plain(attr) {
        attr.attributes_valid
    } else {
        Duration::ZERO
    };
    let ino = attr.node.into();
    (
        FileAttr {
            ino,
            ..file_attr(attr)
        },
        ttl,
    )
}

/// Returns attributes for an entry of a listing of which the kernel is to know only the name and
/// number. The kernel rejects a file with a negative size, stores nothing of it, and returns one
/// reference of the inode of that number.
pub(super) fn name_only(attr: &Attr) -> FileAttr {
    FileAttr {
        size: u64::MAX,
        ..file_attr(attr)
    }
}

/// Returns the attributes of a name that the kernel is to remember as absent: the node number is 0.
pub(super) fn nothing() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 0,
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
        TimeOrNow::SpecificTime(time) => corrected(time),
        TimeOrNow::Now => SystemTime::now(),
    }
}

/// Corrects a time before 1970: fuser counts its nanoseconds backward, the kernel forward.
fn corrected(time: SystemTime) -> SystemTime {
    match UNIX_EPOCH.duration_since(time) {
        Ok(before) if before.subsec_nanos() > 0 => {
            let nanos = Duration::from_nanos(before.subsec_nanos().into());
            UNIX_EPOCH - Duration::from_secs(before.as_secs()) + nanos
        }
        _ => time,
    }
}

/// Logs an error and returns the number that the program sees.
pub(super) fn errno(operation: &'static str, ino: impl Display, error: &FsError) -> Errno {
    let errno = error.errno();
    match error {
        FsError::Store(_) | FsError::Write(_) => {
            let request = error.request();
            let request_id = request.and_then(|request| request.request_id.as_deref());
            tracing::warn!(
                operation,
                %ino,
                %error,
                %errno,
                request_id = request_id.map(|id| id.id.as_str()),
                extended_request_id = request_id.and_then(|id| id.extended.as_deref()),
                attempts = request.map(|request| request.attempts),
                elapsed = request.map(|request| tracing::field::debug(request.elapsed)),
                "failed"
            );
        }
        _ => tracing::debug!(operation, %ino, %error, %errno, "refused"),
    }
    Errno::from_i32(errno as i32)
}
