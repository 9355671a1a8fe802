//! Control of a call from other threads than its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

/// Order of a caller.
#[derive(Debug)]
pub(super) enum Order {
    /// Run one more input, with its arguments.
    Give(u64, Bytes),
    /// Expect no more inputs.
    Close,
    /// End the call, with this grace period.
    Cancel(Duration),
    /// Look for changes.
    Wake,
    /// Leave the call running without this program.
    Leave,
}

/// Handle that ends a call from another thread, with the state that is shared with that thread.
#[derive(Debug)]
pub(crate) struct Controls {
    orders: Mutex<Sender<Order>>,
    is_cancelled: AtomicBool,
    is_abandoned: AtomicBool,
    /// Size, in bytes, of the arguments that are not in the spool.
    pub(super) unwritten: AtomicU64,
    /// True if the scheduler has the call, or never will.
    submitted: Mutex<bool>,
    changed: Condvar,
}

impl Controls {
    pub(super) fn new(orders: Sender<Order>) -> Self {
        Self {
            orders: Mutex::new(orders),
            is_cancelled: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            unwritten: AtomicU64::new(0),
            submitted: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    pub(super) fn order(&self, order: Order) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is over needs none.
        let _ = orders.send(order);
    }

    /// Ends the call; stores what has been written. `grace`: time that the bodies have to end by themselves.
    pub(crate) fn cancel(&self, grace: Duration) {
        self.is_cancelled.store(true, Ordering::Release);
        self.order(Order::Cancel(grace));
    }

    /// Ends the call at once.
    pub(crate) fn abandon(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.is_abandoned.store(true, Ordering::Release);
        self.order(Order::Wake);
    }

    /// Records that the scheduler has everything that was given, and that no more inputs come.
    pub(super) fn is_submitted(&self) {
        *self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Records that the scheduler will never have the call.
    pub(super) fn is_over(&self) {
        self.is_submitted();
    }

    /// Returns whether the call was ended from outside.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Returns whether the call was to end at once.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    /// Waits until the scheduler has everything that was given, or never will.
    pub(super) fn wait_until_submitted(&self) {
        let submitted = self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_while(submitted, |is_submitted| !*is_submitted);
        drop(waited);
    }
}
