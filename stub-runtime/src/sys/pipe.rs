//! Pipes, and what waits in them and in sockets.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{pipe2, read};

use super::error::{Errno, Result, SysError};
use super::fd::above_standard_streams;

/// A pipe, closed on exec: the end from which one reads without waiting, and the other one.
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

/// What can be read without waiting: nothing if there is nothing yet, no bytes at the end.
pub(crate) fn read_now(pipe: impl AsFd, into: &mut [u8]) -> Result<Option<usize>> {
    loop {
        match read(&pipe, into) {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            read => return read.map(Some).map_err(SysError::new("read(pipe)")),
        }
    }
}

/// How many bytes of a pipe nobody has read; none if that can't be told.
pub(crate) fn unread(pipe: impl AsFd) -> usize {
    count(pipe, libc::FIONREAD)
}

/// About how many bytes that went into a socket the other end has not read; none if that can't be told.
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
