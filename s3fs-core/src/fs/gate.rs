//! Gate for changes: admits them until the mount closes, since nothing may change after its last
//! account.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::fs::FsError;

/// Gate that every operation that changes something must pass.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Number of changes under way.
    inside: AtomicU64,
    is_closed: AtomicBool,
    left: Notify,
}

/// Change under way. Ends when dropped.
#[derive(Debug)]
pub(super) struct Change<'a>(&'a Gate);

impl Gate {
    /// Begins a change.
    ///
    /// # Errors
    /// The gate is closed.
    pub(super) fn enter(&self) -> Result<Change<'_>, FsError> {
        // Counted first: the thread that closes the gate sees either the change or a refusal.
        self.inside.fetch_add(1, Ordering::SeqCst);
        let change = Change(self);
        if self.is_closed() {
            return Err(FsError::Ending);
        }
        Ok(change)
    }

    /// Refuses changes from now on.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Waits until no change is under way.
    pub(super) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.inside.load(Ordering::SeqCst) == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.0.inside.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_gate_refuses_and_waits_for_those_inside() {
        let gate = Gate::default();
        let change = gate.enter().unwrap();
        gate.close();
        assert!(matches!(gate.enter(), Err(FsError::Ending)));
        let mut emptied = Box::pin(gate.emptied());
        assert!(futures_util::poll!(&mut emptied).is_pending());
        drop(change);
        emptied.await;
    }
}
