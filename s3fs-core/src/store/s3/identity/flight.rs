//! Work that is done once for all who wait for its result.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Task whose result all callers share. It goes on when they stop waiting.
#[derive(Debug)]
pub(in crate::store::s3) struct Flight<T>(Mutex<Option<watch::Receiver<Option<T>>>>);

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Debug + Send + Sync + 'static> Flight<T> {
    /// Returns the result of the running task, or of `work` if none runs; `None` if the task was
    /// aborted.
    pub(in crate::store::s3) async fn join(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let mut result = self.enter(work);
        let value = result.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    /// Starts `work` unless a task runs. Nobody waits for it.
    pub(super) fn start(&self, work: impl Future<Output = T> + Send + 'static) {
        drop(self.enter(work));
    }

    fn enter(&self, work: impl Future<Output = T> + Send + 'static) -> watch::Receiver<Option<T>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = last.as_ref().filter(|last| is_running(last)) {
            return running.clone();
        }
        let (sender, result) = watch::channel(None);
        tokio::spawn(async move { sender.send_replace(Some(work.await)) });
        *last = Some(result.clone());
        result
    }
}

/// Returns whether a result is still to come: a task that was aborted has dropped its sender.
fn is_running<T>(result: &watch::Receiver<Option<T>>) -> bool {
    result.borrow().is_none() && result.has_changed().is_ok()
}
