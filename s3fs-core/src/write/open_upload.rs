//! Start of an upload, which many parts wait for, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OnceCell;

use crate::object::{Headers, Key};
use crate::store::{StoreError, StoreErrorKind, UploadId};
use crate::write::target::Target;

/// Upload that starts when its first part is sent.
#[derive(Debug)]
pub(super) struct OpenUpload {
    pub(super) target: Arc<Target>,
    pub(super) key: Key,
    pub(super) headers: Headers,
    id: OnceCell<UploadId>,
    /// True once the upload must not start any more.
    ended: AtomicBool,
}

impl OpenUpload {
    /// Creates an upload of an object with this key and these headers.
    pub(super) fn new(target: &Arc<Target>, key: Key, headers: Headers) -> Arc<Self> {
        Arc::new(Self {
            target: Arc::clone(target),
            key,
            headers,
            id: OnceCell::new(),
            ended: AtomicBool::new(false),
        })
    }

    /// Returns the upload's id, if the store has assigned one.
    pub(super) fn known_id(&self) -> Option<UploadId> {
        self.id.get().cloned()
    }

    /// Returns the upload's id, which the first caller requests from the store. The request runs in
    /// a task of its own: if the part that caused it is cancelled, the store starts the upload all
    /// the same.
    ///
    /// # Errors
    /// Fails if the store fails; the next caller requests the id again.
    pub(super) async fn id(self: &Arc<Self>) -> Result<UploadId, StoreError> {
        if let Some(id) = self.id.get() {
            return Ok(id.clone());
        }
        let this = Arc::clone(self);
        let asking = tokio::spawn(async move {
            let ask = || async {
                if this.ended.load(Ordering::Acquire) {
                    return Err(this.failed("the upload was given up".into()));
                }
                let store = &this.target.store;
                store.create_upload(&this.key, &this.headers).await
            };
            this.id.get_or_try_init(ask).await.cloned()
        });
        match asking.await {
            Ok(id) => id,
            Err(died) => Err(self.failed(format!("the task died: {died}"))),
        }
    }

    /// Waits for the store's answer to the start of the upload. Returns `None` if the upload has
    /// ended.
    pub(super) async fn answer(self: Arc<Self>) -> Option<Result<(), StoreError>> {
        let answer = self.id().await.map(drop);
        let has_ended = self.ended.load(Ordering::Acquire);
        (answer.is_ok() || !has_ended).then_some(answer)
    }

    /// Aborts the upload: the store drops its parts.
    pub(super) async fn abort(&self) {
        self.ended.store(true, Ordering::Release);
        // Waits for the store's answer if it has been asked.
        let id = self.id.get_or_try_init(|| async { Err(()) }).await;
        if let Ok(id) = id
            && let Err(error) = self.target.store.abort_upload(&self.key, id).await
            && !matches!(error.kind, StoreErrorKind::NoSuchUpload)
        {
            tracing::warn!(%error, "failed to abort an upload: its parts stay until a lifecycle rule removes them");
        }
    }

    fn failed(&self, words: String) -> StoreError {
        StoreError::new(
            "CreateMultipartUpload",
            self.target.store.uri(&self.key),
            StoreErrorKind::Other(words),
        )
    }
}
