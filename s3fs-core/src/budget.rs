//! Budget of the memory that all mounts of a process hold in file contents.
//!
//! Every buffer carries a [`Grant`]; dropping the buffer returns the bytes. When the budget is
//! exhausted, data that was fetched ahead for idle readers is dropped first; they fetch it again.
//! The order is that of a clock: a reader that has read since the hand last passed is spared once.
//! Only then does a demand wait, so prefetching never starves a read that a program waits for.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Size of a permit of the semaphore, in bytes: permits are 32 bits wide.
pub const UNIT: u64 = 64 << 10;

/// Holder of data that can be fetched again.
pub trait Reclaim: Debug + Send + Sync {
    /// Returns whether it was used since the last call.
    fn take_used(&self) -> bool;
    /// Drops data that nobody waits for.
    fn reclaim(&self);
}

/// Interval at which a waiting demand looks for idle data again: data in use when the demand came
/// may be idle since.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Minimum number of holders before dropped ones are removed.
const SWEEP: usize = 1024;

/// Budget of memory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget {
    permits: Arc<Semaphore>,
    total: u64,
    clock: Arc<Mutex<Clock>>,
}

#[derive(Debug, Default)]
struct Clock {
    holders: VecDeque<Weak<dyn Reclaim>>,
    sweep_at: usize,
}

/// Bytes of the budget, returned on drop.
#[derive(Debug)]
pub struct Grant(OwnedSemaphorePermit);

impl Budget {
    /// Creates a budget of `bytes` bytes.
    pub fn new(bytes: u64) -> Self {
        let permits = usize::try_from(bytes / UNIT).unwrap_or(usize::MAX);
        Self {
            permits: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            total: bytes,
            clock: Arc::default(),
        }
    }

    /// Returns the size of the budget in bytes.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Takes bytes if they are free now.
    pub fn try_take(&self, bytes: u64) -> Option<Grant> {
        Arc::clone(&self.permits)
            .try_acquire_many_owned(self.units(bytes))
            .ok()
            .map(Grant)
    }

    /// Takes bytes as soon as they are free; at once if dropping idle data frees them.
    pub async fn take(&self, bytes: u64) -> Grant {
        if let Some(grant) = self.take_reclaiming(bytes) {
            return grant;
        }
        let permits = Arc::clone(&self.permits);
        let mut queued = pin!(permits.acquire_many_owned(self.units(bytes)));
        loop {
            match tokio::time::timeout(LOOK_AGAIN, &mut queued).await {
                Ok(Ok(permit)) => return Grant(permit),
                Ok(Err(_closed)) => unreachable!("the budget's semaphore is never closed"),
                Err(_elapsed) => self.reclaim_one(),
            }
        }
    }

