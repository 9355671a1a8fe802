//! Deleted or replaced files that programs still have open.
//!
//! Programs still read and write the file that they opened. A small file is fetched before its
//! object is deleted. The object of a large deleted file stays until its last handle is closed,
//! unless another file takes its key.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::fs::open_files::OpenFile;
use crate::fs::{Fs, FsError, TTL};
use crate::object::{ETag, EntryName, Key, ObjectRef};
use crate::ordered::{LAST, Ordered};
use crate::store::Precondition;
use crate::tree::{Entry, FileState, Ino, Kind, Removed};
use crate::write::Writer;

/// Maximum time to wait for the kernel to report a closed file.
const CLOSING: Duration = Duration::from_secs(1);

/// Handles of each file, and the objects that stay for them.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    open: Ordered<Open, LAST>,
    /// Lock held while a deferred deletion runs, so that the end of the mount can wait for it.
    deleting: tokio::sync::Mutex<()>,
    /// Signal that a deferred deletion has completed.
    deleted: Notify,
}

#[derive(Debug, Default)]
struct Open {
    /// Number of handles of any kind, by inode.
    handles: HashMap<Ino, usize>,
    /// Open files that were replaced. A program that has just looked up such a file may open it a
    /// little later.
    replaced: HashSet<Ino>,
    deferred: HashMap<Ino, Deferred>,
}

/// Object to delete after the last handle of its file is closed.
#[derive(Clone, Debug)]
struct Deferred {
    key: Key,
    dir: Ino,
    name: EntryName,
    /// Version that was deleted, or `None` if the object may be of an unknown version.
    etag: Option<ETag>,
}

impl Orphans {
    fn opened(&self, ino: Ino) {
        self.lock(|open| *open.handles.entry(ino).or_default() += 1);
    }

    /// Removes a handle of the file. Returns whether it was the last one.
    pub(super) fn closed(&self, ino: Ino) -> bool {
        self.lock(|open| {
            let Some(count) = open.handles.get_mut(&ino) else {
                return true;
            };
            *count -= 1;
            let is_last = *count == 0;
            if is_last {
                open.handles.remove(&ino);
            }
            is_last
        })
    }

    fn replaced(&self, ino: Ino) {
        self.lock(|open| open.replaced.insert(ino));
    }

    /// Returns whether another file replaced it while it was open, and clears that mark. Called
    /// when the file is closed.
    fn was_replaced(&self, ino: Ino) -> bool {
        self.lock(|open| open.replaced.remove(&ino))
    }

    fn is_open(&self, ino: Ino) -> bool {
        self.lock(|open| open.handles.contains_key(&ino))
    }

    fn defer(&self, ino: Ino, deferred: Deferred) {
        self.lock(|open| open.deferred.insert(ino, deferred));
    }

    /// Returns whether the object of a deleted file is still stored under a key with this prefix.
    fn keeps_below(&self, prefix: &str) -> bool {
        self.lock(|open| {
            let mut keys = open.deferred.values().map(|deferred| &deferred.key);
            keys.any(|key| key.as_str().starts_with(prefix))
        })
    }

    /// Waits until the objects below a folder are deleted whose handles are closed by now. The
    /// kernel reports the last close a little later than the program closes.
    pub(super) async fn settle_below(&self, prefix: &str) {
        let gone = async {
            loop {
                let deleted = self.deleted.notified();
                // An object that was taken out is still being deleted while this lock is held.
                let deleting = self.deleting.lock().await;
                if !self.keeps_below(prefix) {
                    return;
                }
                drop(deleting);
                deleted.await;
            }
        };
        // The objects of files that are still open remain, and the caller finds them.
        let _ = tokio::time::timeout(CLOSING, gone).await;
    }

    fn take(&self, ino: Ino) -> Option<Deferred> {
        self.lock(|open| open.deferred.remove(&ino))
    }

    fn has_deferred(&self, ino: Ino) -> bool {
        self.lock(|open| open.deferred.contains_key(&ino))
    }

    fn take_all(&self) -> Vec<Deferred> {
        self.lock(|open| {
            open.deferred
                .drain()
                .map(|(_, deferred)| deferred)
                .collect()
        })
    }

    /// Returns whether the object of a deleted file is still stored under the key.
    pub(super) fn keeps(&self, key: &Key) -> bool {
        self.lock(|open| open.deferred.values().any(|deferred| deferred.key == *key))
    }

    fn lock<T>(&self, act: impl FnOnce(&mut Open) -> T) -> T {
        act(&mut self.open.lock())
    }
}

/// Fate of the object of a file that loses its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    /// The object is deleted.
    Deleted,
    /// Another object replaces it at once.
    Replaced,
}

impl Fs {
    /// Prepares a file for losing its name: its open handles keep its content. Returns whether its
    /// object may be deleted or replaced now.
    pub(super) async fn set_aside(
        &self,
        entry: &Entry,
        key: &Key,
        going: Going,
    ) -> Result<bool, FsError> {
        let ino = entry.ino;
        let Kind::File(state) = &entry.kind else {
            return Ok(true);
        };
        self.writeback
            .store_copied_ranges(key.as_str(), ino)
            .await?;
        if !self.orphans.is_open(ino) {
            return Ok(true);
        }
        let writer = self.core.open_files.get(ino);
        if let Some(file) = &writer
            && file.writer.is_streaming().await
            && let Err(error) = self.writeback.store_file(key, ino).await
        {
            tracing::warn!(%ino, %error, "failed to read back the sent parts of a deleted file");
        }
        let state = self.core.file(ino).unwrap_or_else(|| state.clone());
        let is_large = state.size > self.core.shared.parts.sizes().first();
        if let Some(etag) = &state.etag {
            let needs_object = match &writer {
                Some(file) => file.writer.needs_objects().await,
                None => is_large,
            };
            if needs_object {
                return Ok(going == Going::Replaced);
            }
            if writer.is_none() {
                let object = ObjectRef {
                    key: key.clone(),
                    etag: etag.clone(),
                    size: state.size,
                };
                self.fetch_aside(ino, &state, object).await?;
            }
        }
        Ok(true)
    }

