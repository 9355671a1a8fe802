//! Signals such as Ctrl-C: nothing ends at once, but waiting code fails and unmounts on the way out.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::ensure;
use signal_hook::consts::TERM_SIGNALS;
use signal_hook::flag;

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Records signals that would end this process, instead of ending it.
pub fn note() -> anyhow::Result<()> {
    let noted = INTERRUPTED.get_or_init(Arc::default);
    for &signal in TERM_SIGNALS {
        flag::register(signal, Arc::clone(noted))?;
    }
    Ok(())
}

/// Fails after a recorded signal.
pub fn check() -> anyhow::Result<()> {
    let noted = INTERRUPTED.get();
    let interrupted = noted.is_some_and(|noted| noted.load(Ordering::Relaxed));
    ensure!(!interrupted, "interrupted");
    Ok(())
}
