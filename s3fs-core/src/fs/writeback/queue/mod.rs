//! Write-back queue: stores, deletions and metadata changes that the bucket has yet to receive.
//!
//! Programs continue while requests run, many at a time. `slots` decides on the requests about each
//! key and their order, `pace` on their delays. This module runs them.

mod desired;
mod interruptions;
mod pace;
mod slots;
mod unsure;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

pub(in crate::fs) use desired::{DesiredState, Flushed};

use crate::fs::FsError;
use crate::fs::writeback::Writeback;
use crate::fs::writeback::queue::pace::{DELAY, FlushPace, put_off};
use crate::fs::writeback::queue::slots::{SlotStep, Slots, Version, Wish};
use crate::fs::writeback::queue::unsure::Unsure;
use crate::object::Key;
use crate::ordered::{Guard, LAST, Ordered, QUEUE};
use crate::write::{FindNeed, FlushNeed};

/// Maximum number of small requests under way.
const AT_ONCE: u32 = 64;

/// Number of bytes to send that add one to the weight of a request: they take memory.
const WEIGHT: u64 = 1 << 20;

/// Returns the weight of a request that sends this number of bytes.
pub(in crate::fs) fn weight(bytes: u64) -> u32 {
    u32::try_from(1 + bytes / WEIGHT).map_or(AT_ONCE / 4, |weight| weight.min(AT_ONCE / 4))
}

/// Number of queued keys above which programs wait before they add more: each may hold memory or a
/// descriptor.
const MOST: usize = 1024;

/// Queue of desired states by key, and of the requests for them.
#[derive(Debug)]
pub(in crate::fs) struct Queue {
    writeback: Weak<Writeback>,
    slots: Ordered<Slots, QUEUE>,
    unsure: Unsure,
    pace: Ordered<FlushPace, LAST>,
    /// Signal that a slot has changed.
    changed: Notify,
    /// Signal to skip the delay of queued requests.
    hurry: Notify,
    is_hurried: AtomicBool,
    room: Arc<Semaphore>,
    /// Runtime for requests, since kernel operations queue them from threads outside of it.
    runtime: Handle,
}

/// Exclusive hold of a key: only its holder makes requests about it.
#[derive(Debug)]
pub(in crate::fs) struct Hold<'a> {
    queue: &'a Queue,
    key: Key,
}

impl Queue {
    /// Creates an empty queue. Must be called inside a tokio runtime.
    pub(in crate::fs) fn new(writeback: Weak<Writeback>) -> Self {
        Self {
            writeback,
            slots: Ordered::default(),
            unsure: Unsure::default(),
            pace: Ordered::default(),
            changed: Notify::new(),
            hurry: Notify::new(),
            is_hurried: AtomicBool::new(false),
            room: Arc::new(Semaphore::new(AT_ONCE as usize)),
            runtime: Handle::current(),
        }
    }

    /// Queues a new desired state of the key.
    pub(in crate::fs) fn want(&self, key: &Key, want: DesiredState) {
        let is_file = matches!(want, DesiredState::File(_));
        let ticket = self.lock().want(key, want);
        if let Some(ticket) = ticket {
            let delay = if is_file { self.delay(key) } else { DELAY };
            self.start(key.clone(), ticket, delay);
        }
    }

    fn delay(&self, key: &Key) -> Duration {
        self.pace.lock().delay(key, Instant::now())
    }

    /// Returns the source of the need of a flush of the key: operations may begin to wait for it.
    pub(in crate::fs) fn need(&self, key: &Key) -> FindNeed {
        let (writeback, key) = (self.writeback.clone(), key.clone());
        Arc::new(move || match writeback.upgrade() {
            Some(writeback) if !writeback.queue.is_hurried.load(Ordering::Acquire) => {
                writeback.queue.lock().need(&key)
            }
            _ => FlushNeed::Due,
        })
    }

