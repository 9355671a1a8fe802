//! Files opened before anybody asked for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::object::{Key, ObjectMeta};
use crate::read::Reader;
use crate::store::StoreError;

/// A file that was opened, or why it could not be.
pub type OpenedReader = Result<(Arc<Reader>, ObjectMeta), Arc<StoreError>>;

/// An open that has begun. Waiting for it is cheap, and any number may.
#[derive(Clone, Debug)]
pub struct Opening {
    /// When the store was asked: what happened later may not show.
    pub asked: Instant,
    result: Shared<BoxFuture<'static, OpenedReader>>,
}

impl Opening {
    /// What came of it.
    pub async fn wait(self) -> OpenedReader {
        self.result.await
    }

    /// What came of it, if that is known now.
    pub fn now(&self) -> Option<&OpenedReader> {
        self.result.peek()
    }
}

/// The opens that have begun and were not asked for yet, by key.
#[derive(Debug)]
pub struct Ahead {
    good_for: Duration,
    /// Files are opened on threads of the kernel's edge too.
    runtime: Handle,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    begun: HashMap<Key, Begun>,
    /// Somebody will drop what is out of date.
    is_swept: bool,
}

/// An open that nobody has asked for. Dropping it ends its request.
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
    /// What is opened ahead is used within this time or not at all. Must be called inside a tokio
    /// runtime.
    pub fn new(good_for: Duration) -> Self {
        Self {
            good_for,
            runtime: Handle::current(),
            state: Arc::default(),
        }
    }

    /// Whether an open of the object has begun and is not out of date.
    pub fn has(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }

    /// The open that has begun, left where it is.
    pub fn get(&self, key: &Key) -> Option<Opening> {
        let state = lock(&self.state);
        let begun = state.begun.get(key)?;
        (begun.opening.asked.elapsed() < self.good_for).then(|| begun.opening.clone())
    }

    /// The open that has begun, for whoever opens the file: the next one asks the store again.
    pub fn take(&self, key: &Key) -> Option<Opening> {
        let begun = lock(&self.state).begun.remove(key)?;
        (begun.opening.asked.elapsed() < self.good_for).then(|| begun.opening.clone())
    }

    /// What is here of an object that was changed is of no use.
    pub fn forget(&self, key: &Key) {
        lock(&self.state).begun.remove(key);
    }

    /// Begins to open an object.
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

/// Drops what is out of date, until nothing is left.
async fn sweep(state: Arc<Mutex<State>>, good_for: Duration) {
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

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
