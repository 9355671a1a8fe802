//! Descriptors.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::error::{Errno, Result, SysError};

/// Takes over a descriptor that this process inherited, if it has the inode that the parent named.
/// The inode tells a socket made for us from any other file with that number.
pub(crate) fn take_descriptor(number: RawFd, expected_inode: u64) -> Option<OwnedFd> {
    if number < 0 {
        return None;
    }
    // SAFETY: only used for `fstat` below, which reports a closed descriptor as EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    if inode(borrowed).ok()? != expected_inode {
        return None;
    }
    // SAFETY: it is open, and the parent gave it to this process's runtime alone; nothing else
    // knows about it.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Returns whether standard input is open.
pub(crate) fn has_stdin() -> bool {
    fstat(std::io::stdin()).is_ok()
}

/// Returns the inode number of a descriptor; for a socket, it is unique among all open ones.
pub(crate) fn inode(fd: impl AsFd) -> Result<u64> {
    fstat(fd)
        .map(|stat| stat.st_ino)
        .map_err(SysError::new("fstat"))
}

/// Duplicates a descriptor to a number above the standard streams, closed on exec.
pub(crate) fn above_standard_streams(fd: impl AsFd) -> Result<OwnedFd> {
    let number =
        fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(3)).map_err(SysError::new("fcntl(F_DUPFD_CLOEXEC)"))?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Duplicates a descriptor so that it survives exec. For single-threaded processes: a concurrent
/// fork would inherit it.
pub(crate) fn inheritable(fd: impl AsFd) -> Result<OwnedFd> {
    let copy = above_standard_streams(fd)?;
    fcntl(&copy, FcntlArg::F_SETFD(FdFlag::empty())).map_err(SysError::new("fcntl(F_SETFD)"))?;
    Ok(copy)
}

/// Returns the descriptors beyond the standard streams that this process has inherited: all of its
/// own are closed on exec.
pub(crate) fn inherited() -> Vec<OwnedFd> {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let numbers: Vec<RawFd> = numbers.filter(|number| *number > 2).collect();
    let is_inherited = |number: &RawFd| {
        // SAFETY: only used for `fcntl`, which reports a closed descriptor as EBADF.
        let borrowed = unsafe { BorrowedFd::borrow_raw(*number) };
        let flags = fcntl(borrowed, FcntlArg::F_GETFD).map(FdFlag::from_bits_truncate);
        flags.is_ok_and(|flags| !flags.contains(FdFlag::FD_CLOEXEC))
    };
    let numbers = numbers.into_iter().filter(is_inherited);
    // SAFETY: they are open, and nothing in this process knows about them: what it opens itself is
    // closed on exec.
    numbers
        .map(|number| unsafe { OwnedFd::from_raw_fd(number) })
        .collect()
}

/// Returns whether a descriptor is that of a FIFO, a pipe or a regular file, by which its holder
/// reaches nothing else.
pub(crate) fn is_pipe_or_file(fd: &OwnedFd) -> bool {
    let kind = fstat(fd).map(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT);
    kind.is_ok_and(|kind| kind == SFlag::S_IFIFO || kind == SFlag::S_IFREG)
}

/// Points descriptor 0 at `/dev/null`.
pub(crate) fn replace_stdin() -> Result<()> {
    let null = open(
        "/dev/null",
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )
    .map_err(SysError::new("open(/dev/null)"))?;
    // SAFETY: descriptor 0 belongs to the process as a whole; both numbers are valid.
    let result = unsafe { libc::dup2(null.as_raw_fd(), 0) };
    Errno::result(result)
        .map(drop)
        .map_err(SysError::new("dup2(/dev/null, 0)"))
}

/// Opens a new connection to the kernel's FUSE driver.
pub(crate) fn open_fuse() -> Result<OwnedFd> {
    let fd = open("/dev/fuse", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(SysError::new("open(/dev/fuse)"))?;
    // Root may open a file that lies there, and `mount` would speak of an invalid argument.
    let status = fstat(&fd).map_err(SysError::new("fstat(/dev/fuse)"))?;
    if SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT != SFlag::S_IFCHR {
        return Err(SysError::new("open(/dev/fuse)")(Errno::ENOTTY));
    }
    // A mount's data string names this number; keep it off the standard streams.
    if fd.as_raw_fd() > 2 {
        Ok(fd)
    } else {
        above_standard_streams(fd)
    }
}
