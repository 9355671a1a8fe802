//! A multipart upload with several parts in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::object::{ByteRange, ETag, Headers};
use crate::store::{
    Body, CopySource, PartNumber, PartTag, Precondition, StoreError, StoreErrorKind, UploadId,
};
use crate::write::plan::MAX_PARTS;
use crate::write::target::Target;

/// Parts in flight at once. On loopback more than four of 8 MiB bring nothing; where a connection
/// is limited to 90 MiB/s, four are slower than the machine. Each holds its memory.
const IN_FLIGHT: usize = 8;

/// An upload that has begun. Ends by [`complete`](Self::complete) or [`abort`](Self::abort);
/// dropping it aborts too.
#[derive(Debug)]
pub struct Upload {
    target: Arc<Target>,
    /// Set by whichever part comes first, so that the writer doesn't wait for it.
    id: Arc<Begun>,
    parts: JoinSet<Result<PartTag, StoreError>>,
    sent: Vec<PartTag>,
    next: u16,
    ended: bool,
}

impl Upload {
    /// Begins an upload, without waiting for the store.
    pub fn start(target: &Arc<Target>) -> Self {
        Self {
            target: Arc::clone(target),
            id: Arc::default(),
            parts: JoinSet::new(),
            sent: Vec::new(),
            next: 1,
            ended: false,
        }
    }

    /// The number of the next part.
    pub fn next_number(&self) -> u16 {
        self.next
    }

    /// Whether a part can be sent without waiting for another.
    pub fn has_room(&self) -> bool {
        self.parts.len() < IN_FLIGHT
    }

    /// Sends a part; waits while too many are in flight.
    ///
    /// # Errors
    /// This or an earlier part failed; the upload can only be aborted.
    pub async fn send(&mut self, body: Body) -> Result<(), StoreError> {
        let number = self.take_number()?;
        self.make_room().await?;
        let (target, id) = (Arc::clone(&self.target), Arc::clone(&self.id));
        self.parts.spawn(async move {
            let upload = &begin(&target, &id).await?;
            target
                .store
                .upload_part(&target.key, upload, number, body)
                .await
        });
        Ok(())
    }

    /// Makes a range of the stored object into the next part.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn copy(&mut self, range: ByteRange, etag: ETag) -> Result<(), StoreError> {
        let number = self.take_number()?;
        self.make_room().await?;
        let (target, id) = (Arc::clone(&self.target), Arc::clone(&self.id));
        self.parts.spawn(async move {
            let upload = &begin(&target, &id).await?;
            let source = CopySource {
                key: &target.key,
                etag: &etag,
                range,
            };
            target
                .store
                .upload_part_copy(&target.key, upload, number, source)
                .await
        });
        Ok(())
    }

    /// Waits for all parts and makes them the object.
    ///
    /// # Errors
    /// A part or the completion failed. The upload has been aborted.
    pub async fn complete(mut self, precondition: &Precondition) -> Result<ETag, StoreError> {
        let result = self.try_complete(precondition).await;
        match &result {
            Ok(_) => self.ended = true,
            Err(_) => self.abort().await,
        }
        result
    }

    async fn try_complete(&mut self, precondition: &Precondition) -> Result<ETag, StoreError> {
        while !self.parts.is_empty() {
            self.join_one().await?;
        }
        self.sent.sort_by_key(|part| part.number);
        let Target { store, key, .. } = &*self.target;
        let id = begin(&self.target, &self.id).await?;
        store
            .complete_upload(key, &id, &self.sent, precondition)
            .await
    }

    /// Gives up: the store forgets the parts.
    pub async fn abort(mut self) {
        self.ended = true;
        self.parts.shutdown().await;
        abort(&self.target, &self.id).await;
    }

    fn take_number(&mut self) -> Result<PartNumber, StoreError> {
        if self.next > MAX_PARTS {
            let kind = StoreErrorKind::Other("an upload has at most 10,000 parts".into());
            let object = self.target.store.uri(&self.target.key);
            return Err(StoreError {
                operation: "UploadPart",
                object,
                kind,
            });
        }
        let number = PartNumber(self.next);
        self.next += 1;
        Ok(number)
    }

    async fn make_room(&mut self) -> Result<(), StoreError> {
        while !self.has_room() {
            self.join_one().await?;
        }
        Ok(())
    }

    async fn join_one(&mut self) -> Result<(), StoreError> {
        match self.parts.join_next().await {
            Some(Ok(part)) => self.sent.push(part?),
            Some(Err(died)) => {
                let kind = StoreErrorKind::Other(format!("the task died: {died}"));
                let object = self.target.store.uri(&self.target.key);
                return Err(StoreError {
                    operation: "UploadPart",
                    object,
                    kind,
                });
            }
            None => {}
        }
        Ok(())
    }
}

/// The beginning of an upload.
#[derive(Debug, Default)]
struct Begun {
    id: OnceCell<UploadId>,
    /// It must not begin any more.
    ended: AtomicBool,
}

/// The upload's id, which the first caller asks the store for. It does so in a task of its own: if
/// the part that asked is given up, the store has begun the upload all the same.
async fn begin(target: &Arc<Target>, begun: &Arc<Begun>) -> Result<UploadId, StoreError> {
    if let Some(id) = begun.id.get() {
        return Ok(id.clone());
    }
    let (to, beginning) = (Arc::clone(target), Arc::clone(begun));
    let asking = tokio::spawn(async move {
        let ask = || async {
            if beginning.ended.load(Ordering::Acquire) {
                return Err(failed(&to, "the upload was given up".into()));
            }
            to.store.create_upload(&to.key, &Headers::default()).await
        };
        beginning.id.get_or_try_init(ask).await.cloned()
    });
    match asking.await {
        Ok(id) => id,
        Err(died) => Err(failed(target, format!("the task died: {died}"))),
    }
}

fn failed(target: &Target, words: String) -> StoreError {
    StoreError {
        operation: "CreateMultipartUpload",
        object: target.store.uri(&target.key),
        kind: StoreErrorKind::Other(words),
    }
}

async fn abort(target: &Target, begun: &Begun) {
    begun.ended.store(true, Ordering::Release);
    // Waits for the store's answer if it has been asked.
    let id = begun.id.get_or_try_init(|| async { Err(()) }).await;
    if let Ok(id) = id
        && let Err(error) = target.store.abort_upload(&target.key, id).await
    {
        tracing::warn!(%error, "an unfinished upload stays in the bucket until its rules remove it");
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (target, id) = (Arc::clone(&self.target), Arc::clone(&self.id));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { abort(&target, &id).await });
        }
    }
}
