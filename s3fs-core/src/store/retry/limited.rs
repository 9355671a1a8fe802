//! Mounts of one server whose request rate is limited: for tests.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{RetryLimits, Retrying, Throttle};
use crate::store::disturbed::{Disturbance, Disturbed};
use crate::store::memory::MemoryStore;

/// Returns two mounts of a server, which share its request rate and a disturbance.
pub(super) fn mounts<D: Disturbance>(
    memory: &MemoryStore,
    disturbance: &Arc<D>,
    throttle: &Arc<Throttle>,
) -> [Retrying<Disturbed<MemoryStore, D>>; 2] {
    [(); 2].map(|()| {
        let store = Disturbed {
            store: memory.clone(),
            disturbance: Arc::clone(disturbance),
        };
        let limits = RetryLimits::new(Duration::from_mins(5));
        let bodies = Arc::new(Semaphore::new(64));
        Retrying::sharing(store, limits, Arc::clone(throttle), bodies)
    })
}

/// Refuses requests until the rate is the lowest. Returns the time of the last refusal and a second.
pub(super) fn refuse(throttle: &Throttle) -> Instant {
    let mut now = Instant::now() + Duration::from_secs(2);
    for _ in 0..30 {
        (0..10).for_each(|_| throttle.refused(now));
        now += Duration::from_secs(1);
    }
    now
}