    /// Drops the desired state of a key whose file was moved or deleted. `exists` says whether the
    /// bucket has an object there. If it has or may have one, queues `want`, which deletes it, and
    /// returns true.
    pub(in crate::fs) fn instead(&self, key: &Key, exists: bool, want: DesiredState) -> bool {
        let mut slots = self.lock();
        let must = exists || slots.may_exist(key) || self.unsure.has(key);
        let ticket = if must {
            slots.want(key, want)
        } else {
            slots.take(key).1
        };
        drop(slots);
        if let Some(ticket) = ticket {
            self.start(key.clone(), ticket, DELAY);
        }
        self.changed.notify_waiters();
        must
    }

    /// Drops the desired state of the key and any deletion: the key has become what it should by
    /// other means.
    pub(in crate::fs) fn forget(&self, key: &Key) {
        self.lock().forget(key);
        self.changed.notify_waiters();
    }

    /// Takes the desired state of the key. A deletion that was requested before remains queued.
    pub(in crate::fs) fn take(&self, key: &Key) -> Option<DesiredState> {
        let (taken, ticket) = self.lock().take(key);
        if let Some(ticket) = ticket {
            self.start(key.clone(), ticket, DELAY);
        }
        taken
    }

    /// Returns whether the bucket may have an object under the key: one that was deleted here, or
    /// one of a request without an answer.
    pub(in crate::fs) fn may_exist(&self, key: &Key) -> bool {
        self.unsure.has(key) || self.lock().may_exist(key)
    }

    /// Records that a request to make an object of the key had no answer. The object may exist,
    /// whatever else becomes of the key.
    pub(in crate::fs) fn unsure(&self, key: &Key) {
        self.unsure.add(key);
    }

    /// Records that a request about the key was answered, so its object is known again.
    pub(in crate::fs) fn sure(&self, key: &Key) {
        self.unsure.settled(key);
    }

    /// Returns whether the bucket may have an object under the key because of a request without an
    /// answer.
    pub(in crate::fs) fn is_unsure(&self, key: &Key) -> bool {
        self.unsure.has(key)
    }

    /// Returns the desired state of the key.
    pub(in crate::fs) fn wanted(&self, key: &Key) -> Option<DesiredState> {
        self.lock().wanted(key).cloned()
    }

    /// Brings the key to its desired state and waits for that. A failed request is repeated. Later
    /// desired states are not waited for.
    ///
    /// # Errors
    /// The request failed. Its state is still desired.
    pub(in crate::fs) async fn settle(&self, key: &Key) -> Result<(), FsError> {
        self.settle_all(std::slice::from_ref(key)).await
    }

    /// Waits for the answer to the wish.
    async fn answer(&self, wish: &Wish) -> Result<(), FsError> {
        loop {
            let changed = self.changed.notified();
            if let Some(answer) = self.lock().answer(wish) {
                return answer;
            }
            changed.await;
        }
    }

    /// Waits for the answers to all wishes. Returns the first error.
    async fn answers(&self, wishes: &[Wish]) -> Result<(), FsError> {
        let mut settled = Ok(());
        // One after another: the requests run concurrently.
        for wish in wishes {
            settled = settled.and(self.answer(wish).await);
        }
        settled
    }

    /// Returns the queued keys with this prefix.
    pub(in crate::fs) fn below(&self, prefix: &str) -> Vec<Key> {
        self.lock().below(prefix)
    }

    /// Returns whether the queue has no requests except failed ones.
    pub(in crate::fs) fn is_idle(&self) -> bool {
        self.lock().busy() == 0
    }

    /// Brings all queued keys with this prefix to their desired state, as [`settle`](Self::settle)
    /// does.
    ///
    /// # Errors
    /// A request about one of them failed.
    pub(in crate::fs) async fn settle_below(&self, prefix: &str) -> Result<(), FsError> {
        let keys = self.lock().below(prefix);
        self.settle_all(&keys).await
    }

