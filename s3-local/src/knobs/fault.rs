//! Faults of requests, and the selection of the requests that fail.

use std::time::Duration;

use crate::Operation;

/// Fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// 503 with the code `SlowDown`; nothing is carried out.
    SlowDown503,
    /// 500 with the code `InternalError`; nothing is carried out.
    InternalError500,
    /// The connection is reset instead of an answer; nothing is carried out.
    ResetConnection,
    /// The request is carried out, and the connection is reset instead of an answer.
    CarryOutAndReset,
    /// No response until the client gives up; nothing is carried out.
    Hang,
    /// 200 with a body that never ends; nothing is carried out.
    EndlessBody,
    /// Connection closed after at most this many bytes of the response's body. The headers announce the
    /// whole body.
    TruncateBody(u64),
    /// Lowest bit of the byte at this offset of the response's body changed, as by a broken memory on the
    /// way.
    ChangeBit(u64),
    /// Response stalled after at most this many bytes of the body, until the client gives up.
    StallBody(u64),
    /// Response stalled after at most this many bytes of the body, for this time.
    PauseBody(u64, Duration),
}

/// Requests that fail, and their fault; by default the next request of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    operation: Operation,
    fault: Fault,
    key: Option<String>,
    skip: u32,
    every: u32,
    times: u32,
}

impl Injection {
    /// Fails the next request of an operation.
    pub fn new(operation: Operation, fault: Fault) -> Injection {
        Injection {
            operation,
            fault,
            key: None,
            skip: 0,
            every: 1,
            times: 1,
        }
    }

    /// Sets the number of requests that fail; the default is one.
    #[must_use]
    pub fn times(self, times: u32) -> Injection {
        Injection { times, ..self }
    }

    /// Sets the number of matching requests that pass before the first failure.
    #[must_use]
    pub fn after(self, skip: u32) -> Injection {
        Injection { skip, ..self }
    }

    /// Fails one in `n` matching requests, instead of each: `n - 1` of them pass between two failures.
    ///
    /// # Panics
    ///
    /// If `n` is zero.
    #[must_use]
    #[track_caller]
    pub fn every(self, n: u32) -> Injection {
        assert!(n > 0, "one in none");
        Injection { every: n, ..self }
    }

    /// Restricts the injection to requests for this key: only they fail or count as passed.
    #[must_use]
    pub fn on_key(self, key: impl Into<String>) -> Injection {
        Injection {
            key: Some(key.into()),
            ..self
        }
    }

    pub(super) fn remaining(&self) -> u32 {
        self.times
    }

    pub(super) fn meet(&mut self, operation: Operation, key: Option<&str>) -> Option<Fault> {
        let is_meant = self.operation == operation
            && self.key.as_deref().is_none_or(|wanted| key == Some(wanted));
        if !is_meant || self.times == 0 {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= 1;
        self.skip = self.every - 1;
        Some(self.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Knobs;

    const GET: Operation = Operation::GetObject;

    #[test]
    fn the_requests_meant_fail_and_no_others() {
        let knobs = Knobs::default();
        knobs.inject(
            Injection::new(GET, Fault::SlowDown503)
                .on_key("a")
                .after(1)
                .times(2),
        );
        let met = |operation, key| knobs.take_fault(operation, Some(key)).is_some();
        assert!(!met(GET, "b"));
        assert!(!met(Operation::PutObject, "a"));
        assert!(!met(GET, "a"), "the first one passes");
        assert!(met(GET, "a"));
        assert!(met(GET, "a"));
        assert!(!met(GET, "a"));
        assert_eq!(knobs.pending_faults(), 0);
    }

    #[test]
    fn a_share_of_the_requests_fails_always_the_same_ones() {
        let knobs = Knobs::default();
        let third = Injection::new(GET, Fault::SlowDown503).after(1).every(3);
        knobs.inject(third.times(3));
        let met: Vec<bool> = (0..10)
            .map(|_| knobs.take_fault(GET, None).is_some())
            .collect();
        let failing: Vec<usize> = (0..10).filter(|&n| met[n]).collect();
        assert_eq!(failing, [1, 4, 7]);
        assert_eq!(knobs.pending_faults(), 0);
    }

    #[test]
    fn faults_are_met_in_the_order_of_their_injection() {
        let knobs = Knobs::default();
        knobs.fail_next(GET, 1, Fault::SlowDown503);
        knobs.fail_next(GET, 1, Fault::InternalError500);
        assert_eq!(knobs.take_fault(GET, Some("k")), Some(Fault::SlowDown503));
        assert_eq!(
            knobs.take_fault(GET, Some("k")),
            Some(Fault::InternalError500)
        );
        assert_eq!(knobs.take_fault(GET, Some("k")), None);
    }
}
