//! Read-ahead limits in force for the streams of a mount.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::read::demand::{Presence, StreamCounter};
use crate::read::limits::{Demand, Limits, Room};
use crate::read::link::LinkMeter;

/// Interval at which limits are computed anew.
const INTERVAL: Duration = Duration::from_millis(50);

/// Measurements of a mount's link, and the limits that follow from them.
#[derive(Debug)]
pub struct Pacing {
    start: Instant,
    room: Room,
    /// Streams of all mounts of the process, which share the memory.
    active: StreamCounter,
    /// Streams of this mount whose reads had to wait.
    waiting: StreamCounter,
    state: Mutex<Measured>,
}

#[derive(Debug)]
struct Measured {
    meter: LinkMeter,
    limits: Limits,
    /// Time at which the limits were computed, since the start.
    at: Duration,
}

/// State of a stream that its limits depend on.
#[derive(Debug, Default)]
pub struct StreamDemand {
    active: Presence,
    waiting: Presence,
}

/// State of the bytes of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Bytes that have arrived.
    Here,
    /// Bytes to wait for.
    Pending,
}

impl Pacing {
    /// Creates the limits of a mount whose link is not known.
    pub fn new(room: Room, active: StreamCounter) -> Self {
        let demand = Demand {
            active: 1,
            waiting: 1,
        };
        Self {
            start: Instant::now(),
            room,
            active,
            waiting: StreamCounter::default(),
            state: Mutex::new(Measured {
                meter: LinkMeter::default(),
                limits: Limits::new(None, room, demand),
                at: Duration::ZERO,
            }),
        }
    }

    /// Returns the limits in force.
    pub fn limits(&self) -> Limits {
        let now = self.start.elapsed();
        let mut state = self.lock();
        if now.saturating_sub(state.at) >= INTERVAL {
            let demand = Demand {
                active: self.active.count() as u64,
                waiting: self.waiting.count() as u64,
            };
            state.limits = Limits::new(state.meter.link(now), self.room, demand);
            state.at = now;
        }
        state.limits
    }

    /// Records a read of a stream that reads ahead.
    pub fn on_read(&self, stream: &mut StreamDemand, arrival: Arrival) {
        stream.active.renew(&self.active);
        if arrival == Arrival::Pending {
            stream.waiting.renew(&self.waiting);
        }
    }

    /// Records the time from a request to the first byte of its body.
    pub fn on_first_byte(&self, wait: Duration) {
        let now = self.start.elapsed();
        self.lock().meter.on_first_byte(now, wait);
    }

    /// Records bytes of a body.
    pub fn on_bytes(&self, bytes: u64) {
        let now = self.start.elapsed();
        self.lock().meter.on_bytes(now, bytes);
    }

    /// Records the rest of a body after its first piece.
    pub fn on_body(&self, bytes: u64, time: Duration) {
        let now = self.start.elapsed();
        self.lock().meter.on_body(now, bytes, time);
    }

    fn lock(&self) -> MutexGuard<'_, Measured> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