    /// Drops the data of the next holder that was not used lately.
    fn reclaim_one(&self) {
        for _ in 0..2 * self.clock_len() {
            match self.next_holder() {
                Some(holder) if !holder.take_used() => return holder.reclaim(),
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Takes bytes if they are free now, or after dropping idle data.
    pub fn take_reclaiming(&self, bytes: u64) -> Option<Grant> {
        if let Some(grant) = self.try_take(bytes) {
            return Some(grant);
        }
        // Two turns of the hand: the first spares those who have read since.
        for _ in 0..2 * self.clock_len() {
            let holder = self.next_holder()?;
            if !holder.take_used() {
                holder.reclaim();
                if let Some(grant) = self.try_take(bytes) {
                    return Some(grant);
                }
            }
        }
        None
    }

    /// Takes bytes like [`take_reclaiming`](Self::take_reclaiming), for data that cannot be
    /// dropped. A quarter of the budget is not available for this. A program that reads while it
    /// has many files open for writing would otherwise wait for memory that only it can return.
    pub fn take_to_keep(&self, bytes: u64) -> Option<Grant> {
        let spare = self.total / 4 / UNIT * UNIT;
        let with_spare = bytes.next_multiple_of(UNIT) + spare;
        if with_spare > self.total {
            return None;
        }
        let mut grant = self.take_reclaiming(with_spare)?;
        drop(grant.split(spare));
        Some(grant)
    }

    /// Registers a holder with the clock, until it is dropped.
    pub fn register(&self, holder: Weak<dyn Reclaim>) {
        let mut clock = self.lock();
        if clock.holders.len() >= clock.sweep_at {
            clock.holders.retain(|holder| holder.strong_count() > 0);
            clock.sweep_at = SWEEP.max(2 * clock.holders.len());
        }
        clock.holders.push_back(holder);
    }

    fn clock_len(&self) -> usize {
        self.lock().holders.len()
    }

    fn lock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_holder(&self) -> Option<Arc<dyn Reclaim>> {
        let mut clock = self.lock();
        while let Some(weak) = clock.holders.pop_front() {
            if let Some(holder) = weak.upgrade() {
                clock.holders.push_back(weak);
                return Some(holder);
            }
        }
        None
    }

    /// Converts bytes to permits. Never returns more than there are, or the demand would wait for
    /// ever.
    fn units(&self, bytes: u64) -> u32 {
        let units = bytes.div_ceil(UNIT).min(self.total / UNIT);
        u32::try_from(units).unwrap_or(u32::MAX)
    }
}

impl Grant {
    /// Splits bytes off this grant; `None` if it holds fewer.
    pub fn split(&mut self, bytes: u64) -> Option<Self> {
        let units = usize::try_from(bytes.div_ceil(UNIT)).ok()?;
        self.0.split(units).map(Self)
    }

    /// Adds another grant to this one.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    #[derive(Debug)]
    struct Holder {
        used: AtomicBool,
        grant: Mutex<Option<Grant>>,
    }

    impl Reclaim for Holder {
        fn take_used(&self) -> bool {
            self.used.swap(false, Ordering::Relaxed)
        }
        fn reclaim(&self) {
            self.grant.lock().unwrap().take();
        }
    }

    fn holder(budget: &Budget, used: bool) -> Arc<Holder> {
        let grant = Mutex::new(budget.try_take(UNIT));
        let holder = Arc::new(Holder {
            used: AtomicBool::new(used),
            grant,
        });
        let weak: Weak<Holder> = Arc::downgrade(&holder);
        budget.register(weak);
        holder
    }

    #[test]
    fn idle_data_gives_way_before_data_in_use() {
        let budget = Budget::new(2 * UNIT);
        let busy = holder(&budget, true);
        let idle = holder(&budget, false);
        let taken = budget.take_reclaiming(UNIT);
        assert!(taken.is_some());
        assert!(busy.grant.lock().unwrap().is_some());
        assert!(idle.grant.lock().unwrap().is_none());
    }

    #[tokio::test]
    async fn a_demand_gets_what_becomes_idle_while_it_waits() {
        #[derive(Debug)]
        struct WaitedFor {
            looks: AtomicU32,
            grant: Mutex<Option<Grant>>,
        }
        impl Reclaim for WaitedFor {
            fn take_used(&self) -> bool {
                false
            }
            fn reclaim(&self) {
                // Somebody waits for it while the hand passes twice.
                if self.looks.fetch_add(1, Ordering::Relaxed) >= 2 {
                    self.grant.lock().unwrap().take();
                }
            }
        }
        let budget = Budget::new(UNIT);
        let holder = Arc::new(WaitedFor {
            looks: AtomicU32::new(0),
            grant: Mutex::new(budget.try_take(UNIT)),
        });
        let weak: Weak<WaitedFor> = Arc::downgrade(&holder);
        budget.register(weak);
        assert!(budget.try_take(UNIT).is_none());
        drop(budget.take(UNIT).await);
    }

    #[test]
    fn what_cannot_be_dropped_leaves_room_for_readers() {
        let budget = Budget::new(8 * UNIT);
        let kept: Vec<_> = std::iter::from_fn(|| budget.take_to_keep(UNIT)).collect();
        assert_eq!(kept.len(), 6);
        assert!(budget.try_take(2 * UNIT).is_some());
        assert!(budget.try_take(3 * UNIT).is_none());
    }

    #[test]
    fn holders_that_are_gone_take_no_memory() {
        let budget = Budget::new(UNIT);
        let kept = holder(&budget, false);
        for _ in 0..10 * SWEEP {
            holder(&budget, false);
        }
        assert!(budget.clock_len() <= 2 * SWEEP);
        drop(kept);
    }

    #[test]
    fn a_demand_beyond_the_whole_is_cut_to_the_whole() {
        let budget = Budget::new(2 * UNIT);
        let grant = budget.try_take(100 * UNIT);
        assert!(grant.is_some());
        assert!(budget.try_take(1).is_none());
        drop(grant);
        assert!(budget.try_take(1).is_some());
    }
}
