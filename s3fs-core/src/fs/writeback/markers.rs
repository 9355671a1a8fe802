//! Markers of folders that may have no key left.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt};

use crate::fs::writeback::Writeback;
use crate::fs::writeback::queue::DesiredState;
use crate::store::Capability;
use crate::tree::Ino;

/// Maximum number of folders listed at once.
const AT_ONCE: usize = 64;

impl Writeback {
    /// Keeps a folder in the tree, though it may have no key left in the bucket.
    pub(in crate::fs) fn keep(&self, dir: Ino) {
        if dir != Ino::ROOT {
            self.core.tree.pin(dir);
            let mut kept = self.kept.lock();
            kept.insert(dir);
        }
    }

    /// Takes out the folders that are kept though they may have no key left.
    pub(in crate::fs) fn take_kept(&self) -> HashSet<Ino> {
        let mut kept = self.kept.lock();
        std::mem::take(&mut *kept)
    }

    /// Stores markers of folders that have no key left. The caller has waited for the deletions in
    /// them.
    pub(in crate::fs) async fn mark(&self, kept: HashSet<Ino>) {
        let marking = kept.into_iter().map(|dir| async move {
            let is_there = self.core.tree.entry(dir).is_some_and(|entry| entry.named)
                && self.core.store.capabilities().has(Capability::Markers);
            let Some(marker) = self.core.marker_of(dir).ok().filter(|_| is_there) else {
                return;
            };
            let has_keys = self.core.has_keys(marker.as_str()).await;
            self.account(&marker, &has_keys, "the folder may be gone: ");
            match has_keys {
                Ok(false) => self.queue.want(&marker, DesiredState::Marker(dir)),
                Ok(true) => {}
                Err(_) => self.keep(dir),
            }
        });
        stream::iter(marking)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }
}
