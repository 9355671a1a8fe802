//! What the bucket has yet to be told: stores, deletions, and what is kept with objects.
//!
//! Programs go on while it is done: files are stored, deleted and changed beside them, many at a time.
//! `slots` decides what is done about each key and in which order; here it is done.

mod slots;
mod trust;
mod unsure;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

pub(super) use slots::{Fulfilled, Want};
pub(super) use trust::{Kind as Changes, Standing, Trust};

use crate::fs::outbox::slots::{Next, Slots, Version, Wish};
use crate::fs::outbox::unsure::Unsure;
use crate::fs::{Fs, FsError};
use crate::object::Key;

/// What is asked for waits so long, because programs that write a file under a temporary name, and
/// then set its mode and times and rename it, do so within a few milliseconds.
const DELAY: Duration = Duration::from_millis(100);

/// So many small requests are on their way at once.
const AT_ONCE: u32 = 64;

/// A request weighs one more for each of these bytes that it sends: they take memory.
const WEIGHT: u64 = 1 << 20;

/// The weight of a request that sends so many bytes.
pub(super) fn weight(bytes: u64) -> u32 {
    u32::try_from(1 + bytes / WEIGHT).map_or(AT_ONCE / 4, |weight| weight.min(AT_ONCE / 4))
}

/// When so many keys wait, whoever makes more waits as well: each may hold memory or a descriptor.
const MOST: usize = 1024;

/// What the bucket has yet to be told.
#[derive(Debug)]
pub(super) struct Outbox {
    fs: Weak<Fs>,
    slots: Mutex<Slots>,
    unsure: Unsure,
    /// Some slot has changed.
    changed: Notify,
    /// Nothing waits any longer than it must.
    hurry: Notify,
    is_hurried: AtomicBool,
    room: Arc<Semaphore>,
    /// What the bucket has shown to allow.
    pub(super) trust: Trust,
    /// Operations of the kernel's edge ask for things on threads of their own.
    runtime: Handle,
}

/// A key about which nothing is done but by its holder.
#[derive(Debug)]
pub(super) struct Hold<'a> {
    outbox: &'a Outbox,
    key: Key,
}

impl Outbox {
    /// Must be called inside a tokio runtime.
    pub(super) fn new(fs: Weak<Fs>) -> Self {
        Self {
            fs,
            slots: Mutex::default(),
            unsure: Unsure::default(),
            changed: Notify::new(),
            hurry: Notify::new(),
            is_hurried: AtomicBool::new(false),
            room: Arc::new(Semaphore::new(AT_ONCE as usize)),
            trust: Trust::default(),
            runtime: Handle::current(),
        }
    }

    /// The key is to become something else, soon.
    pub(super) fn want(&self, key: &Key, want: Want) {
        if let Some(ticket) = self.lock().want(key, want) {
            self.start(key.clone(), ticket, DELAY);
        }
    }

    /// What was wanted under a key has gone elsewhere, or was deleted. `exists` says whether the bucket
    /// has an object there, which is to be deleted: by `want`. Returns whether it is.
    pub(super) fn instead(&self, key: &Key, exists: bool, want: Want) -> bool {
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

    /// Nothing at all is wanted of the key any more: it has become what it should by other means.
    pub(super) fn forget(&self, key: &Key) {
        self.lock().forget(key);
        self.changed.notify_waiters();
    }

    /// Nothing is wanted of the key any more, except what a deletion before had asked for.
    pub(super) fn take(&self, key: &Key) -> Option<Want> {
        let (taken, ticket) = self.lock().take(key);
        if let Some(ticket) = ticket {
            self.start(key.clone(), ticket, DELAY);
        }
        taken
    }

    /// Whether the bucket may have an object under the key that was deleted here, or that a request without
    /// an answer has made.
    pub(super) fn may_exist(&self, key: &Key) -> bool {
        self.unsure.has(key) || self.lock().may_exist(key)
    }

    /// A request that was to make an object of the key had no answer: it may be there, whatever else
    /// becomes of the key.
    pub(super) fn unsure(&self, key: &Key) {
        self.unsure.add(key);
    }

    /// A request about the key was answered: what is there is known again.
    pub(super) fn sure(&self, key: &Key) {
        self.unsure.settled(key);
    }

    /// Whether the bucket may have an object under the key because of a request without an answer.
    pub(super) fn is_unsure(&self, key: &Key) -> bool {
        self.unsure.has(key)
    }

    /// What is wanted of the key.
    pub(super) fn wanted(&self, key: &Key) -> Option<Want> {
        self.lock().wanted(key).cloned()
    }

    /// Does what is wanted of the key, and waits for it. What failed before is tried again. What is wanted of
    /// it later is not waited for.
    ///
    /// # Errors
    /// It could not be done. It is still wanted.
    pub(super) async fn settle(&self, key: &Key) -> Result<(), FsError> {
        self.settle_all(std::slice::from_ref(key)).await
    }

    /// Waits until the wish has an answer.
    async fn answer(&self, wish: &Wish) -> Result<(), FsError> {
        loop {
            let changed = self.changed.notified();
            if let Some(answer) = self.lock().answer(wish) {
                return answer;
            }
            changed.await;
        }
    }

    /// As [`answer`](Self::answer), of all.
    async fn answers(&self, wishes: &[Wish]) -> Result<(), FsError> {
        let mut settled = Ok(());
        // One after another: they end beside each other.
        for wish in wishes {
            settled = settled.and(self.answer(wish).await);
        }
        settled
    }

    /// The keys with something to be done that begin so.
    pub(super) fn below(&self, prefix: &str) -> Vec<Key> {
        self.lock().below(prefix)
    }

    /// Whether nothing is to be done but what has failed.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().busy() == 0
    }

