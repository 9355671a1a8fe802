//! Ctrl-C and SIGTERM: the first ends politely, the second at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exit;
use crate::call::GRACE;
use crate::caller::{Background, Ender};
use crate::error::Error;

/// What can be ended.
pub(super) trait End: Sync {
    /// Ends it; what has been written is stored.
    fn end(&self);
}

impl End for Background {
    fn end(&self) {
        self.cancel(GRACE);
    }
}

impl End for Ender {
    fn end(&self) {
        self.cancel(GRACE);
    }
}

/// It failed after a signal had come.
#[derive(Debug)]
pub(super) struct Interrupted(pub(super) Error);

/// Runs something that a signal ends.
pub(super) fn watch<T>(
    what: &impl End,
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<Result<T, Error>, Interrupted> {
    let (result, is_interrupted) = watch_all(what, run);
    match result {
        Err(error) if is_interrupted => Err(Interrupted(error)),
        result => Ok(result),
    }
}

/// Runs something that a signal ends. Whether one came.
pub(super) fn watch_all<T>(what: &impl End, run: impl FnOnce() -> T) -> (T, bool) {
    let is_interrupted = AtomicBool::new(false);
    // Without signals, Ctrl-C ends the program at once, as it ends any other.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else {
        return (run(), false);
    };
    let handle = signals.handle();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            for _ in signals.forever() {
                if is_interrupted.swap(true, Ordering::AcqRel) {
                    // The supervisors notice, and clean up.
                    std::process::exit(exit::INTERRUPTED.into());
                }
                exit::say("ending, and storing what was written; once more ends it at once");
                what.end();
            }
        });
        let result = run();
        handle.close();
        result
    });
    (result, is_interrupted.load(Ordering::Acquire))
}
