//! Ctrl-C and the like: nothing ends at once, but whoever waits gives up, and unmounts on the way out.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::ensure;
use signal_hook::consts::TERM_SIGNALS;
use signal_hook::flag;

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on a signal that would end this process is only noted.
pub fn note() -> anyhow::Result<()> {
    let noted = INTERRUPTED.get_or_init(Arc::default);
    for &signal in TERM_SIGNALS {
        flag::register(signal, Arc::clone(noted))?;
    }
    Ok(())
}

/// Fails once there was a signal.
pub fn check() -> anyhow::Result<()> {
    let noted = INTERRUPTED.get();
    let interrupted = noted.is_some_and(|noted| noted.load(Ordering::Relaxed));
    ensure!(!interrupted, "interrupted");
    Ok(())
}
