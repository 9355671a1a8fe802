//! Ends of uploads that were given up: done beside what goes on, and waited for at the end.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Tasks that end uploads. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Endings(Arc<Mutex<Tasks>>);

#[derive(Debug, Default)]
struct Tasks {
    current: TaskTracker,
    /// Closed: waited for by somebody, and not empty when that began.
    earlier: Vec<TaskTracker>,
}

impl Endings {
    /// Begins a task.
    pub fn spawn_on(&self, task: impl Future<Output = ()> + Send + 'static, runtime: &Handle) {
        self.lock().current.spawn_on(task, runtime);
    }

    /// Waits for the tasks that have begun by now. Those that others begin meanwhile put its end off no
    /// further.
    pub async fn begun(&self) {
        let begun = {
            let mut tasks = self.lock();
            let current = std::mem::take(&mut tasks.current);
            current.close();
            tasks.earlier.push(current);
            tasks.earlier.retain(|tasks| !tasks.is_empty());
            tasks.earlier.clone()
        };
        for tasks in begun {
            tasks.wait().await;
        }
    }

    /// Waits until there is no task.
    pub async fn all(&self) {
        while !self.is_idle() {
            self.begun().await;
        }
    }

    fn is_idle(&self) -> bool {
        let tasks = self.lock();
        tasks.current.is_empty() && tasks.earlier.iter().all(TaskTracker::is_empty)
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use tokio::sync::oneshot::{Sender, channel};

    use super::*;

    /// Begins a task that ends when the sender is dropped.
    fn begin(endings: &Endings) -> Sender<()> {
        let (sender, ended) = channel();
        endings.spawn_on(async move { drop(ended.await) }, &Handle::current());
        sender
    }

    #[tokio::test]
    async fn those_that_begin_later_put_nothing_off() {
        let endings = Endings::default();
        endings.begun().await;
        let first = begin(&endings);
        let mut waiting = Box::pin(endings.begun());
        assert!(poll!(&mut waiting).is_pending());
        let later = begin(&endings);
        let mut all = Box::pin(endings.all());
        assert!(poll!(&mut all).is_pending());
        drop(first);
        waiting.await;
        assert!(poll!(&mut all).is_pending());
        drop(later);
        all.await;
    }

    #[tokio::test]
    async fn one_that_somebody_waits_for_is_waited_for_by_others_too() {
        let endings = Endings::default();
        let task = begin(&endings);
        let mut waiting = [Box::pin(endings.begun()), Box::pin(endings.begun())];
        for waiting in &mut waiting {
            assert!(poll!(waiting).is_pending());
        }
        drop(task);
        for waiting in waiting {
            waiting.await;
        }
    }
}
