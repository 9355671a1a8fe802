//! Ending calls from outside, whatever they are doing.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::{Channel, Stop, ToSupervisor};
use crate::sys;

/// What can end the sandboxes of a call, or of many that belong together, from any thread.
#[derive(Debug, Default)]
pub struct Canceller {
    state: Mutex<State>,
    cancelled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    how: Option<How>,
    /// What is to be ended, by numbers of their own.
    running: Vec<(u64, Running)>,
    last: u64,
}

/// What can be ended.
enum Running {
    /// The supervisor behind this connection.
    Supervisor(Arc<Channel>),
    /// Something else: how much time it has, or none.
    Other(Box<dyn Fn(Option<Duration>) + Send>),
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supervisor(_) => "Supervisor",
            Self::Other(_) => "Other",
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// What has been written is stored.
    Stop(Stop),
    /// Nothing is.
    Abandon,
}

impl How {
    fn end(self, running: &Running) {
        match (self, running) {
            // One that is gone has ended.
            (Self::Stop(stop), Running::Supervisor(supervisor)) => {
                drop(supervisor.send(&ToSupervisor::Stop(stop), &[]));
            }
            (Self::Abandon, Running::Supervisor(supervisor)) => supervisor.shut_down(),
            (Self::Stop(Stop::Cancelled { grace, .. }), Running::Other(end)) => end(Some(grace)),
            (_, Running::Other(end)) => end(None),
        }
    }
}

/// A sandbox that can be ended; as long as this exists.
#[derive(Debug)]
pub(crate) struct Registered<'a> {
    canceller: &'a Canceller,
    number: u64,
}

impl Canceller {
    /// Ends the work: what it has written is stored. It has so much time to end by itself.
    pub fn cancel(&self, grace: Duration) {
        self.cancel_by(sys::SIGTERM, grace);
    }

    /// As [`cancel`](Self::cancel), with the signal that the work gets.
    pub fn cancel_by(&self, signal: i32, grace: Duration) {
        self.end(How::Stop(Stop::Cancelled { grace, signal }));
    }

    /// Ends everything at once. What is not stored yet is named, and kept on the local disk.
    pub fn end_now(&self) {
        self.end(How::Stop(Stop::Now));
    }

    /// Ends everything at once; nothing more is stored.
    pub fn abandon(&self) {
        self.end(How::Abandon);
    }

    fn end(&self, how: How) {
        let mut state = self.lock();
        state.how = Some(how);
        for (_, running) in &state.running {
            how.end(running);
        }
        self.cancelled.notify_all();
    }

    /// From now on the sandbox behind this connection can be ended; it is at once, if that was asked for.
    pub(super) fn register(&self, supervisor: Arc<Channel>) -> Registered<'_> {
        self.add(Running::Supervisor(supervisor))
    }

    /// The same of something else, which is told how much time it has: none if it is to end at once.
    pub(crate) fn also(&self, end: impl Fn(Option<Duration>) + Send + 'static) -> Registered<'_> {
        self.add(Running::Other(Box::new(end)))
    }

    fn add(&self, running: Running) -> Registered<'_> {
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

    /// Whether everything was to end at once: what is lost then was not wanted.
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(self.lock().how, Some(How::Abandon))
    }

    /// Whether the end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.lock().how.is_some()
    }

    /// Sleeps, unless and until the end is asked for. Whether it was.
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let mut state = self.canceller.lock();
        state.running.retain(|(number, _)| *number != self.number);
    }
}
