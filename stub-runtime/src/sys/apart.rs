//! Isolation of a process from other processes of its user: signals, IPC, keyring, capabilities.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::sched::{CloneFlags, unshare};

use super::error::{Errno, Result, SysError};

/// `struct landlock_ruleset_attr` of version 6.
#[repr(C)]
struct Ruleset {
    files: u64,
    network: u64,
    scoped: u64,
}

/// Ways of reaching other processes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// `LANDLOCK_SCOPE_SIGNAL`.
    Signals = 2,
    /// `LANDLOCK_SCOPE_SIGNAL` and `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`.
    SignalsAndAbstractSockets = 3,
}

/// Keeps this process, and processes that it starts from now on, from reaching all others. Requires
/// Linux 6.12.
pub(crate) fn leave_processes(scope: Scope) -> Result<()> {
    let ruleset = Ruleset {
        files: 0,
        network: 0,
        scoped: scope as u64,
    };
    // SAFETY: the kernel reads as many bytes as it is told from the ruleset, which lives through the call.
    let number = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const ruleset,
            size_of::<Ruleset>(),
            0,
        )
    };
    let number = Errno::result(number).map_err(SysError::new("landlock_create_ruleset"))?;
    let number = i32::try_from(number).unwrap_or(-1);
    // SAFETY: the kernel has just made this descriptor for us.
    let ruleset = unsafe { OwnedFd::from_raw_fd(number) };
    // SAFETY: reads nothing but the two numbers.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
    Errno::result(result)
        .map(drop)
        .map_err(SysError::new("landlock_restrict_self"))
}

/// Leaves the user's shared memory, semaphores and message queues of System V, and the keyring of
/// its session.
pub(crate) fn leave_session() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWIPC).map_err(SysError::new("unshare(CLONE_NEWIPC)"))?;
    // SAFETY: KEYCTL_JOIN_SESSION_KEYRING with no name makes a new one; no memory is touched.
    let _ = unsafe { libc::syscall(libc::SYS_keyctl, 1, 0_usize) };
    Ok(())
}

/// Withholds all capabilities from programs that are started from now on; this process keeps its
/// own. For use in a new user namespace, where none is inheritable.
pub(crate) fn withhold_capabilities() -> Result<()> {
    // SAFETY: takes numbers, touches no memory.
    let lower = unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::c_long::from(libc::PR_CAP_AMBIENT_CLEAR_ALL),
            0_usize,
            0_usize,
            0_usize,
        )
    };
    Errno::result(lower).map_err(SysError::new("prctl(PR_CAP_AMBIENT)"))?;
    for capability in 0..=63_usize {
        // SAFETY: takes numbers, touches no memory.
        let dropped =
            unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0_usize, 0_usize, 0_usize) };
        match Errno::result(dropped) {
            Ok(_) => {}
            // The kernel has no further capabilities.
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(SysError::new("prctl(PR_CAPBSET_DROP)")(errno)),
        }
    }
    Ok(())
}
