//! Ending calls from outside, whatever they are doing.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::{Channel, Stop, ToSupervisor};
use crate::sys;

/// Handle that ends the sandboxes of one call, or of many that belong together, from any thread.
#[derive(Debug, Default)]
pub struct Canceller {
    state: Mutex<CancelState>,
    cancelled: Condvar,
}

#[derive(Debug, Default)]
struct CancelState {
    how: Option<CancelKind>,
    /// Sandboxes and others to be ended, each with a number that identifies its registration.
    running: Vec<(u64, CancelTarget)>,
    last: u64,
}

/// Target of a cancellation.
enum CancelTarget {
    /// The supervisor behind this connection.
    Supervisor(Arc<Channel>),
    /// Something else: called with its grace period, or with none.
    Other(Box<dyn Fn(Option<Duration>) + Send>),
}

impl fmt::Debug for CancelTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supervisor(_) => "Supervisor",
            Self::Other(_) => "Other",
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum CancelKind {
    /// End that stores what has been written.
    Stop(Stop),
    /// End that stores nothing more.
    Abandon,
}

impl CancelKind {
    fn end(self, running: &CancelTarget) {
        match (self, running) {
            // One that is gone has ended.
            (Self::Stop(stop), CancelTarget::Supervisor(supervisor)) => {
                drop(supervisor.send(&ToSupervisor::Stop(stop), &[]));
            }
            (Self::Abandon, CancelTarget::Supervisor(supervisor)) => supervisor.shut_down(),
            (Self::Stop(Stop::Cancelled { grace, .. }), CancelTarget::Other(end)) => {
                end(Some(grace));
            }
            (_, CancelTarget::Other(end)) => end(None),
        }
    }
}

/// Registration of a sandbox that can be ended, as long as this value exists.
#[derive(Debug)]
pub(crate) struct Registered<'a> {
    canceller: &'a Canceller,
    number: u64,
}

impl Canceller {
    /// Ends the work with SIGTERM and stores what it has written. `grace`: time that the work has
    /// to end by itself.
    pub fn cancel(&self, grace: Duration) {
        self.cancel_by(sys::SIGTERM, grace);
    }

    /// Ends the work like [`cancel`](Self::cancel), with this signal.
    pub fn cancel_by(&self, signal: i32, grace: Duration) {
        self.end(CancelKind::Stop(Stop::Cancelled { grace, signal }));
    }

    /// Ends everything at once. Objects that are not stored yet are named, and kept on the local disk.
    pub fn end_now(&self) {
        self.end(CancelKind::Stop(Stop::Now));
    }

    /// Ends everything at once; stores nothing more.
    pub fn abandon(&self) {
        self.end(CancelKind::Abandon);
    }

    fn end(&self, how: CancelKind) {
        let mut state = self.lock();
        state.how = Some(how);
        for (_, running) in &state.running {
            how.end(running);
        }
        self.cancelled.notify_all();
    }

    /// Registers the sandbox behind this connection, and ends it at once if the end was asked for before.
    pub(super) fn register(&self, supervisor: Arc<Channel>) -> Registered<'_> {
        self.add(CancelTarget::Supervisor(supervisor))
    }

    /// Registers something else. `end` is called with the grace period: none if it must end at once.
    pub(crate) fn also(&self, end: impl Fn(Option<Duration>) + Send + 'static) -> Registered<'_> {
        self.add(CancelTarget::Other(Box::new(end)))
    }

    fn add(&self, running: CancelTarget) -> Registered<'_> {
        let mut state = self.lock();
        if let Some(how) = state.how {
            how.end(&running);
        }
        state.last += 1;
        let number = state.last;
        state.running.push((number, running));
        Registered {
            canceller: self,
            number,
        }
    }

    /// Returns whether everything was to end at once, so that a lost result was not wanted.
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(self.lock().how, Some(CancelKind::Abandon))
    }

    /// Returns whether the end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.lock().how.is_some()
    }

    /// Sleeps for this time, or until the end is asked for. Returns whether it was.
    pub fn sleep(&self, time: Duration) -> bool {
        let until = Instant::now().checked_add(time);
        let mut state = self.lock();
        while state.how.is_none() {
            let left = until.map_or(Duration::MAX, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return false;
            }
            let woken = self.cancelled.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, CancelState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let mut state = self.canceller.lock();
        state.running.retain(|(number, _)| *number != self.number);
    }
}
