//! Replace back-off: a reader gets to open a name that is replaced again and again.
//!
//! An open fails if the file was replaced since its lookup. The kernel then looks the name up
//! again, once. If the file has been replaced again by then, the program sees an error that no
//! local disk gives. So a replace waits briefly for a reader that has just come too late.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::object::EntryName;
use crate::ordered::{Guard, LAST, Ordered};
use crate::tree::Ino;

/// Maximum time a replace waits for a late reader. The kernel asks again within microseconds,
/// unless the machine is busy.
const TURN: Duration = Duration::from_millis(250);

/// Readers that came too late, by the name that they want.
#[derive(Debug, Default)]
pub(super) struct ReplaceBackOff {
    late: Ordered<HashMap<(Ino, EntryName), HashMap<u32, Instant>>, LAST>,
    had: Notify,
}

impl ReplaceBackOff {
    /// Records an open that came too late for the file of this name, by the thread that
    /// asked.
    pub(super) fn missed(&self, dir: Ino, name: EntryName, thread: u32) {
        let mut late = self.lock();
        late.entry((dir, name))
            .or_default()
            .insert(thread, Instant::now());
    }

    /// Records that a thread opened the file of this name.
    pub(super) fn had(&self, dir: Ino, name: &EntryName, thread: u32) {
        let mut late = self.lock();
        if !late.is_empty()
            && let Some(readers) = late.get_mut(&(dir, name.clone()))
            && readers.remove(&thread).is_some()
        {
            drop(late);
            self.had.notify_waiters();
        }
    }

    /// Waits for late readers of a name, before it is replaced.
    pub(super) async fn wait(&self, dir: Ino, name: &EntryName) {
        loop {
            let had = self.had.notified();
            let Some(left) = self.left(dir, name) else {
                return;
            };
            // Both a timeout and an open may change the remaining time.
            let _ = tokio::time::timeout(left, had).await;
        }
    }

    /// Returns the time left to wait for readers of the name.
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

    fn lock(&self) -> Guard<'_, HashMap<(Ino, EntryName), HashMap<u32, Instant>>> {
        self.late.lock()
    }
}
