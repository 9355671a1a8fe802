//! Store that retries failed requests of another store until they succeed, are refused, or the
//! deadline passes. Requests that read are sent a second time when they are late. No other module
//! retries requests or bodies.
//!
//! Dropping the future of a request cancels it.

mod body;
mod breaks;
mod first;
mod health;
mod hedge;
mod hedge_policy;
#[cfg(test)]
mod hedge_tests;
#[cfg(test)]
mod limited;
#[cfg(test)]
mod outage_tests;
mod policy;
mod quantiles;
mod rate;
#[cfg(test)]
mod tests;
mod throttle;
mod turn;
#[cfg(test)]
mod turn_tests;
mod unanswered;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

pub use policy::RetryLimits;
pub use throttle::{Throttle, Throttles};

use crate::object::{ByteRange, ETag, Headers, Key};
use crate::store::{
    Body, Condition, CopiedHeaders, GetResponse, Layer, Operation, Precondition, Request, Store,
    StoreError, StoreErrorKind, UploadId,
};
use health::Health;
use hedge_policy::{Hedging, Wait};
use policy::{RetryStep, Tries};
use unanswered::Unanswered;

/// Time after which a warning is logged for a request that is still retried.
const WARN_AFTER: Duration = Duration::from_secs(20);

/// Minimum time of an attempt in which the server moves data: slow servers copy 512 MiB a minute.
const SHORTEST_TRANSFER: Duration = Duration::from_mins(1);

/// Store whose failed requests are retried. Cheap to clone.
#[derive(Debug)]
pub struct Retrying<S> {
    bucket: Arc<RetriedBucket<S>>,
    limits: RetryLimits,
    warn_after: Duration,
    shortest_transfer: Duration,
}

#[derive(Debug)]
struct RetriedBucket<S> {
    store: S,
    health: Health,
    /// Limit on bodies received at once.
    bodies: Arc<Semaphore>,
    unanswered: Unanswered,
}

impl<S> RetriedBucket<S> {
    /// Returns the past waits for the server, and the budget of second attempts.
    fn hedging(&self) -> &Hedging {
        self.health.throttle().hedging()
    }
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
    /// Wraps `store`, whose failed requests are retried within these limits.
    #[cfg(test)]
    pub(crate) fn new(store: S, limits: RetryLimits) -> Self {
        let bodies = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self::sharing(store, limits, Arc::default(), bodies)
    }

    /// Wraps `store`, whose failed requests are retried within these limits. The request rate of its
    /// server and the limit on bodies received at once are shared with other buckets.
    pub fn sharing(
        store: S,
        limits: RetryLimits,
        throttle: Arc<Throttle>,
        bodies: Arc<Semaphore>,
    ) -> Self {
        let bucket = RetriedBucket {
            store,
            health: Health::new(throttle),
            bodies,
            unanswered: Unanswered::default(),
        };
        Self {
            bucket: Arc::new(bucket),
            limits,
            warn_after: WARN_AFTER,
            shortest_transfer: SHORTEST_TRANSFER,
        }
    }

    /// Returns the same store with other limits.
    #[must_use]
    pub fn within(self, limits: RetryLimits) -> Self {
        Self { limits, ..self }
    }

    /// Returns the wrapped store, which makes single attempts.
    pub fn single(&self) -> &S {
        &self.bucket.store
    }

    /// Returns whether the request rate of the server is limited.
    #[cfg(test)]
    pub(crate) fn is_limited(&self) -> bool {
        self.bucket.health.throttle().is_limited()
    }

    /// Starts the attempts of one request.
    fn tries(&self) -> Tries {
        let now = Instant::now();
        let failing = self.bucket.health.failing(now).unwrap_or_default();
        Tries::new(self.limits.after(failing), now)
    }

    /// Starts the attempts of a request that moves data. While all requests fail, it waits no longer
    /// than others.
    fn long_tries(&self) -> Tries {
        let tries = self.tries();
        if tries.limits() == self.limits {
            tries.again_without_answer()
        } else {
            tries
        }
    }

    /// Sends a request until an attempt succeeds, or no further one is allowed. Each attempt has a
    /// time limit of at least `shortest`, so that a lost response does not use up the whole time.
    async fn repeat_limited<T, F>(
        &self,
        request: Request<'_>,
        (tries, shortest): (Tries, Duration),
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let silent = AtomicU32::new(0);
        let limited = || {
            let answer = attempt();
            let failed = silent.load(Ordering::Relaxed);
            let limit = self.limits.transfer(failed, shortest);
            let silent = &silent;
            async move {
                let Ok(answer) = timeout(limit, answer).await else {
                    silent.fetch_add(1, Ordering::Relaxed);
                    return Err(self.silent(request));
                };
                answer
            }
        };
        self.repeat(request, tries, limited).await
    }

