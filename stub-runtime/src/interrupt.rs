//! Ctrl-C and SIGTERM: the first ends politely, the second at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::call::GRACE;
use crate::caller::{Canceller, Ender};
use crate::watch::say;

/// The exit status of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

/// What can be ended.
pub trait End: Sync {
    /// Ends it; what has been written is stored.
    fn end(&self);
}

impl End for Canceller {
    fn end(&self) {
        self.cancel(GRACE);
    }
}

impl End for Ender {
    fn end(&self) {
        self.cancel(GRACE);
    }
}

/// Whose a Ctrl-C is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtrlC {
    /// It ends what is run.
    Ends,
    /// What is run gets it from the terminal, and does what it wants.
    IsTheirs,
}

/// Who hears of signals; if nobody does, they end the process, as they end any other.
static HEARS: Mutex<Option<Sender<i32>>> = Mutex::new(None);

/// Nobody does from then on.
struct Close;

impl Drop for Close {
    fn drop(&mut self) {
        *hears() = None;
    }
}

fn hears() -> MutexGuard<'static, Option<Sender<i32>>> {
    HEARS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a thread listen to signals for good: handlers can't be taken back without a moment in which there are none.
/// Whether there is one.
fn listen() -> bool {
    static LISTENS: OnceLock<bool> = OnceLock::new();
    *LISTENS.get_or_init(|| {
        // Without signals, Ctrl-C ends the program at once, as it ends any other.
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else {
            return false;
        };
        let thread = thread::Builder::new().name("stub-signals".to_owned());
        let started = thread.spawn(move || {
            for signal in signals.forever() {
                let heard = hears().as_ref().is_some_and(|to| to.send(signal).is_ok());
                if !heard {
                    let _ = emulate_default_handler(signal);
                }
            }
        });
        started.is_ok()
    })
}

/// Runs something that SIGTERM ends, politely, however often it comes. Whether one came.
pub(crate) fn until_terminated<T>(what: &impl End, run: impl FnOnce() -> T) -> (T, bool) {
    until_signalled(what, CtrlC::Ends, false, run)
}

/// Runs something that a signal ends. Whether one came. The second one ends the process, with status
/// [`INTERRUPTED`].
pub fn until_interrupted<T>(what: &impl End, ctrl_c: CtrlC, run: impl FnOnce() -> T) -> (T, bool) {
    until_signalled(what, ctrl_c, true, run)
}

fn until_signalled<T>(
    what: &impl End,
    ctrl_c: CtrlC,
    second_exits: bool,
    run: impl FnOnce() -> T,
) -> (T, bool) {
    if !listen() {
        return (run(), false);
    }
    let is_interrupted = AtomicBool::new(false);
    let (sender, signals) = channel();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            for signal in signals {
                if signal == SIGINT && ctrl_c == CtrlC::IsTheirs {
                    continue;
                }
                if is_interrupted.swap(true, Ordering::AcqRel) {
                    if !second_exits {
                        continue;
                    }
                    // The supervisors notice, and clean up.
                    std::process::exit(INTERRUPTED.into());
                }
                say(if second_exits {
                    "ending, and storing what was written; once more ends it at once"
                } else {
                    "ending, and storing what was written"
                });
                what.end();
            }
        });
        *hears() = Some(sender);
        // Also if what is run panics: the thread above would be waited for.
        let _close = Close;
        run()
    });
    (result, is_interrupted.load(Ordering::Acquire))
}
