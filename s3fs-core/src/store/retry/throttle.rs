//! Request rate of a server, and its hedging, shared by all mounts of a process that send requests to
//! it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::{Instant, sleep_until};

use super::hedge_policy::Hedging;
use super::rate::Rate;
use crate::store::Operation;

/// Line in which requests of a mount wait for their turn. Reads hold up no writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Reads,
    Writes,
}

impl Line {
    pub(super) const COUNT: usize = 2;

    /// Returns the line of a request; `None` if it does not wait. What cleans up after a mount has
    /// little time, and is rare.
    pub(super) fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::List | Operation::Head | Operation::GetTags | Operation::Get => {
                Some(Self::Reads)
            }
            Operation::Put
            | Operation::Delete
            | Operation::Copy
            | Operation::Rename
            | Operation::CreateUpload
            | Operation::UploadPart
            | Operation::CopyPart
            | Operation::Complete => Some(Self::Writes),
            Operation::Abort | Operation::ListUploads => None,
        }
    }
}

/// Request rate of a server, and its hedging.
#[derive(Debug)]
pub struct Throttle {
    rate: Mutex<Rate>,
    /// Earliest time of the next request. The first requests of all lines wait for it in order.
    turn: tokio::sync::Mutex<Instant>,
    hedging: Hedging,
}

impl Default for Throttle {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            rate: Mutex::new(Rate::new(now)),
            turn: tokio::sync::Mutex::new(now),
            hedging: Hedging::default(),
        }
    }
}

impl Throttle {
    /// Waits until the rate allows another request of a line. Only the first request of each line
    /// waits for the turn, so that lines take turns however many requests wait in each.
    pub(super) async fn admit(&self, line: &tokio::sync::Mutex<()>) {
        if !self.is_limited() {
            return;
        }
        let _first = line.lock().await;
        let mut turn = self.turn.lock().await;
        sleep_until(*turn).await;
        // The interval may have changed meanwhile.
        if let Some(interval) = self.rate().interval() {
            *turn = Instant::now() + interval;
        }
    }

    /// Returns the past waits for the server, and the budget of second attempts.
    pub(super) fn hedging(&self) -> &Hedging {
        &self.hedging
    }

    /// Returns whether the rate is limited.
    pub(super) fn is_limited(&self) -> bool {
        self.rate().interval().is_some()
    }

    /// Records a response; a refusal for another reason than the rate is one, too.
    pub(super) fn answered(&self, now: Instant) {
        self.rate().answered(now);
    }

    /// Records a request that was refused for the rate.
    pub(super) fn refused(&self, now: Instant) {
        self.rate().refused(now);
    }

    fn rate(&self) -> MutexGuard<'_, Rate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Request rates of the servers that the mounts of a process send requests to.
#[derive(Clone, Debug, Default)]
pub struct Throttles(Arc<Mutex<HashMap<String, Weak<Throttle>>>>);

impl Throttles {
    /// Returns the request rate of a server, named by its URL. Mounts of the same server share it.
    pub(in crate::store) fn of(&self, server: &str) -> Arc<Throttle> {
        let mut throttles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(throttle) = throttles.get(server).and_then(Weak::upgrade) {
            return throttle;
        }
        throttles.retain(|_, throttle| throttle.strong_count() > 0);
        let throttle = Arc::<Throttle>::default();
        throttles.insert(server.to_owned(), Arc::downgrade(&throttle));
        throttle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_a_server_share_its_rate_while_any_is_left() {
        let throttles = Throttles::default();
        let one = throttles.of("https://a");
        assert!(Arc::ptr_eq(&one, &throttles.of("https://a")));
        let other = throttles.of("https://b");
        assert!(!Arc::ptr_eq(&one, &other));
        for _ in 0..10 {
            one.refused(Instant::now());
        }
        assert!(throttles.of("https://a").is_limited());
        assert!(!other.is_limited());
        drop(one);
        assert!(!throttles.of("https://a").is_limited());
        drop(other);
        throttles.of("https://c");
        assert_eq!(throttles.0.lock().unwrap().len(), 1);
    }
}
