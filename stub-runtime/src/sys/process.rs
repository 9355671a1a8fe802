//! Processes.
//!
//! Invariant of `clone_into_namespaces`: the caller has one thread, so the child, a copy of it, may
//! do everything that the parent could (allocate, take locks, start programs).

use std::ffi::{CString, OsStr};
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getegid, geteuid};
use serde::{Deserialize, Serialize};

use super::error::{Errno, Result, SysError};

/// Side of a clone that this process is on.
#[derive(Debug)]
pub(crate) enum Clone {
    /// New process.
    Child,
    /// Old process, with the new one's process id as the old one sees it.
    Parent(i32),
}

/// Effective ids of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// End of the process that did the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WorkerEnd {
    Exited(i32),
    Killed(i32),
}

/// Copies this process into new mount and pid namespaces, and a user namespace if asked for. In
/// the child, only the calling thread exists.
pub(crate) fn clone_into_namespaces(new_user: bool) -> Result<Clone> {
    let mut flags = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::SIGCHLD;
    if new_user {
        flags |= libc::CLONE_NEWUSER;
    }
    // SAFETY: without CLONE_VM this is a fork; a null stack makes the child continue on its copy
    // of ours. The caller has one thread, so no lock is held by a thread that the child lacks.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone,
            libc::c_long::from(flags),
            0_usize,
            0_usize,
            0_usize,
            0_usize,
        )
    };
    match pid {
        0 => Ok(Clone::Child),
        1.. => Ok(Clone::Parent(i32::try_from(pid).unwrap_or(i32::MAX))),
        _ => Err(SysError::last(if new_user {
            "clone(CLONE_NEWUSER|CLONE_NEWNS|CLONE_NEWPID)"
        } else {
            "clone(CLONE_NEWNS|CLONE_NEWPID)"
        })),
    }
}

pub(crate) fn effective_ids() -> Ids {
    Ids {
        user: geteuid().as_raw(),
        group: getegid().as_raw(),
    }
}

/// Has the kernel kill this process when its parent dies. A parent that is dead already must be
/// noticed by other means.
pub(crate) fn set_death_signal() -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(SysError::new("prctl(PR_SET_PDEATHSIG)"))
}

/// Returns the kernel's release, such as `6.18.0`.
pub(crate) fn kernel_release() -> String {
    nix::sys::utsname::uname().map_or_else(
        |_| "of an unknown release".to_owned(),
        |name| name.release().to_string_lossy().into_owned(),
    )
}

/// Closes this process's memory and environment to processes of the same user, until it execs.
pub(crate) fn set_undumpable() -> Result<()> {
    prctl::set_dumpable(false).map_err(SysError::new("prctl(PR_SET_DUMPABLE)"))
}

/// Keeps programs started from here on from gaining privileges by exec.
pub(crate) fn set_no_new_privileges() -> Result<()> {
    prctl::set_no_new_privs().map_err(SysError::new("prctl(PR_SET_NO_NEW_PRIVS)"))
}

/// Sets the name of the process in `ps` and `top`; cut at 15 bytes.
pub(crate) fn set_name(name: &str) -> Result<()> {
    let name = CString::new(name).unwrap_or_default();
    prctl::set_name(&name).map_err(SysError::new("prctl(PR_SET_NAME)"))
}

/// Kills one process; succeeds if it is gone already.
pub(crate) fn kill(pid: i32) -> Result<()> {
    match nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(SysError::new(format!("kill({pid})"))(errno)),
    }
}

/// Kills every other process of this process's pid namespace. Panics if that would be the host's.
pub(crate) fn kill_everyone() -> Result<()> {
    signal_everyone(libc::SIGKILL)
}

/// Sends a signal that may be handled to every other process of this pid namespace, like [`kill_everyone`].
pub(crate) fn ask_everyone(signal: i32) -> Result<()> {
    signal_everyone(signal)
}

/// Sends a signal like [`ask_everyone`], except to processes in this process's own group, which have
/// it already. Without a `/proc` of its own pid namespace, it sends the signal to all.
pub(crate) fn ask_other_groups(signal: i32) -> Result<()> {
    let own = nix::unistd::getpgrp();
    let Some(processes) = own_processes() else {
        return ask_everyone(signal);
    };
    let others = processes.into_iter().filter(|pid| *pid != 1);
    reach(others, |pid| {
        if nix::unistd::getpgid(Some(Pid::from_raw(pid))) == Ok(own) {
            return Ok(());
        }
        // SAFETY: takes two numbers, touches no memory.
        Errno::result(unsafe { libc::kill(pid, signal) }).map(drop)
    })
    .map_err(|(pid, errno)| SysError::new(format!("kill({pid}, {signal})"))(errno))
}

