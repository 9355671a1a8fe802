//! Pipes, and the amount of data that waits in them and in sockets.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{pipe2, read};

use super::error::{Errno, Result, SysError};
use super::fd::above_standard_streams;

/// Makes a pipe, closed on exec: a non-blocking end to read from, and the end to write to.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let (reading, writing) = pipe2(OFlag::O_CLOEXEC).map_err(SysError::new("pipe2"))?;
    let (reading, writing) = (
        above_standard_streams(reading)?,
        above_standard_streams(writing)?,
    );
    fcntl(&reading, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
        .map_err(SysError::new("fcntl(F_SETFL)"))?;
    Ok((reading, writing))
}

/// Reads without waiting. Returns nothing if no data is there yet, and 0 bytes at the end.
pub(crate) fn read_now(pipe: impl AsFd, into: &mut [u8]) -> Result<Option<usize>> {
    loop {
        match read(&pipe, into) {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            read => return read.map(Some).map_err(SysError::new("read(pipe)")),
        }
    }
}

/// Returns the number of unread bytes in a pipe; 0 if it can't be determined.
pub(crate) fn unread(pipe: impl AsFd) -> usize {
    count(pipe, libc::FIONREAD)
}

/// Returns the approximate number of bytes in a socket that the other end has not read; 0 if it
/// can't be determined.
pub(crate) fn unsent(socket: impl AsFd) -> usize {
    // The same number as `SIOCOUTQ`.
    count(socket, libc::TIOCOUTQ)
}

fn count(descriptor: impl AsFd, what: libc::Ioctl) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: the kernel writes one integer to the place that it is given, which lives through the call.
    let result = unsafe { libc::ioctl(descriptor.as_fd().as_raw_fd(), what, &raw mut count) };
    if result == 0 {
        usize::try_from(count).unwrap_or(0)
    } else {
        0
    }
}
