//! Signals.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::error::{Errno, Result, SysError};

extern "C" fn do_nothing(_signal: i32) {}

fn set(signal: Signal, handler: SigHandler) -> Result<()> {
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the only handler ever given is `do_nothing`, which is async-signal-safe.
    unsafe { sigaction(signal, &action) }
        .map(drop)
        .map_err(SysError::new(format!("sigaction({signal})")))
}

/// Unblocks all signals: the caller's thread may have had some blocked.
pub(crate) fn unblock_all() -> Result<()> {
    SigSet::empty()
        .thread_set_mask()
        .map_err(SysError::new("sigprocmask"))
}

/// Resets the handling of SIGCHLD, so that children can be waited for even if the parent process ignored it.
pub(crate) fn default_child_signal() -> Result<()> {
    set(Signal::SIGCHLD, SigHandler::SigDfl)
}

/// Ignores SIGPIPE, so that writing to a closed pipe is an error, as Rust's runtime does before `main`.
pub(crate) fn ignore_broken_pipes() -> Result<()> {
    set(Signal::SIGPIPE, SigHandler::SigIgn)
}

/// Outlives Ctrl-C, as [`outlive_ending_signals`] does.
pub(crate) fn outlive_interrupts() -> Result<()> {
    set(Signal::SIGINT, SigHandler::Handler(do_nothing))
}

/// Number of the signal that asks a process to end.
pub(crate) const SIGTERM: i32 = libc::SIGTERM;

/// Signals that can be handled and end a process by default, except those that report a fault of
/// its own, and SIGPIPE, which Rust's runtime ignores.
const ENDING: [Signal; 14] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGALRM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGVTALRM,
    Signal::SIGPROF,
    Signal::SIGIO,
    Signal::SIGPWR,
    Signal::SIGXCPU,
    Signal::SIGXFSZ,
    Signal::SIGSTKFLT,
];

/// Outlives all of [`ENDING`]: a terminal sends them to the whole process group. A handler instead of
/// `SIG_IGN`, because programs started from here would inherit the latter.
pub(crate) fn outlive_ending_signals() -> Result<()> {
    for signal in ENDING {
        set(signal, SigHandler::Handler(do_nothing))?;
    }
    Ok(())
}

/// Disposition of a signal in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Default action of the kernel.
    Default,
    /// Ignored, as `nohup` has programs ignore SIGHUP.
    Ignored,
    /// A handler of the program.
    Handled,
}

/// Signals that end a process by default, by number, with their dispositions.
pub(crate) fn ending_signals() -> impl Iterator<Item = (i32, Disposition)> {
    ending_numbers().map(|signal| (signal, disposition(signal)))
}

fn ending_numbers() -> impl Iterator<Item = i32> {
    let named = ENDING.map(|signal| signal as i32);
    named.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
}

fn disposition(signal: i32) -> Disposition {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action, the call only writes the present one, for which there is room.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: it is all zeros, or what the kernel has written; both are values of it.
    let action = unsafe { action.assume_init() };
    match action.sa_sigaction {
        _ if asked != 0 => Disposition::Default,
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignored,
        _ => Disposition::Handled,
    }
}

/// Ends this process by a signal that ends processes by default, whatever its handler is.
pub(crate) fn end_by(signal: i32) -> ! {
    // By number: real-time signals have no name.
    // SAFETY: all zeros are a disposition: the default one, with an empty mask.
    let action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    let only = set_of(std::iter::once(signal));
    // SAFETY: the action outlives the call and has no handler.
    unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    // SAFETY: the set outlives the call.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const only, std::ptr::null_mut()) };
    // SAFETY: takes a number, touches no memory.
    unsafe { libc::raise(signal) };
    // A handler was set in between.
    std::process::abort()
}

fn set_of(signals: impl Iterator<Item = i32>) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: there is room for the set, which the call makes empty.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: it was just made.
    let mut set = unsafe { set.assume_init() };
    for signal in signals {
        // SAFETY: changes one bit of the set, or refuses a number that it lacks.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    set
}

/// Holds back the signals that end processes by default, in this process's only thread. Programs that it
/// starts after this would inherit that.
pub(crate) fn hold_ending_signals() -> Result<()> {
    let ending = set_of(ending_numbers());
    // SAFETY: the set outlives the call.
    let refused =
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const ending, std::ptr::null_mut()) };
    match refused {
        0 => Ok(()),
        number => Err(SysError::new("sigprocmask")(Errno::from_raw(number))),
    }
}

/// Takes a pending signal that is held back. Returns whether the kernel or a process outside of
/// this pid namespace has sent it.
pub(crate) fn take_from_outside(signal: i32) -> bool {
    let wanted = set_of(std::iter::once(signal));
    let now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut is_from_outside = false;
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: there is room for the information; set and time outlive the call.
        let taken =
            unsafe { libc::sigtimedwait(&raw const wanted, info.as_mut_ptr(), &raw const now) };
        // SAFETY: it is all zeros, or what the kernel has written; both are values of it.
        let info = unsafe { info.assume_init() };
        if taken == signal {
            // SAFETY: the signals that are held back have a sender's id there, or zeros.
            is_from_outside |= unsafe { info.si_pid() } == 0;
        } else if Errno::last() != Errno::EINTR {
            return is_from_outside;
        }
    }
}

/// Ends of children, as a descriptor to wait for beside a socket.
#[derive(Debug)]
pub(crate) struct ChildSignals(SignalFd);

/// Cause of waking up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// A child may have ended.
    Child,
    /// The socket has a message, or its other end is gone.
    Socket,
}

impl ChildSignals {
    /// Blocks SIGCHLD in this thread and collects it here.
    pub(crate) fn new() -> Result<Self> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.thread_block()
            .map_err(SysError::new("sigprocmask(SIGCHLD)"))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        SignalFd::with_flags(&mask, flags)
            .map(Self)
            .map_err(SysError::new("signalfd(SIGCHLD)"))
    }

    /// Waits for the end of a child or for the socket.
    pub(crate) fn wait(&self, socket: BorrowedFd<'_>) -> Result<Woken> {
        let mut watched = [
            PollFd::new(self.0.as_fd(), PollFlags::POLLIN),
            PollFd::new(socket, PollFlags::POLLIN),
        ];
        while let Err(errno) = poll(&mut watched, PollTimeout::NONE) {
            if errno != Errno::EINTR {
                return Err(SysError::new("poll")(errno));
            }
        }
        while let Ok(Some(_)) = self.0.read_signal() {}
        let [_, socket] = watched.map(|one| one.any().unwrap_or(true));
        Ok(if socket { Woken::Socket } else { Woken::Child })
    }
}
