//! A store over another that repeats failed requests: until they succeed, are refused, or the
//! deadline has passed. The one place where requests and bodies are repeated.
//!
//! Dropping the future of a request ends it, whatever it waits for.

mod body;
mod breaks;
mod health;
mod policy;
mod rate;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

pub use policy::RetryLimits;

use crate::object::{ByteRange, ETag, Headers, Key};
use crate::store::{
    Body, Capabilities, Condition, CopySource, Described, GetResponse, ListPage, ListRequest,
    PartNumber, PartTag, Precondition, Store, StoreError, StoreErrorKind, UploadId,
};
use health::Health;
use policy::{Next, Tries};

/// Time after which a request that is still being repeated is warned of.
const WARN_AFTER: Duration = Duration::from_secs(20);

/// Least time of an attempt in which the server moves data: a slow one copies 512 MiB in a minute.
const SHORTEST_TRANSFER: Duration = Duration::from_mins(1);

/// A store whose failed requests are repeated. Cheap to clone.
#[derive(Debug)]
pub struct Retrying<S> {
    bucket: Arc<Bucket<S>>,
    limits: RetryLimits,
    warn_after: Duration,
    shortest_transfer: Duration,
}

#[derive(Debug)]
struct Bucket<S> {
    store: S,
    health: Health,
}

impl<S> Clone for Retrying<S> {
    fn clone(&self) -> Self {
        Self {
            bucket: Arc::clone(&self.bucket),
            limits: self.limits,
            warn_after: self.warn_after,
            shortest_transfer: self.shortest_transfer,
        }
    }
}

impl<S: Store> Retrying<S> {
    /// Repeats the requests of `store` within these limits.
    pub fn new(store: S, limits: RetryLimits) -> Self {
        let health = Health::default();
        Self {
            bucket: Arc::new(Bucket { store, health }),
            limits,
            warn_after: WARN_AFTER,
            shortest_transfer: SHORTEST_TRANSFER,
        }
    }

    /// The same store, within other limits.
    #[must_use]
    pub fn within(self, limits: RetryLimits) -> Self {
        Self { limits, ..self }
    }

    /// Returns the store that makes single attempts.
    pub fn single(&self) -> &S {
        &self.bucket.store
    }

    /// Begins to count the attempts of one request.
    fn tries(&self) -> Tries {
        let now = Instant::now();
        let failing = self.bucket.health.failing(now);
        Tries::new(self.limits.after(failing), now)
    }

    /// Begins to count the attempts of a request that moves data. While everything fails, it waits no
    /// longer than others.
    fn long_tries(&self) -> Tries {
        let tries = self.tries();
        if tries.limits() == self.limits {
            tries.again_without_answer()
        } else {
            tries
        }
    }

    /// Makes attempts until one succeeds or none may follow.
    async fn repeat<T, F>(&self, attempt: impl Fn() -> F + Send + Sync) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        self.repeat_in(self.tries(), attempt).await
    }

    /// Makes attempts to send a body, as [`repeat`](Self::repeat) does.
    async fn repeat_sending<T, F>(
        &self,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        self.repeat_in(self.long_tries(), attempt).await
    }

    /// Makes attempts in which the server moves data, as [`repeat`](Self::repeat) does. Each has a
    /// limit: an answer that was lost is not waited for until the time is over.
    async fn repeat_transfer<T, F>(
        &self,
        (operation, key): (&'static str, &Key),
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let silent = AtomicU32::new(0);
        let limited = || {
            let answer = attempt();
            let failed = silent.load(Ordering::Relaxed);
            let limit = self.limits.transfer(failed, self.shortest_transfer);
            let silent = &silent;
            async move {
                let Ok(answer) = tokio::time::timeout(limit, answer).await else {
                    silent.fetch_add(1, Ordering::Relaxed);
                    let object = self.uri(key);
                    return Err(StoreError::new(operation, object, StoreErrorKind::TimedOut));
                };
                answer
            }
        };
        self.repeat_in(self.long_tries(), limited).await
    }

    async fn repeat_in<T, F>(
        &self,
        mut tries: Tries,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let mut is_unknown = false;
        loop {
            self.bucket.health.admit().await;
            let error = match attempt().await {
                Ok(value) => {
                    self.bucket.health.answered(Instant::now());
                    return Ok(value);
                }
                Err(error) => error,
            };
            is_unknown |= error.is_unknown();
            let error = if is_unknown {
                error.after_unknown()
            } else {
                error
            };
            self.delay(&mut tries, error).await?;
        }
    }

    /// Waits until a request that failed may be sent again.
    ///
    /// # Errors
    /// Returns the failure, where no attempt follows it.
    async fn delay(&self, tries: &mut Tries, error: StoreError) -> Result<(), StoreError> {
        let now = Instant::now();
        self.bucket.health.failed(&error, now);
        let next = tries.next(&error, now, f64::from(fastrand::f32()));
        let Next::Retry(delay) = next else {
            if tries.failed() > 1 {
                tracing::debug!(%error, attempts = tries.failed(), "the last attempt failed");
            }
            return Err(error);
        };
        tracing::debug!(%error, ?delay, "sending again");
        if tries.elapsed(now) >= self.warn_after && self.bucket.health.warning.is_due() {
            let (seconds, attempts) = (tries.elapsed(now).as_secs(), tries.failed());
            tracing::warn!("still trying after {seconds} s and {attempts} attempts: {error}");
        }
        tokio::time::sleep(delay).await;
        Ok(())
    }

    /// Returns the version under a key, if it can only be what was sent just now.
    async fn own(&self, key: &Key, length: u64, headers: &Headers) -> Option<ETag> {
        let there = self.head(key).await.ok()?;
        let is_own = there.is_from(headers, length);
        is_own.then_some(there.meta.etag)
    }
}

