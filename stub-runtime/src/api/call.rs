//! A call that goes on beside its caller.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::call::{Attempt, Error, ErrorKind, GRACE, Result};
use crate::codec::Payload;
use crate::observe::logs::OutputLog;

/// A spawned call, returned by `f::spawn` and `f::spawn_map`.
///
/// Dropping this value does not end the call: it goes on as long as the program does.
///
/// ```no_run
/// # use std::time::Duration;
/// # mod f { pub fn spawn(_: u64) -> stub_runtime::Result<stub_runtime::Call<u64>> { todo!() } }
/// # fn main() -> stub_runtime::Result<()> {
/// let call = f::spawn(1)?;
/// match call.get(Duration::from_secs(10)) {
///     Err(error) if matches!(error.kind, stub_runtime::ErrorKind::StillRunning { .. }) => {
///         call.cancel();
///     }
///     value => println!("{}", value?),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Call<V> {
    attempt: Attempt,
    id: String,
    logs: Arc<OutputLog>,
    shared: Arc<CallState>,
    cancel: Arc<dyn Fn(Duration) + Send + Sync>,
    decode: Decode<V>,
}

type Decode<V> = Box<dyn Fn(Vec<Payload>) -> io::Result<V> + Send + Sync>;

#[derive(Debug, Default)]
struct CallState {
    ended: Mutex<Option<Result<Vec<Payload>>>>,
    changed: Condvar,
    notify: Notify,
}

impl<V> Call<V> {
    /// Runs the call on a thread of its own.
    pub(crate) fn spawn(
        attempt: Attempt,
        id: &str,
        logs: Arc<OutputLog>,
        run: impl FnOnce() -> Result<Vec<Payload>> + Send + 'static,
        cancel: impl Fn(Duration) + Send + Sync + 'static,
        decode: impl Fn(Vec<Payload>) -> io::Result<V> + Send + Sync + 'static,
    ) -> Result<Self> {
        let shared = Arc::new(CallState::default());
        let at_end = Arc::clone(&shared);
        let thread = thread::Builder::new().name("stub-call".to_owned());
        let of = attempt.clone();
        let started = thread.spawn(move || {
            // Waiting callers get a result even if the user's iterator panics.
            let ended = catch_unwind(AssertUnwindSafe(run));
            at_end
                .end(ended.unwrap_or_else(|_| {
                    Err(Error::unwatched(of, "the thread that waited for it"))
                }));
        });
        started.map_err(|source| Error::start(attempt.clone(), "start a thread", source))?;
        Ok(Self {
            attempt,
            id: id.to_owned(),
            logs,
            shared,
            cancel: Arc::new(cancel),
            decode: Box::new(decode),
        })
    }

    /// Returns the id of the call: unique among the running calls of this machine. Spans and
    /// reports show it, too.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether the call has ended, with a value or an error.
    pub fn is_finished(&self) -> bool {
        self.shared.lock().is_some()
    }

    /// Returns the last MiB of output of the body and its children so far: standard output and
    /// standard error. This program prints the same output, line by line. Empty for a map.
    pub fn logs(&self) -> String {
        self.logs.text()
    }

    /// Waits for the value: without a limit (`None`), or at most for a `Duration`. May be called again.
    ///
    /// # Errors
    /// The call's, or [`ErrorKind::StillRunning`] if it has not ended in that time.
    pub fn get(&self, timeout: impl Into<Option<Duration>>) -> Result<V> {
        let timeout = timeout.into();
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if self.shared.wait(until) {
            return self.value();
        }
        Err(Error::new(
            self.attempt.clone(),
            ErrorKind::StillRunning {
                waited: timeout.unwrap_or_default(),
            },
        ))
    }

    /// Waits like [`get`](Self::get) without a limit, but without blocking the thread. Works in any
    /// async runtime.
    ///
    /// # Errors
    /// The call's.
    pub async fn join(&self) -> Result<V> {
        loop {
            let notified = self.shared.notify.notified();
            if self.is_finished() {
                return self.value();
            }
            notified.await;
        }
    }

    /// Ends the body: sends SIGTERM to it and its children, and kills those that are still there
    /// after five seconds. What they have written is stored. The call's error is then
    /// [`ErrorKind::Cancelled`], unless it has ended before.
    pub fn cancel(&self) {
        (self.cancel)(GRACE);
    }

    fn value(&self) -> Result<V> {
        let payloads = match &*self.shared.lock() {
            Some(Ok(payloads)) => payloads
                .iter()
                .map(Payload::try_clone)
                .collect::<io::Result<Vec<_>>>(),
            Some(Err(error)) => return Err(error.clone()),
            None => Err(io::Error::other("it has not ended")),
        };
        let value = payloads.and_then(|payloads| (self.decode)(payloads));
        value.map_err(|error| Error::value(self.attempt.clone(), &error))
    }
}

impl<V: 'static> IntoFuture for Call<V> {
    type Output = Result<V>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<V>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.join().await })
    }
}

impl<V> fmt::Debug for Call<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("function", &self.attempt.function)
            .field("id", &self.id)
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl CallState {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Result<Vec<Payload>>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, ended: Result<Vec<Payload>>) {
        *self.lock() = Some(ended);
        self.changed.notify_all();
        self.notify.notify_waiters();
    }

    /// Waits until the call has ended, or until the deadline. Returns whether the call has ended.
    fn wait(&self, until: Option<Instant>) -> bool {
        let mut ended = self.lock();
        while ended.is_none() {
            ended = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self
                    .changed
                    .wait(ended)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return false,
                Some(left) => {
                    let woken = self.changed.wait_timeout(ended, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}
