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
    /// The file changes, and is stored again later.
    Change,
    /// The file loses its name, and is not stored.
    Removal,
}

/// Decision whether a flush may be interrupted, made anew for each request.
pub type MayInterrupt = Arc<dyn Fn(Interruption) -> bool + Send + Sync>;

/// Requests to interrupt the flush of one file. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interrupts(Arc<InterruptState>);

#[derive(Debug, Default)]
struct InterruptState {
    state: Mutex<State>,
    /// Signal that a caller asks.
    asked: Notify,
}

#[derive(Default)]
struct State {
    changes: usize,
    removals: usize,
    /// Decision of the flush under way; `None` if it must not be interrupted.
    decide: Option<MayInterrupt>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("changes", &self.changes)
            .field("removals", &self.removals)
            .finish_non_exhaustive()
    }
}

impl State {
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
    pub(super) fn allow(&self, decide: MayInterrupt) -> Interruptible {
        self.lock().decide = Some(decide);
        Interruptible(self.clone())
    }

    /// Waits until the flush is to be interrupted.
    pub(super) async fn interrupted(&self) -> Interruption {
        loop {
            let asked = self.0.asked.notified();
            if let Some(why) = self.present() {
                return why;
            }
            asked.await;
        }
    }

    fn present(&self) -> Option<Interruption> {
        let (decide, asked) = {
            let state = self.lock();
            let removal = (state.removals > 0).then_some(Interruption::Removal);
            let change = (state.changes > 0).then_some(Interruption::Change);
            (state.decide.clone()?, [removal, change])
        };
        asked.into_iter().flatten().find(|why| decide(*why))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AskedInterrupt {
    fn drop(&mut self) {
        *self.interrupts.lock().count(self.why) -= 1;
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.0.lock().decide = None;
    }
}
