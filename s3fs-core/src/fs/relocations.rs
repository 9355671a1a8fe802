//! Files whose objects the server is renaming. The old key may have no object any more, while readers
//! don't know the new one yet.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::ordered::{LAST, Ordered};
use crate::tree::Ino;

/// Files whose objects are being renamed.
#[derive(Debug, Default)]
pub(super) struct Relocations(Ordered<HashMap<Ino, watch::Receiver<()>>, LAST>);

/// Rename of a file's object. It ends when dropped.
#[derive(Debug)]
pub(super) struct Relocation<'a> {
    all: &'a Relocations,
    ino: Ino,
    /// Channel whose end wakes those who wait.
    _under_way: watch::Sender<()>,
}

impl Relocations {
    /// Begins a rename of a file's object, of which there is only one at a time.
    pub(super) fn begin(&self, ino: Ino) -> Relocation<'_> {
        let (under_way, waiting) = watch::channel(());
        self.0.lock().insert(ino, waiting);
        Relocation {
            all: self,
            ino,
            _under_way: under_way,
        }
    }

    /// Returns whether a file's object is being renamed.
    pub(super) fn has(&self, ino: Ino) -> bool {
        self.0.lock().contains_key(&ino)
    }

    /// Waits for the end of a rename that is under way.
    pub(super) async fn ended(&self, ino: Ino) {
        let waiting = self.0.lock().get(&ino).cloned();
        if let Some(mut waiting) = waiting {
            // Nothing is ever sent: the error is the end.
            let _ = waiting.changed().await;
        }
    }
}

impl Drop for Relocation<'_> {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.ino);
    }
}
