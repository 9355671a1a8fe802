//! Networks.

use std::os::fd::AsRawFd;

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::error::{Errno, Result, SysError};

/// Moves this process, and processes that it starts from now on, into a network of its own, which has only
/// `localhost`.
pub(crate) fn leave_network() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(SysError::new("unshare(CLONE_NEWNET)"))?;
    bring_up_loopback()
}

fn bring_up_loopback() -> Result<()> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .map_err(SysError::new("socket(AF_INET)"))?;
    let mut name = [0; libc::IFNAMSIZ];
    for (to, from) in name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    let up = libc::IFF_UP | libc::IFF_RUNNING;
    let request = libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: i16::try_from(up).unwrap_or(i16::MAX),
        },
    };
    // SAFETY: the request lives through the call, which reads a name and flags from it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    Errno::result(result)
        .map(drop)
        .map_err(SysError::new("ioctl(SIOCSIFFLAGS, lo)"))
}
