//! Ctrl-C and SIGTERM: the first ends politely, the second at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::call::GRACE;
use crate::caller::{Background, Canceller, Ender};
use crate::sys;
use crate::watch::say;

/// The exit status of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

/// What can be ended.
pub trait End: Sync {
    /// Ends it; what has been written is stored.
    fn end(&self);
}

impl End for Background {
    fn end(&self) {
        self.cancel(GRACE);
    }
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

struct Close(Handle);

impl Drop for Close {
    fn drop(&mut self) {
        self.0.close();
        // Its handlers stay, and would do nothing.
        let _ = sys::default_interrupts();
    }
}

/// Runs something that a signal ends. Whether one came. The second one ends the process, with status
/// [`INTERRUPTED`].
pub fn until_interrupted<T>(what: &impl End, ctrl_c: CtrlC, run: impl FnOnce() -> T) -> (T, bool) {
    let is_interrupted = AtomicBool::new(false);
    // Without signals, Ctrl-C ends the program at once, as it ends any other.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else {
        return (run(), false);
    };
    let handle = signals.handle();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            for signal in signals.forever() {
                if signal == SIGINT && ctrl_c == CtrlC::IsTheirs {
                    continue;
                }
                if is_interrupted.swap(true, Ordering::AcqRel) {
                    // The supervisors notice, and clean up.
                    std::process::exit(INTERRUPTED.into());
                }
                let words = "ending, and storing what was written; once more ends it at once";
                say(words);
                what.end();
            }
        });
        // Also if what is run panics: the thread above would be waited for.
        let _close = Close(handle);
        run()
    });
    (result, is_interrupted.load(Ordering::Acquire))
}
