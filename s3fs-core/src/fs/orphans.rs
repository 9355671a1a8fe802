//! Files that were deleted or replaced while programs have them open.
//!
//! They go on reading, and writing, what they opened. A small file is fetched before its object goes. The
//! object of a large one that was deleted stays until its last handle is closed, unless another file
//! takes its key.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::fs::open_files::OpenFile;
use crate::fs::{Fs, FsError, TTL};
use crate::object::{ETag, EntryName, Key, ObjectRef};
use crate::store::Precondition;
use crate::tree::{Entry, FileState, Ino, Kind, Removed};
use crate::write::Writer;

/// How long the kernel may take to tell that a file was closed.
const CLOSING: Duration = Duration::from_secs(1);

/// The handles of each file, and the objects that stay for them.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    open: Mutex<Open>,
    /// Held by whoever deletes what had been left, so that the end can wait for it.
    deleting: tokio::sync::Mutex<()>,
    /// Something that had been left was deleted.
    deleted: Notify,
}

#[derive(Debug, Default)]
struct Open {
    /// Of any kind.
    handles: HashMap<Ino, usize>,
    /// Open files in whose place there are others: who found one by its name may open it a little later.
    replaced: HashSet<Ino>,
    deferred: HashMap<Ino, Deferred>,
}

/// An object that is to be deleted when nobody reads it any more.
#[derive(Clone, Debug)]
struct Deferred {
    key: Key,
    dir: Ino,
    name: EntryName,
    /// The version that was deleted; nothing if it may be one that nobody knows.
    etag: Option<ETag>,
}

impl Orphans {
    fn opened(&self, ino: Ino) {
        self.lock(|open| *open.handles.entry(ino).or_default() += 1);
    }

    /// One handle fewer; whether it was the last.
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

    /// Whether another file took its place while it was open; asked when it is closed.
    fn was_replaced(&self, ino: Ino) -> bool {
        self.lock(|open| open.replaced.remove(&ino))
    }

    fn is_open(&self, ino: Ino) -> bool {
        self.lock(|open| open.handles.contains_key(&ino))
    }

    fn defer(&self, ino: Ino, deferred: Deferred) {
        self.lock(|open| open.deferred.insert(ino, deferred));
    }

    /// Whether a deleted object is still under some key that begins so.
    fn keeps_below(&self, prefix: &str) -> bool {
        self.lock(|open| {
            let mut keys = open.deferred.values().map(|deferred| &deferred.key);
            keys.any(|key| key.as_str().starts_with(prefix))
        })
    }

    /// Waits for the objects below a folder that stayed for handles which are closed by now: the kernel
    /// tells of the last close a little later than the program closes.
    pub(super) async fn settle_below(&self, prefix: &str) {
        let gone = async {
            loop {
                let deleted = self.deleted.notified();
                // One that was taken is being deleted still.
                // Whoever has taken one holds this until it is deleted.
                let deleting = self.deleting.lock().await;
                if !self.keeps_below(prefix) {
                    return;
                }
                drop(deleting);
                deleted.await;
            }
        };
        // Those of files that are open will be found to be there.
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

    /// Whether a deleted object is still under the key.
    pub(super) fn keeps(&self, key: &Key) -> bool {
        self.lock(|open| open.deferred.values().any(|deferred| deferred.key == *key))
    }

    fn lock<T>(&self, act: impl FnOnce(&mut Open) -> T) -> T {
        act(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What becomes of the object of a file that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    /// It is deleted.
    Deleted,
    /// Another takes its place at once.
    Replaced,
}

impl Fs {
    /// Before a file goes: sees to it that those who have it open keep it. Returns whether its object
    /// may go now.
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
        self.store_grafts(key.as_str(), ino).await?;
        if !self.orphans.is_open(ino) {
            return Ok(true);
        }
        let writer = self.open_files.get(ino);
        if let Some(file) = &writer
            && file.writer.is_streaming().await
            && let Err(error) = self.store_file(key, ino).await
        {
            tracing::warn!(%ino, %error, "what was sent of a file that is deleted can't be read any more");
        }
        let state = self.file(ino).unwrap_or_else(|| state.clone());
        let is_large = state.size > self.parts.sizes().first();
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
        let place = self.place(ino, Precondition::None);
        let writer = match Writer::open(self.target(), place.clone(), object).await {
            Ok(writer) => writer,
            Err(error) => {
                let error = FsError::from(error);
                // Somebody else was faster: nothing is left to be fetched.
                return if error.is_stale() || matches!(error.errno(), nix::errno::Errno::ENOENT) {
                    Ok(())
                } else {
                    Err(error)
                };
            }
        };
        tracing::debug!(%ino, size = state.size, "fetched, because it is open");
        let file = self.share(ino, writer, place)?;
        self.open_files.leave(&file);
        Ok(())
    }

    /// After a file has lost its name.
    pub(super) async fn set_adrift(&self, ino: Ino) {
        let Some(file) = self.open_files.get(ino) else {
            return;
        };
        if self.orphans.is_open(ino) {
            file.writer.orphan().await;
            self.open_files.changed();
        } else {
            self.let_drift(&file);
        }
    }

    /// As [`set_adrift`](Self::set_adrift), for a file in whose place there is another: who has just found
    /// it by the name may yet open it.
    pub(super) async fn set_adrift_later(&self, ino: Ino) {
        let Some(file) = self
            .open_files
            .get(ino)
            .filter(|_| !self.orphans.is_open(ino))
        else {
            self.orphans.replaced(ino);
            return self.set_adrift(ino).await;
        };
        file.writer.orphan().await;
        self.open_files.changed();
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
        self.open_files.end(file.ino, |_| true);
    }

    /// The object of a deleted file stays for now.
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

    /// A handle of a file was opened.
    pub(super) fn handle_opened(&self, ino: Ino) {
        self.orphans.opened(ino);
        self.tree.opened(ino);
    }

    /// A handle of a file was closed.
    pub(super) fn handle_closed(&self, ino: Ino) {
        self.tree.closed(ino);
        if !self.orphans.closed(ino) {
            return;
        }
        let was_replaced = self.orphans.was_replaced(ino);
        // What another client has replaced, and what was written to it since, is kept to be saved.
        let is_wanted = |file: &OpenFile| !file.writer.is_stored() && self.is_wanted(ino);
        if self.tree.place(ino).is_none()
            && let Some(file) = self.open_files.get(ino).filter(|file| !is_wanted(file))
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

    /// Deletes what stayed for handles that are open still.
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
        let _held = self.outbox.hold(&key).await;
        let taken = self.tree.remembered(dir, &name);
        if matches!(taken, Some(Kind::File(file)) if file.etag.is_some()) {
            return;
        }
        // The ledger knows of failures.
        let _ = self.store_grafts(key.as_str(), Ino::ROOT).await;
        // Another client may have put something else there: nobody kept it from that.
        let described = self.describe(&key).await;
        if let Err(error) = &described {
            let reason = format!("could not be deleted: {error}");
            self.ledger.failed(self.store.uri(&key), reason);
        }
        let now = described
            .ok()
            .flatten()
            .map(|described| described.meta.etag);
        if now.is_some() && (etag.is_none() || now == etag) {
            self.delete(&key, dir, &name).await;
        } else {
            self.tree.removal_done(dir, &name, Removed::File);
        }
    }
}
