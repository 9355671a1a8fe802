//! Interruption of a background flush by callers that change or remove the file.
//!
//! A flush holds the file, and a change waits for it. If no operation waits for the flush, it stops
//! sending instead: what it sends will be replaced.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Reason to interrupt a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Change of the file, which is stored again later.
    Change,
    /// Loss of the file's name: it is not stored.
    Removal,
}

/// Need of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushNeed {
    /// Flush for which no operation waits: it may be interrupted.
    Background,
    /// Flush that must end, but may wait for other files.
    Due,
    /// Flush for which an operation waits.
    Urgent,
}

/// Source of the present need of a flush.
pub type FindNeed = Arc<dyn Fn() -> FlushNeed + Send + Sync>;

/// Requests to interrupt the flush of one file. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interrupts(Arc<InterruptSignal>);

#[derive(Debug, Default)]
struct InterruptSignal {
    requests: Mutex<InterruptRequests>,
    /// Signal that a caller asks.
    asked: Notify,
}

#[derive(Default)]
struct InterruptRequests {
    changes: usize,
    removals: usize,
    /// Need of the flush under way; `None` if the caller of the flush waits for it.
    need: Option<FindNeed>,
}

impl fmt::Debug for InterruptRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterruptRequests")
            .field("changes", &self.changes)
            .field("removals", &self.removals)
            .finish_non_exhaustive()
    }
}

impl InterruptRequests {
    fn count(&mut self, why: Interruption) -> &mut usize {
        match why {
            Interruption::Change => &mut self.changes,
            Interruption::Removal => &mut self.removals,
        }
    }
}

/// Request to interrupt the flush of a file, until it is dropped.
#[derive(Debug)]
pub struct AskedInterrupt {
    interrupts: Interrupts,
    why: Interruption,
}

/// Flush that may be interrupted, until it is dropped.
#[derive(Debug)]
pub(super) struct Interruptible(Interrupts);

impl Interrupts {
    /// Asks to interrupt the present flush, or the next one.
    pub(super) fn ask(&self, why: Interruption) -> AskedInterrupt {
        *self.lock().count(why) += 1;
        self.0.asked.notify_waiters();
        let interrupts = self.clone();
        AskedInterrupt { interrupts, why }
    }

    /// Lets a flush that begins be interrupted.
    pub(super) fn allow(&self, need: FindNeed) -> Interruptible {
        self.lock().need = Some(need);
        Interruptible(self.clone())
    }

    /// Waits until the flush is to be interrupted, for a reason that `counts`.
    pub(super) async fn interrupted(&self, counts: impl Fn(Interruption) -> bool) -> Interruption {
        loop {
            let asked = self.0.asked.notified();
            if let Some(why) = self.present(&counts) {
                return why;
            }
            asked.await;
        }
    }

    /// Returns whether an operation waits for the flush under way.
    pub(super) fn is_urgent(&self) -> bool {
        let need = self.lock().need.clone();
        need.is_none_or(|need| need() == FlushNeed::Urgent)
    }

    fn present(&self, counts: impl Fn(Interruption) -> bool) -> Option<Interruption> {
        let (need, asked) = {
            let requests = self.lock();
            let removal = (requests.removals > 0).then_some(Interruption::Removal);
            let change = (requests.changes > 0).then_some(Interruption::Change);
            (requests.need.clone()?, [removal, change])
        };
        let why = asked.into_iter().flatten().find(|why| counts(*why))?;
        (need() == FlushNeed::Background).then_some(why)
    }

    fn lock(&self) -> MutexGuard<'_, InterruptRequests> {
        self.0
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AskedInterrupt {
    fn drop(&mut self) {
        *self.interrupts.lock().count(self.why) -= 1;
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.0.lock().need = None;
    }
}
