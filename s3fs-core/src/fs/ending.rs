//! End of a mount: changes are refused, waiting ends, and all files are stored or reported.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout};

use crate::end::{End, GLANCE, Silence};
use crate::fs::{Fs, FsError, NotStored};
use crate::object::Shown;
use crate::store::UploadId;

/// Maximum number of concurrent looks for uploads whose creation was not answered.
const LOOKS: usize = 64;

/// Time for changes under way when the mount closes, before their operations stop waiting.
const MOMENT: Duration = Duration::from_secs(2);

impl Fs {
    /// Returns the signal that ends operations which wait for the bucket.
    pub(crate) fn end(&self) -> &End {
        &self.end
    }

    /// Refuses every change from now on. Changes that were reported as done before this returns are
    /// part of the next [`finish`](Self::finish).
    pub async fn close(&self) {
        self.gate.close();
        if timeout(MOMENT, self.gate.emptied()).await.is_err() {
            self.end.end_waits();
        }
    }

    /// Stores everything that is not stored. Returns the objects that could not be stored since the
    /// mount began. After [`close`](Self::close), the result is final. Before, it covers changes up
    /// to the call: programs that go on writing do not delay it.
    pub async fn finish(&self) -> Vec<NotStored> {
        let needs = || !self.is_hasty.load(Ordering::Acquire);
        self.unless_silent(self.finish_patiently(), needs).await
    }

    async fn finish_patiently(&self) -> Vec<NotStored> {
        if self.gate.is_closed() {
            // Files that wait to be stored get the time that their requests have.
            let has_files = || self.pending().files > 0;
            self.unless_silent(self.gate.emptied(), has_files).await;
        }
        self.store_all().await;
        self.rescue_all().await;
        if self.gate.is_closed() {
            self.endings.all().await;
            self.name_strays().await;
        } else {
            self.endings.begun().await;
        }
        self.not_stored()
    }

    /// Logs the uploads that stay in the bucket because the answers to their creations were lost.
    /// They are not aborted: another client may write the same key.
    async fn name_strays(&self) {
        let keys = stream::iter(self.store.take_unanswered());
        let looks = keys.map(|key| async move {
            let uploads = self.store.uploads(&key).await;
            (self.store.uri(&key), uploads)
        });
        // Together: after the end of requests, each look may take seconds.
        let looked: Vec<_> = looks.buffered(LOOKS).collect().await;
        for (object, uploads) in looked {
            match uploads {
                Ok(uploads) => {
                    for UploadId(id) in uploads {
                        let object = Shown(&object);
                        tracing::warn!(
                            "an unfinished upload of {object} stays in the bucket: the answer to \
                             its creation was lost; abort the upload {id}, or leave it to the \
                             bucket's rules"
                        );
                    }
                }
                Err(error) => tracing::warn!(
                    "an unfinished upload of {} may stay in the bucket: the answer to its creation \
                     was lost, and {error}",
                    Shown(&object)
                ),
            }
        }
    }

    /// Cancels requests to the store, from now on, if it makes no progress for a while
    /// during [`finish`](Self::finish).
    pub fn limit_silence(&self) {
        self.is_hasty.store(true, Ordering::Release);
    }

    async fn store_all(&self) {
        self.outbox.hurry(true);
        for file in self.open_files.all() {
            if let Ok(key) = self.key_of(file.ino) {
                self.want_stored(&key, &file).await;
            }
        }
        self.delete_deferred().await;
        // Before the removed entries are deleted: later removals belong to the next account.
        let kept = self.take_kept();
        // Failed requests are repeated once. The ledger has the failures.
        let _ = self.outbox.settle_below("").await;
        self.mark(kept).await;
        // Markers, and files that have moved to another key meanwhile.
        self.outbox.settle_under_way().await;
        if self.gate.is_closed() {
            self.come_to_rest().await;
        }
        self.outbox.hurry(false);
    }

    /// Waits until nothing is queued. Programs must not add requests.
    async fn come_to_rest(&self) {
        loop {
            self.outbox.settle_under_way().await;
            if !self.outbox.is_idle() {
                continue;
            }
            self.mark(self.take_kept()).await;
            if self.outbox.is_idle() {
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
        let mut silence = Silence::new(self.end.progress(), Instant::now());
        loop {
            if let Ok(done) = timeout(GLANCE, &mut doing).await {
                return done;
            }
            let is_too_long = silence.is_too_long(self.end.progress(), Instant::now());
            if is_too_long && !self.end.requests_ended() && !needs() {
                tracing::warn!("no response from the store: giving up");
                self.end.end_requests();
            }
        }
    }

    /// Refuses changes, and starts no queued request from now on.
    pub fn refuse(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.gate.close();
    }

    /// Discards all changes that are not stored.
    pub async fn abandon(&self) {
        self.refuse();
        self.end.end_requests();
        for file in self.open_files.all() {
            file.writer.orphan().await;
        }
        self.endings.all().await;
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Records that the kernel no longer uses the file system.
    pub(crate) fn kernel_has_left(&self) {
        self.is_cut_off.store(true, Ordering::Release);
    }

    /// Returns whether the kernel no longer uses the file system.
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off.load(Ordering::Acquire)
    }

    /// Handles an abort of the connection to the kernel while the mount was still there. Changes of
    /// mapped memory may be lost, so files open for writing are recorded in the ledger.
    pub fn connection_lost(&self) {
        self.gate.close();
        self.end.end_waits();
        for file in self.open_files.all() {
            if self.open_files.has_handles(file.ino)
                && self.is_wanted(file.ino)
                && let Some(key) = self.last_key_of(file.ino)
            {
                let reason = "it was open for writing when the connection to the kernel was \
                              aborted: the last changes may be missing";
                self.ledger
                    .lost_for_good(self.store.uri(&key), reason.to_owned());
            }
        }
    }

    /// Fails if waiting has ended.
    pub(super) fn check_may_wait(&self) -> Result<(), FsError> {
        if self.end.waits_ended() {
            Err(FsError::Interrupted)
        } else {
            Ok(())
        }
    }
}