    /// Brings several keys to their desired state at once, as [`settle`](Self::settle) does.
    ///
    /// # Errors
    /// A request about one of them failed.
    pub(in crate::fs) async fn settle_all(&self, keys: &[Key]) -> Result<(), FsError> {
        let mut wishes = Vec::new();
        for key in keys {
            let Some((wish, ticket)) = self.lock().again(key) else {
                continue;
            };
            match (ticket, self.writeback.upgrade()) {
                (Some(ticket), _) => self.start(key.clone(), ticket, Duration::ZERO),
                (None, Some(writeback)) => writeback.core.zeros.recheck(),
                (None, None) => {}
            }
            wishes.push(wish);
        }
        self.answers(&wishes).await
    }

    /// Waits for all requests that are queued now. Failed ones are not repeated.
    pub(in crate::fs) async fn settle_under_way(&self) {
        let wishes = self.lock().under_way();
        // Failures are recorded.
        let _ = self.answers(&wishes).await;
    }

    /// Turns the delay of requests off or on again.
    pub(in crate::fs) fn hurry(&self, hurry: bool) {
        self.is_hurried.store(hurry, Ordering::Release);
        self.hurry.notify_waiters();
    }

    /// Waits while the queue is full.
    pub(in crate::fs) async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            {
                let slots = self.lock();
                if slots.len() < MOST || slots.busy() < MOST {
                    return;
                }
            }
            self.hurry.notify_waiters();
            changed.await;
        }
    }

    /// Prevents other requests about the key. Waits for the one under way.
    pub(in crate::fs) async fn hold(&self, key: &Key) -> Hold<'_> {
        loop {
            let changed = self.changed.notified();
            if self.lock().hold(key) {
                let key = key.clone();
                return Hold { queue: self, key };
            }
            changed.await;
        }
    }

    fn start(&self, key: Key, ticket: Version, delay: Duration) {
        let Some(writeback) = self.writeback.upgrade() else {
            return;
        };
        self.runtime.spawn(async move {
            let queue = &writeback.queue;
            let mut delay = Some(delay).filter(|delay| !delay.is_zero());
            let mut times = 0;
            while let Some(time) = delay {
                // Made before the check: a signal between both would be lost.
                let hurry = queue.hurry.notified();
                if queue.is_hurried.load(Ordering::Acquire) {
                    break;
                }
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = hurry => break,
                }
                let may_put_off = queue.lock().may_put_off(&key, ticket);
                // A file that is open again will be stored after its last `close`.
                delay = put_off(times).filter(|_| may_put_off && writeback.is_open_again(&key));
                times += 1;
            }
            work(&writeback, &key, ticket).await;
        });
    }

    fn lock(&self) -> Guard<'_, Slots> {
        self.slots.lock()
    }
}

/// Runs requests about a key until it has its desired state.
async fn work(writeback: &Arc<Writeback>, key: &Key, ticket: Version) {
    let queue = &writeback.queue;
    let mut ticket = ticket;
    loop {
        if !queue.lock().is_valid(key, ticket) {
            // It would take room from others only to learn this.
            return;
        }
        // Nobody closes the semaphore.
        let Ok(_place) = queue.room.acquire_many(writeback.weight(key)).await else {
            return;
        };
        let begun = queue.lock().begin(key, ticket);
        let Some((want, version)) = begun else {
            queue.changed.notify_waiters();
            return;
        };
        let result = writeback.flush_key(key, want).await;
        if matches!(result, Ok(Flushed::Stored)) {
            queue.pace.lock().stored(key, Instant::now());
        }
        let next = queue.lock().ended(key, version, result);
        queue.changed.notify_waiters();
        match next {
            SlotStep::Begin(next) => ticket = next,
            SlotStep::Later(next) => {
                let delay = queue.delay(key);
                return queue.start(key.clone(), next, delay);
            }
            SlotStep::Rest => return,
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let step = self.queue.lock().let_go(&self.key);
        match step {
            SlotStep::Begin(ticket) => {
                self.queue.start(self.key.clone(), ticket, Duration::ZERO);
            }
            SlotStep::Later(ticket) => self.queue.start(self.key.clone(), ticket, DELAY),
            SlotStep::Rest => {}
        }
        self.queue.changed.notify_waiters();
    }
}
