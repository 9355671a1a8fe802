//! Readers of a name that others keep replacing get a turn.
//!
//! An open of a file that was replaced since its name was looked up is an error on which the kernel looks the name
//! up again, once. If it has been replaced again by then, the program sees an error that no local disk gives. So
//! whoever replaces a name waits a little for a reader who has just come too late.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::object::EntryName;
use crate::tree::Ino;

/// So long is waited for a reader: the kernel asks again within microseconds, unless the machine is busy.
const TURN: Duration = Duration::from_millis(250);

/// The readers who came too late, by the name that they want.
#[derive(Debug, Default)]
pub(super) struct Turns {
    late: Mutex<HashMap<(Ino, EntryName), HashMap<u32, Instant>>>,
    had: Notify,
}

impl Turns {
    /// An open of what had this name came too late; `pid` is the thread that asked.
    pub(super) fn missed(&self, dir: Ino, name: EntryName, pid: u32) {
        let mut late = self.lock();
        late.entry((dir, name))
            .or_default()
            .insert(pid, Instant::now());
    }

    /// What has this name was opened by a thread.
    pub(super) fn had(&self, dir: Ino, name: &EntryName, pid: u32) {
        let mut late = self.lock();
        if !late.is_empty()
            && let Some(readers) = late.get_mut(&(dir, name.clone()))
            && readers.remove(&pid).is_some()
        {
            drop(late);
            self.had.notify_waiters();
        }
    }

    /// Waits, before a name is replaced, for a reader who came too late.
    pub(super) async fn wait(&self, dir: Ino, name: &EntryName) {
        loop {
            let had = self.had.notified();
            let Some(left) = self.left(dir, name) else {
                return;
            };
            // Either may have changed what is left.
            let _ = tokio::time::timeout(left, had).await;
        }
    }

    /// How long to wait for a reader of the name.
    fn left(&self, dir: Ino, name: &EntryName) -> Option<Duration> {
        let mut late = self.lock();
        if late.is_empty() {
            return None;
        }
        late.retain(|_, readers| {
            readers.retain(|_, since| since.elapsed() < TURN);
            !readers.is_empty()
        });
        let readers = late.get(&(dir, name.clone()))?;
        let last = readers.values().max()?;
        Some(TURN.saturating_sub(last.elapsed()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Ino, EntryName), HashMap<u32, Instant>>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
