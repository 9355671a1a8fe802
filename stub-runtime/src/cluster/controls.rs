//! What can be done about a call from other threads than its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

/// What a caller wants.
#[derive(Debug)]
pub(super) enum Order {
    /// One more input, with its arguments.
    Give(u64, Bytes),
    /// There are no more.
    Close,
    /// It ends, politely.
    Cancel(Duration),
    /// Look what has changed.
    Wake,
    /// It goes on without this program.
    Leave,
}

/// What can end it from another thread, and what is known of it there.
#[derive(Debug)]
pub(crate) struct Controls {
    orders: Mutex<Sender<Order>>,
    is_cancelled: AtomicBool,
    is_abandoned: AtomicBool,
    /// Bytes of arguments that are not in the spool.
    pub(super) unwritten: AtomicU64,
    /// Whether the scheduler has it, or never will.
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

    /// Ends it; what has been written is stored. The bodies have so much time to end by themselves.
    pub(crate) fn cancel(&self, grace: Duration) {
        self.is_cancelled.store(true, Ordering::Release);
        self.order(Order::Cancel(grace));
    }

    /// Ends it at once.
    pub(crate) fn abandon(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.is_abandoned.store(true, Ordering::Release);
        self.order(Order::Wake);
    }

    /// The scheduler has all that was given, and there are no more inputs.
    pub(super) fn is_submitted(&self) {
        *self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// It never will.
    pub(super) fn is_over(&self) {
        self.is_submitted();
    }

    /// Whether it was ended from outside.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Whether it was to end at once.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    /// Waits until the scheduler has what was given, or never will.
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