/// Signals processes, each by `send`. Like `kill(-1)`, it passes over those that refuse, and fails
/// only if all that are there do.
fn reach(
    processes: impl Iterator<Item = i32>,
    send: impl Fn(i32) -> std::result::Result<(), Errno>,
) -> std::result::Result<(), (i32, Errno)> {
    let mut is_reached = false;
    let mut refused = None;
    for pid in processes {
        match send(pid) {
            Ok(()) => is_reached = true,
            Err(Errno::ESRCH) => {}
            Err(errno) => refused = refused.or(Some((pid, errno))),
        }
    }
    match refused {
        Some(refused) if !is_reached => Err(refused),
        _ => Ok(()),
    }
}

/// Returns the process ids of this process's pid namespace, if `/proc` shows that one.
fn own_processes() -> Option<Vec<i32>> {
    let shown = std::fs::read_link("/proc/self").ok()?;
    if shown.to_str()? != nix::unistd::getpid().to_string() {
        return None;
    }
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Some(numbers.collect())
}

/// Returns whether this process, the first of its pid namespace, is the only one in it.
pub(crate) fn is_alone() -> bool {
    nix::sys::signal::kill(Pid::from_raw(-1), None) == Err(Errno::ESRCH)
}

fn signal_everyone(signal: i32) -> Result<()> {
    assert_eq!(
        nix::unistd::getpid().as_raw(),
        1,
        "only a pid namespace's first process may"
    );
    // By number: real-time signals have no name.
    // SAFETY: takes two numbers, touches no memory.
    if unsafe { libc::kill(-1, signal) } == 0 {
        return Ok(());
    }
    match Errno::last() {
        Errno::ESRCH => Ok(()),
        errno => Err(SysError::new(format!("kill(-1, {signal})"))(errno)),
    }
}

/// Reaps any child that has ended; waits for one if `block` is true.
///
/// Returns `Ok(None)` if no child is left, or none has ended.
pub(crate) fn reap(block: bool) -> Result<Option<(i32, WorkerEnd)>> {
    let flags = if block {
        WaitPidFlag::empty()
    } else {
        WaitPidFlag::WNOHANG
    };
    loop {
        match waitpid(None, Some(flags)) {
            Ok(WaitStatus::Exited(pid, code)) => {
                return Ok(Some((pid.as_raw(), WorkerEnd::Exited(code))));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                return Ok(Some((pid.as_raw(), WorkerEnd::Killed(signal as i32))));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(None),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(SysError::new("waitpid(-1)")(errno)),
        }
    }
}

/// Waits until a child has ended, and leaves it to be reaped: until then, no other process gets its id.
pub(crate) fn wait_for_end(pid: i32) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(pid)), flags) == Err(Errno::EINTR) {}
}

/// Reaps a child when it has ended, or waits until the deadline. Returns whether it is gone.
pub(crate) fn wait_for_until(pid: i32, until: Instant) -> bool {
    const PAUSE: Duration = Duration::from_millis(1);
    loop {
        match waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) if Instant::now() >= until => return false,
            Ok(WaitStatus::StillAlive) => std::thread::sleep(PAUSE),
            Err(Errno::EINTR) => {}
            // Reaped, or no child of this process.
            _ => return true,
        }
    }
}

/// Returns whether this program runs with privileges that its user lacks (set-user-id and the
/// like). Its environment must then not be trusted.
pub(crate) fn secure_execution() -> bool {
    // SAFETY: reads a value the kernel put beside the environment.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Sets a variable of this process. Must be called before it has a second thread.
pub(crate) fn set_variable(name: &OsStr, value: &OsStr) {
    // SAFETY: called before this process has a second thread, so nobody reads the environment.
    unsafe { std::env::set_var(name, value) }
}

/// Removes a variable of this process. Must be called before it has a second thread.
pub(crate) fn remove_variable(name: &str) {
    // SAFETY: called before this process has a second thread, so nobody reads the environment.
    unsafe { std::env::remove_var(name) }
}

/// Ends the process without running exit handlers.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: never returns, touches no memory.
    unsafe { libc::_exit(code) }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_whose_end_was_waited_for_keeps_its_id_until_it_is_reaped() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        wait_for_end(pid);
        kill(pid).unwrap();
        assert!(child.wait().unwrap().success());
    }
    #[test]
    fn a_process_that_refuses_a_signal_keeps_it_from_no_other() {
        let gone = Err(Errno::ESRCH);
        let refuses = Err(Errno::EPERM);
        let answers = |answers: [std::result::Result<(), Errno>; 3]| {
            let sent = RefCell::new(Vec::new());
            let reached = reach(0..3, |pid| {
                sent.borrow_mut().push(pid);
                answers[usize::try_from(pid).unwrap()]
            });
            assert_eq!(sent.into_inner(), [0, 1, 2]);
            reached
        };
        assert_eq!(answers([Ok(()), refuses, Ok(())]), Ok(()));
        assert_eq!(answers([refuses, gone, Ok(())]), Ok(()));
        assert_eq!(answers([gone, refuses, gone]), Err((1, Errno::EPERM)));
        assert_eq!(answers([gone; 3]), Ok(()));
    }
}