    /// As [`settle`](Self::settle) for all keys that begin so.
    ///
    /// # Errors
    /// As [`settle`](Self::settle), of any of them.
    pub(super) async fn settle_below(&self, prefix: &str) -> Result<(), FsError> {
        let keys = self.lock().below(prefix);
        self.settle_all(&keys).await
    }

    /// As [`settle`](Self::settle) for many keys, at once.
    ///
    /// # Errors
    /// As [`settle`](Self::settle), of any of them.
    pub(super) async fn settle_all(&self, keys: &[Key]) -> Result<(), FsError> {
        let mut wishes = Vec::new();
        for key in keys {
            let Some((wish, ticket)) = self.lock().again(key) else {
                continue;
            };
            if let Some(ticket) = ticket {
                self.start(key.clone(), ticket, Duration::ZERO);
            }
            wishes.push(wish);
        }
        self.answers(&wishes).await
    }

    /// Waits for all that is to be done by now. What failed before is not tried again.
    pub(super) async fn settle_under_way(&self) {
        let wishes = self.lock().under_way();
        // The ledger knows of failures.
        let _ = self.answers(&wishes).await;
    }

    /// From now on nothing waits longer than it must, or no longer so.
    pub(super) fn hurry(&self, hurry: bool) {
        self.is_hurried.store(hurry, Ordering::Release);
        self.hurry.notify_waiters();
    }

    /// Waits while too much waits to be done.
    pub(super) async fn room(&self) {
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

    /// Keeps everybody else from doing anything about the key; waits for what is on its way.
    pub(super) async fn hold(&self, key: &Key) -> Hold<'_> {
        loop {
            let changed = self.changed.notified();
            if self.lock().hold(key) {
                let key = key.clone();
                return Hold { outbox: self, key };
            }
            changed.await;
        }
    }

    fn start(&self, key: Key, ticket: Version, delay: Duration) {
        let Some(fs) = self.fs.upgrade() else {
            return;
        };
        self.runtime.spawn(async move {
            let outbox = &fs.outbox;
            if !delay.is_zero() && !outbox.is_hurried.load(Ordering::Acquire) {
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = outbox.hurry.notified() => {}
                }
            }
            work(&fs, &key, ticket).await;
        });
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what is wanted of a key until nothing more is.
async fn work(fs: &Arc<Fs>, key: &Key, ticket: Version) {
    let outbox = &fs.outbox;
    let mut ticket = ticket;
    loop {
        // Nobody closes the semaphore.
        let Ok(_place) = outbox.room.acquire_many(fs.weight(key)).await else {
            return;
        };
        let begun = outbox.lock().begin(key, ticket);
        let Some((want, version)) = begun else {
            outbox.changed.notify_waiters();
            return;
        };
        let result = fs.fulfil(key, want).await;
        let next = outbox.lock().ended(key, version, result);
        outbox.changed.notify_waiters();
        match next {
            Next::Begin(next) => ticket = next,
            Next::Rest => return,
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let ticket = self.outbox.lock().let_go(&self.key);
        if let Some(ticket) = ticket {
            self.outbox.start(self.key.clone(), ticket, DELAY);
        }
        self.outbox.changed.notify_waiters();
    }
}
