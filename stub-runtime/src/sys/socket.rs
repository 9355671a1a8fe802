//! Sockets between our processes, and descriptors as messages.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType,
    UnixAddr, recvmsg, sendmsg, shutdown, socketpair,
};

use super::error::{Errno, Result, SysError};

/// Two connected stream sockets, closed on exec, neither of them a standard stream.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let (one, other) = socketpair(
        AddressFamily::Unix,
        SockType::Stream,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .map_err(SysError::new("socketpair"))?;
    Ok((lifted(one)?, lifted(other)?))
}

fn lifted(fd: OwnedFd) -> Result<OwnedFd> {
    if fd.as_raw_fd() > 2 {
        Ok(fd)
    } else {
        super::fd::above_standard_streams(fd)
    }
}

/// Sends bytes, and descriptors with the first of them. Returns how many bytes went out.
pub(crate) fn send(socket: impl AsFd, bytes: &[u8], with: &[BorrowedFd<'_>]) -> Result<usize> {
    let numbers: Vec<RawFd> = with.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = if numbers.is_empty() {
        &rights[..0]
    } else {
        &rights[..]
    };
    loop {
        let sent = sendmsg::<UnixAddr>(
            socket.as_fd().as_raw_fd(),
            &[IoSlice::new(bytes)],
            control,
            MsgFlags::MSG_NOSIGNAL,
            None,
        );
        match sent {
            Err(Errno::EINTR) => {}
            other => return other.map_err(SysError::new("sendmsg")),
        }
    }
}

/// Receives bytes and the descriptors that came with them. Zero bytes: the other end is gone.
pub(crate) fn receive(socket: impl AsFd, into: &mut [u8]) -> Result<(usize, Vec<OwnedFd>)> {
    let mut control = nix::cmsg_space!([RawFd; 8]);
    loop {
        let mut buffers = [IoSliceMut::new(into)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let raw = socket.as_fd().as_raw_fd();
        let message = match recvmsg::<UnixAddr>(raw, &mut buffers, Some(&mut control), flags) {
            Err(Errno::EINTR) => continue,
            // What a dead peer's unread messages turn into.
            Err(Errno::ECONNRESET) => return Ok((0, Vec::new())),
            other => other.map_err(SysError::new("recvmsg"))?,
        };
        let mut received = Vec::new();
        for part in message.cmsgs().map_err(SysError::new("recvmsg"))? {
            if let ControlMessageOwned::ScmRights(numbers) = part {
                // SAFETY: the kernel has just made these descriptors for us.
                received.extend(
                    numbers
                        .iter()
                        .map(|&fd| unsafe { OwnedFd::from_raw_fd(fd) }),
                );
            }
        }
        return Ok((message.bytes, received));
    }
}

/// Ends a connection for everyone who holds it.
pub(crate) fn shut_down(socket: impl AsFd) {
    // A connection that has ended already is what we want.
    let _ = shutdown(socket.as_fd().as_raw_fd(), Shutdown::Both);
}

/// Ends this end's half of a connection; the other end may go on.
pub(crate) fn shut_down_writing(socket: impl AsFd) {
    // A connection that has ended already is what we want.
    let _ = shutdown(socket.as_fd().as_raw_fd(), Shutdown::Write);
}

/// Waits until one of the sockets has something to be read or has ended, or until the time is over.
/// Says which.
pub(crate) fn wait_for_one(
    sockets: &[BorrowedFd<'_>],
    until: Option<Instant>,
) -> Result<Vec<bool>> {
    let mut watched: Vec<_> = sockets
        .iter()
        .map(|&socket| PollFd::new(socket, PollFlags::POLLIN))
        .collect();
    loop {
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now());
            // Not too early, or this would be a busy loop.
            let left = left.as_millis() + u128::from(left.subsec_nanos() % 1_000_000 > 0);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut watched, timeout) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(SysError::new("poll")(errno)),
            Ok(0) if until.is_some_and(|until| until > Instant::now()) => {}
            Ok(_) => break,
        }
    }
    Ok(watched
        .iter()
        .map(|one| one.any().unwrap_or(true))
        .collect())
}
