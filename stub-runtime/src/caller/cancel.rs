//! Ending calls from outside, whatever they are doing.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::{Channel, Stop, ToSupervisor};

/// What can end the sandboxes of a call, or of many that belong together, from any thread.
#[derive(Debug, Default)]
pub struct Canceller {
    state: Mutex<State>,
    cancelled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    how: Option<How>,
    /// The connections to supervisors, by a number of their own.
    running: Vec<(u64, Arc<Channel>)>,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// What has been written is stored.
    Stop(Stop),
    /// Nothing is.
    Abandon,
}

impl How {
    fn end(self, supervisor: &Channel) {
        match self {
            // One that is gone has ended.
            Self::Stop(stop) => drop(supervisor.send(&ToSupervisor::Stop(stop), &[])),
            Self::Abandon => supervisor.shut_down(),
        }
    }
}

/// A sandbox that can be ended; as long as this exists.
#[derive(Debug)]
pub(super) struct Registered<'a> {
    canceller: &'a Canceller,
    number: u64,
}

impl Canceller {
    /// Ends the work: what it has written is stored. It has so much time to end by itself.
    pub fn cancel(&self, grace: Duration) {
        self.end(How::Stop(Stop::Cancelled { grace }));
    }

    /// Ends everything at once; nothing more is stored.
    pub fn abandon(&self) {
        self.end(How::Abandon);
    }

    fn end(&self, how: How) {
        let mut state = self.lock();
        state.how = Some(how);
        for (_, supervisor) in &state.running {
            how.end(supervisor);
        }
        self.cancelled.notify_all();
    }

    /// From now on the sandbox behind this connection can be ended; it is at once, if that was asked for.
    pub(super) fn register(&self, supervisor: Arc<Channel>) -> Registered<'_> {
        let mut state = self.lock();
        if let Some(how) = state.how {
            how.end(&supervisor);
        }
        state.last += 1;
        let number = state.last;
        state.running.push((number, supervisor));
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
