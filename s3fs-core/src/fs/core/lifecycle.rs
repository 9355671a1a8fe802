//! State of a mount from its beginning to its end.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::end::End;
use crate::fs::gate::Gate;

/// Signals of the end of a mount. Each is given once.
#[derive(Debug, Default)]
pub(in crate::fs) struct Lifecycle {
    /// Signal that ends waiting and requests.
    pub(in crate::fs) end: End,
    /// Admits changes.
    pub(in crate::fs) gate: Gate,
    /// The kernel no longer uses the file system.
    is_cut_off: AtomicBool,
    /// At the end of the mount, requests to a silent store are cancelled.
    limits_silence: AtomicBool,
    /// Nothing is stored from now on.
    is_abandoned: AtomicBool,
}

impl Lifecycle {
    /// Starts no queued request from now on.
    pub(in crate::fs) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Release);
    }

    pub(in crate::fs) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    /// Records that the kernel no longer uses the file system.
    pub(in crate::fs) fn cut_off(&self) {
        self.is_cut_off.store(true, Ordering::Release);
    }

    pub(in crate::fs) fn is_cut_off(&self) -> bool {
        self.is_cut_off.load(Ordering::Acquire)
    }

    /// Cancels requests to a silent store at the end of the mount.
    pub(in crate::fs) fn limit_silence(&self) {
        self.limits_silence.store(true, Ordering::Release);
    }

    pub(in crate::fs) fn limits_silence(&self) -> bool {
        self.limits_silence.load(Ordering::Acquire)
    }
}