/// Returns whether a copy onto itself has given an object these headers. Metadata that they lack was
/// to be removed: it must not be there.
fn has(there: &Headers, sent: &Headers) -> bool {
    !sent.metadata.is_empty() && there.metadata == sent.metadata
}

#[async_trait]
impl<S: Store> Store for Retrying<S> {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        self.repeat(|| self.bucket.store.list(request)).await
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        self.repeat(|| self.bucket.store.head(key)).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let asked = self.repeat(|| self.bucket.store.get(key, range, condition));
        let answer = asked.await?;
        Ok(body::resumed(self, key, answer))
    }

    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let put = || {
            self.bucket
                .store
                .put(key, body.clone(), headers, precondition)
        };
        match self.repeat_sending(put).await {
            // An attempt whose answer was lost stands in the way of the next one. Without one, the
            // object is another client's, even if it looks the same.
            Err(error)
                if matches!(error.kind, StoreErrorKind::PreconditionFailed)
                    && error.is_unknown()
                    && *precondition != Precondition::None =>
            {
                self.own(key, body.length(), headers).await.ok_or(error)
            }
            answer => answer,
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.repeat(|| self.bucket.store.delete(key)).await
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        let copy = || self.bucket.store.copy(source, etag, key, headers);
        let copied = self.repeat_transfer(("CopyObject", source), copy);
        match (copied.await, headers) {
            // An object that was copied onto itself may have another version than before.
            (Err(error), Some(headers))
                if matches!(error.kind, StoreErrorKind::PreconditionFailed)
                    && error.is_unknown()
                    && source == key =>
            {
                let there = self.head(key).await.ok();
                let own = there.filter(|there| has(&there.headers, headers));
                own.map(|own| own.meta.etag).ok_or(error)
            }
            (answer, _) => answer,
        }
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        self.repeat(|| self.bucket.store.create_upload(key, headers))
            .await
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        let sent = || {
            self.bucket
                .store
                .upload_part(key, upload, number, body.clone())
        };
        self.repeat_sending(sent).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        let copy = || {
            self.bucket
                .store
                .upload_part_copy(key, upload, number, source)
        };
        self.repeat_transfer(("UploadPartCopy", key), copy).await
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let complete = || {
            self.bucket
                .store
                .complete_upload(key, upload, parts, precondition)
        };
        self.repeat_transfer(("CompleteMultipartUpload", key), complete)
            .await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        self.repeat(|| self.bucket.store.abort_upload(key, upload))
            .await
    }

    async fn local_copy(&self, key: &Key, etag: &ETag) -> Option<File> {
        self.bucket.store.local_copy(key, etag).await
    }

    fn capabilities(&self) -> &Capabilities {
        self.bucket.store.capabilities()
    }

    fn uri(&self, key: &Key) -> String {
        self.bucket.store.uri(key)
    }
}
