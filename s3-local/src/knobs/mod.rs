//! Settings that can be changed while the server runs: latency, bandwidth, faults and quirks.

mod chance;
mod fault;
mod quirk;

pub use chance::Chance;
pub use fault::{Fault, Injection};
pub use quirk::Quirk;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Operation;

/// Settings of a running server; see [`Server::knobs`](crate::Server::knobs).
///
/// ```
/// use std::time::Duration;
/// use s3_local::{Fault, Injection, Operation, S3Local};
///
/// let server = S3Local::builder().start();
/// let knobs = server.knobs();
/// knobs.set_latency(Duration::from_millis(20));
/// knobs.set_bandwidth(Some(90_000_000));
/// knobs.fail_next(Operation::GetObject, 2, Fault::SlowDown503);
/// knobs.inject(Injection::new(Operation::UploadPart, Fault::ResetConnection).after(3).on_key("a"));
/// assert_eq!(knobs.pending_faults(), 3);
/// knobs.reset();
/// assert_eq!(knobs.pending_faults(), 0);
/// ```
#[derive(Debug, Default)]
pub struct Knobs {
    latency_nanos: AtomicU64,
    /// Bytes per second; 0 means unlimited.
    bandwidth: AtomicU64,
    outage: Mutex<Option<Outage>>,
    injections: Mutex<VecDeque<Injection>>,
    chance: Mutex<Option<Chance>>,
    failed_by_chance: AtomicU64,
    quirks: quirk::Quirks,
    /// Lifetime of new sessions; 0 means S3's.
    session_nanos: AtomicU64,
}

/// Lifetime of a session of a directory bucket in S3.
const SESSION: Duration = Duration::from_mins(5);

/// Failure of every request, for a time or until it is switched off.
#[derive(Clone, Copy, Debug)]
struct Outage {
    fault: Fault,
    until: Option<Instant>,
}

impl Knobs {
    /// Fails every request from now on, before any injection; `None` ends the outage.
    pub fn set_outage(&self, fault: Option<Fault>) {
        *locked(&self.outage) = fault.map(|fault| Outage { fault, until: None });
    }

    /// Fails every request for this time from now on, before any injection.
    ///
    /// ```
    /// use std::time::Duration;
    /// use s3_local::{Fault, S3Local};
    ///
    /// let server = S3Local::builder().start();
    /// server.knobs().fail_for(Duration::from_secs(1), Fault::SlowDown503);
    /// ```
    pub fn fail_for(&self, time: Duration, fault: Fault) {
        let until = Instant::now().checked_add(time);
        *locked(&self.outage) = Some(Outage { fault, until });
    }

    /// Sets the time between the end of each request and the headers of its response.
    pub fn set_latency(&self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency_nanos.store(nanos, Ordering::Relaxed);
    }

    /// Returns the latency in force.
    pub fn latency(&self) -> Duration {
        Duration::from_nanos(self.latency_nanos.load(Ordering::Relaxed))
    }

    /// Sets the bytes per second of each request's and each response's body; `None` and 0 mean no limit.
    ///
    /// A change takes effect at once, also for bodies under way.
    pub fn set_bandwidth(&self, bytes_per_second: Option<u64>) {
        self.bandwidth
            .store(bytes_per_second.unwrap_or(0), Ordering::Relaxed);
    }

    /// Returns the bandwidth in force, in bytes per second.
    pub fn bandwidth(&self) -> Option<u64> {
        Some(self.bandwidth.load(Ordering::Relaxed)).filter(|&bandwidth| bandwidth > 0)
    }

    /// Fails the next `times` requests of an operation.
    pub fn fail_next(&self, operation: Operation, times: u32, fault: Fault) {
        self.inject(Injection::new(operation, fault).times(times));
    }

    /// Adds an injection behind the pending ones. Each request meets the first injection that matches
    /// it.
    pub fn inject(&self, injection: Injection) {
        self.injections().push_back(injection);
    }

    /// Removes all injections.
    pub fn clear_injections(&self) {
        self.injections().clear();
    }

    /// Returns the number of requests that pending injections will fail.
    pub fn pending_faults(&self) -> u32 {
        self.injections().iter().map(Injection::remaining).sum()
    }

    /// Fails requests that meet no injection at random from now on; `None` ends it.
    pub fn set_chance(&self, chance: Option<Chance>) {
        *locked(&self.chance) = chance;
    }

    /// Returns the number of requests that have failed at random since the server started.
    pub fn failed_by_chance(&self) -> u64 {
        self.failed_by_chance.load(Ordering::Relaxed)
    }

    /// Switches a difference from S3 on or off.
    pub fn set_quirk(&self, quirk: Quirk, on: bool) {
        self.quirks.set(quirk, on);
    }

    /// Returns whether the server differs from S3 in this respect.
    pub fn has_quirk(&self, quirk: Quirk) -> bool {
        self.quirks.has(quirk)
    }

    /// Sets how long new sessions of directory buckets last.
    pub fn set_session_lifetime(&self, lifetime: Duration) {
        let nanos = u64::try_from(lifetime.as_nanos()).unwrap_or(u64::MAX);
        self.session_nanos.store(nanos, Ordering::Relaxed);
    }

    pub(crate) fn session_lifetime(&self) -> Duration {
        match self.session_nanos.load(Ordering::Relaxed) {
            0 => SESSION,
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// Removes all latency, limits, faults and quirks.
    pub fn reset(&self) {
        self.set_latency(Duration::ZERO);
        self.set_bandwidth(None);
        self.set_outage(None);
        self.clear_injections();
        self.set_chance(None);
        self.quirks.clear();
        self.set_session_lifetime(Duration::ZERO);
    }

    /// Returns the fault of this request, if it is to fail.
    pub(crate) fn take_fault(&self, operation: Operation, key: Option<&str>) -> Option<Fault> {
        if let Some(fault) = self.outage() {
            return Some(fault);
        }
        let mut injections = self.injections();
        let fault = injections
            .iter_mut()
            .find_map(|injection| injection.meet(operation, key));
        injections.retain(|injection| injection.remaining() > 0);
        fault.or_else(|| self.chance())
    }

    fn outage(&self) -> Option<Fault> {
        let outage = (*locked(&self.outage))?;
        let is_on = outage.until.is_none_or(|until| Instant::now() < until);
        is_on.then_some(outage.fault)
    }

    fn chance(&self) -> Option<Fault> {
        let fault = locked(&self.chance).as_mut()?.draw()?;
        self.failed_by_chance.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    }

    fn injections(&self) -> MutexGuard<'_, VecDeque<Injection>> {
        locked(&self.injections)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