    async fn fetch_aside(
        &self,
        ino: Ino,
        state: &FileState,
        object: ObjectRef,
    ) -> Result<(), FsError> {
        let place = self.core.place(ino, Precondition::None);
        let writer = match Writer::open(self.core.target(), place.clone(), object).await {
            Ok(writer) => writer,
            Err(error) => {
                let error = FsError::from(error);
                // Another client deleted or replaced the object: nothing is left to fetch.
                return if error.is_stale() || matches!(error.errno(), nix::errno::Errno::ENOENT) {
                    Ok(())
                } else {
                    Err(error)
                };
            }
        };
        tracing::debug!(%ino, size = state.size, "fetched a deleted file that is open");
        let file = self.core.share(ino, writer, place)?;
        self.core.open_files.leave(&file);
        Ok(())
    }

    /// Detaches the writer of a file that has lost its name, if the file is open. Forgets the file
    /// otherwise.
    pub(super) async fn set_adrift(&self, ino: Ino) {
        let Some(file) = self.core.open_files.get(ino) else {
            return;
        };
        if self.orphans.is_open(ino) {
            file.writer.orphan().await;
            self.core.open_files.changed();
        } else {
            self.let_drift(&file);
        }
    }

    /// Detaches a file that was replaced, as [`set_adrift`](Self::set_adrift) does, but forgets it
    /// only after [`TTL`]: a program that has just looked it up may yet open it.
    pub(super) async fn set_adrift_later(&self, ino: Ino) {
        let Some(file) = self
            .core
            .open_files
            .get(ino)
            .filter(|_| !self.orphans.is_open(ino))
        else {
            self.orphans.replaced(ino);
            return self.set_adrift(ino).await;
        };
        file.writer.orphan().await;
        self.core.open_files.changed();
        self.drift_later(file);
    }

    fn drift_later(&self, file: Arc<OpenFile>) {
        let ino = file.ino;
        if let Some(fs) = self.me.upgrade() {
            tokio::spawn(async move {
                tokio::time::sleep(TTL).await;
                if !fs.orphans.is_open(ino) {
                    fs.let_drift(&file);
                }
            });
        }
    }

    fn let_drift(&self, file: &OpenFile) {
        self.core.open_files.end(file.ino, |_| true);
    }

    /// Defers the deletion of a deleted file's object until the file is closed.
    pub(super) fn defer_deletion(
        &self,
        ino: Ino,
        key: Key,
        (dir, name): (Ino, EntryName),
        etag: Option<ETag>,
    ) {
        let deferred = Deferred {
            key,
            dir,
            name,
            etag,
        };
        self.orphans.defer(ino, deferred);
    }

    /// Records that a handle of a file was opened.
    pub(super) fn handle_opened(&self, ino: Ino) {
        self.orphans.opened(ino);
        self.core.tree.opened(ino);
    }

    /// Records that a handle of a file was closed. After the last one, forgets a file without a
    /// name and runs its deferred deletion.
    pub(super) fn handle_closed(&self, ino: Ino) {
        self.core.tree.closed(ino);
        if !self.orphans.closed(ino) {
            return;
        }
        let was_replaced = self.orphans.was_replaced(ino);
        // A file that another client has replaced is kept with what was written to it since, to be
        // saved.
        let is_wanted = |file: &OpenFile| !file.writer.is_stored() && self.core.is_wanted(ino);
        if self.core.tree.place(ino).is_none()
            && let Some(file) = self
                .core
                .open_files
                .get(ino)
                .filter(|file| !is_wanted(file))
        {
            if was_replaced {
                self.drift_later(file);
            } else {
                self.let_drift(&file);
            }
        }
        if self.orphans.has_deferred(ino)
            && let Some(fs) = self.me.upgrade()
        {
            tokio::spawn(async move {
                let _deleting = fs.orphans.deleting.lock().await;
                if let Some(deferred) = fs.orphans.take(ino) {
                    fs.delete_now(deferred).await;
                }
                fs.orphans.deleted.notify_waiters();
            });
        }
    }

    /// Runs all deferred deletions, even if handles are still open.
    pub(super) async fn delete_deferred(&self) {
        let _deleting = self.orphans.deleting.lock().await;
        for deferred in self.orphans.take_all() {
            self.delete_now(deferred).await;
        }
    }

    async fn delete_now(&self, deferred: Deferred) {
        let Deferred {
            key,
            dir,
            name,
            etag,
        } = deferred;
        let _held = self.writeback.queue.hold(&key).await;
        let taken = self.core.tree.remembered(dir, &name);
        if matches!(taken, Some(Kind::File(file)) if file.etag.is_some()) {
            return;
        }
        // Failures are recorded.
        let _ = self
            .writeback
            .store_copied_ranges(key.as_str(), Ino::ROOT)
            .await;
        // Another client may have stored another object under the key.
        let described = self.core.describe(&key).await;
        if let Err(error) = &described {
            let reason = format!("could not be deleted: {error}");
            self.writeback.failed(&key, reason);
            self.core.tree.removal_failed(dir, &name, Removed::File);
            return;
        }
        let now = described
            .ok()
            .flatten()
            .map(|described| described.meta.etag);
        if now.is_some() && (etag.is_none() || now == etag) {
            self.writeback.delete(&key, dir, &name).await;
        } else {
            self.core.tree.removal_done(dir, &name, Removed::File);
        }
    }
}
