//! Signals that end a process by default. The first one ends a run with a grace period, the second
//! one at once, and the third one without any wait ([`Demands`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::caller::{Canceller, Ender};
use super::demands::Demands;
use crate::call::GRACE;
use crate::observe::watch::say;
use crate::sys;
use crate::sys::Disposition;

/// Exit status of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

/// A run that can be ended.
pub trait Interruptible: Sync {
    /// Ends the run by this signal, as far as it is handed on; stores what has been written.
    fn end(&self, signal: i32);

    /// Ends the run at once, and names the objects that are not stored. Returns whether that is possible.
    fn end_now(&self) -> bool {
        false
    }
}

impl Interruptible for Canceller {
    fn end(&self, signal: i32) {
        // What Ctrl-C means to a program at a terminal is not what it means to one that has none.
        let signal = if signal == SIGINT {
            sys::SIGTERM
        } else {
            signal
        };
        self.cancel_by(signal, GRACE);
    }

    fn end_now(&self) -> bool {
        Self::end_now(self);
        true
    }
}

impl Interruptible for Ender {
    fn end(&self, _signal: i32) {
        self.cancel(GRACE);
    }

    fn end_now(&self) -> bool {
        Self::end_now(self);
        true
    }
}

/// Handling of Ctrl-C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtrlC {
    /// Ctrl-C ends the run.
    Ends,
    /// The run gets Ctrl-C from the terminal, and handles it by itself.
    IsTheirs,
}

/// Signals that ask any program to end, also one that handles them itself.
const ASKING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Returns the numbers of the signals that end a run: those that would end this process, and
/// SIGHUP, SIGINT and SIGTERM also where it has handlers of its own. Signals that it was started to
/// ignore are not among them.
pub fn ending_signals() -> Vec<i32> {
    let ends = |(signal, is): &(i32, Disposition)| match is {
        Disposition::Default => true,
        Disposition::Ignored => false,
        Disposition::Handled => ASKING.contains(signal),
    };
    sys::ending_signals()
        .filter(ends)
        .map(|(signal, _)| signal)
        .collect()
}

/// Returns the signals for which this process has handlers of its own.
fn handled_signals() -> Vec<i32> {
    sys::ending_signals()
        .filter(|(_, is)| *is == Disposition::Handled)
        .map(|(signal, _)| signal)
        .collect()
}

/// Signal and the time when it came: a run that is being ended handles the next one late.
type Came = (i32, Instant);

/// Receiver of signals. Without one, signals end the process, as they end any other.
static HEARS: Mutex<Option<Sender<Came>>> = Mutex::new(None);

/// Guard that removes the receiver.
struct Close;

impl Drop for Close {
    fn drop(&mut self) {
        *hears() = None;
    }
}

fn hears() -> MutexGuard<'static, Option<Sender<Came>>> {
    HEARS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread that listens to signals for good: handlers can't be taken back without a moment
/// in which there are none. Returns whether there is such a thread.
fn listen() -> bool {
    static LISTENS: OnceLock<bool> = OnceLock::new();
    *LISTENS.get_or_init(|| {
        let handled = handled_signals();
        // Without signals, Ctrl-C ends the program at once, as it ends any other.
        let Ok(mut signals) = Signals::new(ending_signals()) else {
            return false;
        };
        let thread = thread::Builder::new().name("stub-signals".to_owned());
        let started = thread.spawn(move || {
            for signal in signals.forever() {
                let came = (signal, Instant::now());
                let heard = hears().as_ref().is_some_and(|to| to.send(came).is_ok());
                // Its own handler was called before.
                if !heard && !handled.contains(&signal) {
                    sys::end_by(signal);
                }
            }
        });
        started.is_ok()
    })
}

/// Runs a closure, which a signal ends with a grace period, also if it is repeated. Returns whether
/// a signal came.
pub(crate) fn until_terminated<T>(what: &impl Interruptible, run: impl FnOnce() -> T) -> (T, bool) {
    until_signalled(what, CtrlC::Ends, false, run)
}

/// Runs a closure, which a signal ends. Returns whether a signal came. The second signal ends the
/// run at once. The third one ends the process with status [`INTERRUPTED`], or the second one, if a
/// run can't be ended at once.
pub fn until_interrupted<T>(
    what: &impl Interruptible,
    ctrl_c: CtrlC,
    run: impl FnOnce() -> T,
) -> (T, bool) {
    until_signalled(what, ctrl_c, true, run)
}

fn until_signalled<T>(
    what: &impl Interruptible,
    ctrl_c: CtrlC,
    second_exits: bool,
    run: impl FnOnce() -> T,
) -> (T, bool) {
    if !listen() {
        return (run(), false);
    }
    let is_signalled = AtomicBool::new(false);
    let (sender, signals) = channel();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            let mut demands = Demands::default();
            for (signal, at) in signals {
                if signal == SIGINT && ctrl_c == CtrlC::IsTheirs {
                    continue;
                }
                let Some(number) = demands.on_signal(signal, at) else {
                    continue;
                };
                is_signalled.store(true, Ordering::Release);
                match number {
                    1 => {
                        say(if second_exits {
                            "ending, and storing what was written; once more ends it at once"
                        } else {
                            "ending, and storing what was written"
                        });
                        what.end(signal);
                    }
                    _ if !second_exits => {}
                    2 if what.end_now() => say("ending at once"),
                    // The supervisors notice, and clean up.
                    _ => std::process::exit(INTERRUPTED.into()),
                }
            }
        });
        *hears() = Some(sender);
        // Also if what is run panics: the thread above would be waited for.
        let _close = Close;
        run()
    });
    (result, is_signalled.load(Ordering::Acquire))
}

#[cfg(test)]
#[path = "interrupt_tests.rs"]
mod tests;
