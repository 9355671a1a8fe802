//! Prefetched opens: files opened before a program asks for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::object::{Key, ObjectMeta};
use crate::read::Reader;
use crate::store::StoreError;

/// Result of an open: the reader and the object's metadata, or the store's error.
pub type OpenedReader = Result<(Arc<Reader>, ObjectMeta), Arc<StoreError>>;

/// Open in progress or finished. Any number of tasks may wait for it, at little cost.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Time of the request to the store; the result may miss later changes.
    pub asked: Instant,
    result: Shared<BoxFuture<'static, OpenedReader>>,
}

impl Opening {
    /// Waits for the result.
    pub async fn wait(self) -> OpenedReader {
        self.result.await
    }

    /// Returns the result if it has arrived.
    pub fn now(&self) -> Option<&OpenedReader> {
        self.result.peek()
    }
}

/// Opens that were started ahead and that no program has asked for yet, by key.
#[derive(Debug)]
pub struct Ahead {
    good_for: Duration,
    /// Runtime to spawn on: opens also start on the kernel's threads, outside the runtime.
    runtime: Handle,
    state: Arc<Mutex<AheadState>>,
}

#[derive(Debug, Default)]
struct AheadState {
    begun: HashMap<Key, Begun>,
    /// True while a task is running that drops expired opens.
    is_swept: bool,
}

/// Open that no program has asked for yet. Dropping it cancels its request.
#[derive(Debug)]
struct Begun {
    opening: Opening,
    task: AbortHandle,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ahead {
    /// Creates an empty set of opens that each expire after `good_for`. Must be called inside a
    /// tokio runtime.
    pub fn new(good_for: Duration) -> Self {
        Self {
            good_for,
            runtime: Handle::current(),
            state: Arc::default(),
        }
    }

    /// Returns whether an open of the object was started and has not expired.
    pub fn has(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }

    /// Returns the open of the object without removing it, unless it has expired.
    pub fn get(&self, key: &Key) -> Option<Opening> {
        let state = lock(&self.state);
        let begun = state.begun.get(key)?;
        (begun.opening.asked.elapsed() < self.good_for).then(|| begun.opening.clone())
    }

    /// Removes and returns the open of the object: the next caller asks the store again.
    pub fn take(&self, key: &Key) -> Option<Opening> {
        let begun = lock(&self.state).begun.remove(key)?;
        (begun.opening.asked.elapsed() < self.good_for).then(|| begun.opening.clone())
    }

    /// Drops the open of an object that was changed.
    pub fn forget(&self, key: &Key) {
        lock(&self.state).begun.remove(key);
    }

    /// Starts to open an object.
    pub fn begin(
        &self,
        key: Key,
        open: impl Future<Output = Result<(Arc<Reader>, ObjectMeta), StoreError>> + Send + 'static,
    ) {
        let asked = Instant::now();
        let result = open.map(|opened| opened.map_err(Arc::new)).boxed().shared();
        let task = self.runtime.spawn(result.clone()).abort_handle();
        let opening = Opening { asked, result };
        let mut state = lock(&self.state);
        state.begun.insert(key, Begun { opening, task });
        if !state.is_swept {
            state.is_swept = true;
            self.runtime
                .spawn(sweep(Arc::clone(&self.state), self.good_for));
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        lock(&self.state).begun.clear();
    }
}

/// Drops expired opens periodically, until none is left.
async fn sweep(state: Arc<Mutex<AheadState>>, good_for: Duration) {
    loop {
        tokio::time::sleep(good_for).await;
        let mut state = lock(&state);
        state
            .begun
            .retain(|_, begun| begun.opening.asked.elapsed() < good_for);
        if state.begun.is_empty() {
            state.is_swept = false;
            return;
        }
    }
}

fn lock(state: &Mutex<AheadState>) -> MutexGuard<'_, AheadState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
