//! End of a mount: changes are refused, waiting ends, and all files are stored or reported.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout};

use crate::end::{End, GLANCE, Silence};
use crate::fs::{Fs, FsError, NotStored, Pending};
use crate::object::Shown;
use crate::store::UploadId;

/// Maximum number of concurrent looks for uploads whose creation was not answered.
const LOOKS: usize = 64;

/// Maximum time of such a look. Everything is stored by then, and its result is only logged.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// Time for changes under way when the mount closes, before their operations stop waiting.
const MOMENT: Duration = Duration::from_secs(2);

impl Fs {
    /// Returns the signal that ends operations which wait for the bucket.
    pub(crate) fn end(&self) -> &End {
        &self.core.lifecycle.end
    }

    /// Refuses every change from now on. Changes that were reported as done before this returns are
    /// part of the next [`finish`](Self::finish).
    pub async fn close(&self) {
        self.core.lifecycle.gate.close();
        if timeout(MOMENT, self.core.lifecycle.gate.emptied())
            .await
            .is_err()
        {
            self.core.lifecycle.end.end_waits();
        }
    }

    /// Stores everything that is not stored. Returns the objects that could not be stored since the
    /// mount began. After [`close`](Self::close), the result is final. Before, it covers changes up
    /// to the call: programs that go on writing do not delay it.
    pub async fn finish(&self) -> Vec<NotStored> {
        let needs = || !self.core.lifecycle.limits_silence();
        self.unless_silent(self.finish_patiently(), needs).await
    }

    async fn finish_patiently(&self) -> Vec<NotStored> {
        if self.core.lifecycle.gate.is_closed() {
            // Files that wait to be stored get the time that their requests have.
            let has_files = || self.pending().files > 0;
            self.unless_silent(self.core.lifecycle.gate.emptied(), has_files)
                .await;
        }
        self.store_all().await;
        self.writeback.rescue_all().await;
        if self.core.lifecycle.gate.is_closed() {
            self.core.endings.all().await;
            self.name_strays().await;
        } else {
            self.core.endings.begun().await;
        }
        self.not_stored()
    }

    /// Logs the uploads that stay in the bucket because the answers to their creations were lost.
    /// They are not aborted: another client may write the same key.
    async fn name_strays(&self) {
        let keys = stream::iter(self.core.store.take_unanswered());
        let looks = keys.map(|key| async move {
            let uploads = timeout(LOOK_LIMIT, self.core.store.uploads(&key)).await;
            (self.core.store.uri(&key), uploads)
        });
        let looked: Vec<_> = looks.buffered(LOOKS).collect().await;
        for (object, uploads) in looked {
            match uploads {
                Ok(Ok(uploads)) => {
                    for UploadId(id) in uploads {
                        let object = Shown(&object);
                        tracing::warn!(
                            "an unfinished upload of {object} stays in the bucket: the answer to \
                             its creation was lost; abort the upload {id} if no other client is \
                             writing this object, or leave it to the bucket's rules"
                        );
                    }
                }
                Ok(Err(error)) => tracing::warn!(
                    "an unfinished upload of {} may stay in the bucket: the answer to its creation \
                     was lost, and {error}",
                    Shown(&object)
                ),
                Err(_) => tracing::warn!(
                    "an unfinished upload of {} may stay in the bucket: the answer to its creation \
                     was lost, and listing uploads takes too long",
                    Shown(&object)
                ),
            }
        }
    }

    /// Cancels requests to the store, from now on, if it makes no progress for a while
    /// during [`finish`](Self::finish).
    pub fn limit_silence(&self) {
        self.core.lifecycle.limit_silence();
    }

    async fn store_all(&self) {
        self.writeback.queue.hurry(true);
        for file in self.core.open_files.all() {
            if let Ok(key) = self.core.key_of(file.ino) {
                self.writeback.want_stored(&key, &file).await;
            }
        }
        self.delete_deferred().await;
        // Before the removed entries are deleted: later removals belong to the next account.
        let kept = self.writeback.take_kept();
        // Failed requests are repeated once. Failures are recorded.
        let _ = self.writeback.queue.settle_below("").await;
        self.writeback.mark(kept).await;
        // Markers, and files that have moved to another key meanwhile.
        self.writeback.queue.settle_under_way().await;
        if self.core.lifecycle.gate.is_closed() {
            self.come_to_rest().await;
        }
        self.writeback.queue.hurry(false);
    }

    /// Waits until nothing is queued. Programs must not add requests.
    async fn come_to_rest(&self) {
        loop {
            self.writeback.queue.settle_under_way().await;
            if !self.writeback.queue.is_idle() {
                continue;
            }
            self.writeback.mark(self.writeback.take_kept()).await;
            if self.writeback.queue.is_idle() {
                break;
            }
        }
    }

    /// Waits for `doing`. Ends all requests if the store is silent meanwhile, unless `needs`
    /// returns true.
    async fn unless_silent<T>(
        &self,
        doing: impl Future<Output = T>,
        needs: impl Fn() -> bool,
    ) -> T {
        let mut doing = pin!(doing);
        let mut silence = Silence::new(self.core.lifecycle.end.progress(), Instant::now());
        loop {
            if let Ok(done) = timeout(GLANCE, &mut doing).await {
                return done;
            }
            let is_too_long =
                silence.is_too_long(self.core.lifecycle.end.progress(), Instant::now());
            if is_too_long && !self.core.lifecycle.end.requests_ended() && !needs() {
                tracing::warn!("no response from the store: giving up");
                self.core.lifecycle.end.end_requests();
            }
        }
    }

    /// Refuses changes, and starts no queued request from now on.
    pub fn refuse(&self) {
        self.core.lifecycle.abandon();
        self.core.lifecycle.gate.close();
    }

    /// Discards all changes that are not stored.
    pub async fn abandon(&self) {
        self.refuse();
        self.core.lifecycle.end.end_requests();
        for file in self.core.open_files.all() {
            file.writer.orphan().await;
        }
        self.core.endings.all().await;
    }

    /// Records that the kernel no longer uses the file system.
    pub(crate) fn kernel_has_left(&self) {
        self.core.lifecycle.cut_off();
    }

    /// Returns whether the kernel no longer uses the file system.
    pub fn is_cut_off(&self) -> bool {
        self.core.lifecycle.is_cut_off()
    }

    /// Handles an abort of the connection to the kernel while the mount was still there. Changes of
    /// mapped memory may be lost, so files open for writing are recorded as lost.
    pub fn connection_lost(&self) {
        self.core.lifecycle.gate.close();
        self.core.lifecycle.end.end_waits();
        for file in self.core.open_files.all() {
            if self.core.open_files.has_handles(file.ino)
                && self.core.is_wanted(file.ino)
                && let Some(key) = self.core.last_key_of(file.ino)
            {
                let reason = "it was open for writing when the connection to the kernel was \
                              aborted: the last changes may be missing";
                self.writeback.lost(&key, reason);
            }
        }
    }

    /// Returns the files and bytes that were written and are not stored yet. Waits for no request.
    pub fn pending(&self) -> Pending {
        self.writeback.pending()
    }

    /// Returns the objects that could not be stored until now.
    pub fn not_stored(&self) -> Vec<NotStored> {
        self.writeback.not_stored()
    }

    /// Fails if waiting has ended.
    pub(super) fn check_may_wait(&self) -> Result<(), FsError> {
        if self.core.lifecycle.end.waits_ended() {
            Err(FsError::Interrupted)
        } else {
            Ok(())
        }
    }
}