    /// Returns the error of a request without a response.
    fn silent(&self, request: Request<'_>) -> StoreError {
        let (operation, object) = (request.operation.name(), request.uri(self));
        StoreError::new(operation, object, StoreErrorKind::TimedOut)
    }

    /// Sends a request until an attempt succeeds, or no further one is allowed.
    async fn repeat<T, F>(
        &self,
        request: Request<'_>,
        mut tries: Tries,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let mut is_unknown = false;
        loop {
            self.admit(request, &tries).await;
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

    /// Waits for the delay before the next attempt.
    ///
    /// # Errors
    /// Returns the failure if no attempt follows.
    async fn delay(&self, tries: &mut Tries, error: StoreError) -> Result<(), StoreError> {
        let now = Instant::now();
        self.bucket.health.failed(&error, now);
        let next = tries.next(&error, now, f64::from(fastrand::f32()));
        let RetryStep::Retry(delay) = next else {
            let error = error.after_attempts(tries.failed(), tries.elapsed(now));
            if error.attempts > 1 {
                let StoreError {
                    attempts, elapsed, ..
                } = error;
                tracing::debug!(%error, attempts, ?elapsed, "the last attempt failed");
            }
            return Err(error);
        };
        tracing::debug!(%error, ?delay, "retrying the request");
        if tries.elapsed(now) >= self.warn_after && self.bucket.health.warning.is_due() {
            let (seconds, attempts) = (tries.elapsed(now).as_secs(), tries.failed());
            tracing::warn!("still trying after {seconds} s and {attempts} attempts: {error}");
        }
        tokio::time::sleep(delay).await;
        Ok(())
    }

    /// Returns the version of a key, if it must come from the request just sent.
    async fn own(&self, key: &Key, length: u64, headers: &Headers) -> Option<ETag> {
        let there = self.head(key).await.ok()?;
        let is_own = there.is_from(headers, length);
        is_own.then_some(there.meta.etag)
    }
}

/// Returns whether a copy onto itself has set these headers. The copy was to remove all other
/// metadata, so none may be left.
fn has(there: &Headers, sent: &Headers) -> bool {
    !sent.metadata.is_empty() && there.metadata == sent.metadata
}

impl<S: Store> Layer for Retrying<S> {
    type Below = S;

    fn below(&self) -> &S {
        &self.bucket.store
    }

    async fn around<T, F>(
        &self,
        request: Request<'_>,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        match request.operation {
            Operation::List
            | Operation::Head
            | Operation::GetTags
            | Operation::Get
            | Operation::Delete
            | Operation::Rename
            | Operation::CreateUpload
            | Operation::Abort
            | Operation::ListUploads => {
                let Some(wait) = Wait::of(request.operation) else {
                    return self.repeat(request, self.tries(), send).await;
                };
                let attempt = || {
                    self.bucket.hedging().count_request();
                    // Only `forward_get` receives a body.
                    self.hedge(wait, None, |_| send())
                };
                self.repeat(request, self.tries(), attempt).await
            }
            Operation::Put | Operation::UploadPart => {
                self.repeat(request, self.long_tries(), send).await
            }
            Operation::Copy | Operation::CopyPart | Operation::Complete => {
                let tries = (self.long_tries(), self.shortest_transfer);
                self.repeat_limited(request, tries, send).await
            }
        }
    }

    fn received(&self, key: &Key, answer: GetResponse) -> GetResponse {
        body::resumed(self, key, answer)
    }

    async fn forward_get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let get = || async {
            self.bucket.hedging().count_request();
            let permit = self.permit().await;
            self.get_attempt((key, range, condition), permit).await
        };
        let request = Request::new(Operation::Get, key);
        let answer = self.repeat(request, self.tries(), get).await?;
        Ok(self.received(key, answer))
    }

    async fn forward_put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let request = Request::new(Operation::Put, key).sending(&body);
        let put = || self.below().put(key, body.clone(), headers, precondition);
        match self.around(request, put).await {
            // An attempt whose response was lost makes the next one fail. Without such an attempt,
            // the object is another client's, even if it looks the same.
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

    async fn forward_create_upload(
        &self,
        key: &Key,
        headers: &Headers,
    ) -> Result<UploadId, StoreError> {
        let create = || async {
            let attempt = self.bucket.unanswered.attempt(key);
            let created = self.below().create_upload(key, headers).await;
            attempt.ended(&created);
            created
        };
        self.around(Request::new(Operation::CreateUpload, key), create)
            .await
    }

    fn forward_take_unanswered(&self) -> Vec<Key> {
        self.bucket.unanswered.take()
    }

    async fn forward_copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<ETag, StoreError> {
        let request = Request::new(Operation::Copy, key).copying(source);
        let copy = || self.below().copy(source, etag, key, headers);
        match (self.around(request, copy).await, headers.replacing()) {
            // A copy onto itself may change the version of an object.
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
}
