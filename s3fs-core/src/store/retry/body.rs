//! Bodies that resume after they break off.

use bytes::Bytes;
use futures_util::stream;
use tokio::time::Instant;

use super::breaks::Breaks;
use super::{RetriedBucket, Retrying};
use crate::object::{ByteRange, ETag, Key};
use crate::store::{Condition, GetBody, GetResponse, Store, StoreError, StoreErrorKind};

/// Returns the same response, with a body that resumes with bytes of the same version after it
/// breaks off.
pub(super) fn resumed<S: Store>(
    store: &Retrying<S>,
    key: &Key,
    answer: GetResponse,
) -> GetResponse {
    // Without an ETag, the rest could be of another version.
    let Some(range) = answer.range.filter(|_| !answer.meta.etag.is_empty()) else {
        return answer;
    };
    let resumable = Resumable {
        source: BodySource {
            store: store.clone(),
            key: key.clone(),
            etag: answer.meta.etag.clone(),
        },
        missing: Some(range),
        body: Some(answer.body),
        breaks: Breaks::default(),
    };
    let pieces = stream::try_unfold(resumable, |mut body| async move {
        Ok(body.next().await?.map(|piece| (piece, body)))
    });
    GetResponse {
        body: GetBody::new(pieces),
        ..answer
    }
}

/// Source of a body: one version of an object.
struct BodySource<S> {
    store: Retrying<S>,
    key: Key,
    etag: ETag,
}

struct Resumable<S> {
    source: BodySource<S>,
    /// Range of the bytes not yet received.
    missing: Option<ByteRange>,
    /// Current body; `None` while the rest is requested, because a broken body must not hold its
    /// permit.
    body: Option<GetBody>,
    breaks: Breaks,
}

impl<S: Store> Resumable<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while let Some(missing) = self.missing {
            let error = match self.piece(missing).await {
                Ok(piece) => {
                    let length = piece.len() as u64;
                    let at = missing.start().saturating_add(length);
                    self.missing = ByteRange::new(at, missing.end());
                    self.breaks.came(length);
                    return Ok(Some(piece));
                }
                Err(error) => error,
            };
            self.body = None;
            let store = &self.source.store;
            let tries = self.breaks.tries(|| store.tries());
            store.delay(tries, error).await?;
        }
        Ok(None)
    }

    /// Returns the next piece of the current body, or requests the missing range first.
    async fn piece(&mut self, missing: ByteRange) -> Result<Bytes, StoreError> {
        let body = if let Some(body) = &mut self.body {
            body
        } else {
            let body = self.source.ask(missing).await?;
            self.body.insert(body)
        };
        let piece = body.next().await?;
        piece.ok_or_else(|| {
            let words = format!("{} bytes are missing", missing.length());
            self.source.failed(StoreErrorKind::Truncated(words))
        })
    }
}

impl<S: Store> BodySource<S> {
    async fn ask(&self, missing: ByteRange) -> Result<GetBody, StoreError> {
        let condition = Condition::Is(&self.etag);
        let RetriedBucket { store, health, .. } = &*self.store.bucket;
        health.admit().await;
        let answer = store.get(&self.key, Some(missing), condition).await?;
        health.answered(Instant::now());
        // A server that ignores `Range` or `If-Match` would send other bytes.
        if answer.meta.etag != self.etag {
            return Err(self.failed(StoreErrorKind::PreconditionFailed));
        }
        if answer.range != Some(missing) {
            let words = format!("asked for {missing}, got {:?}", answer.range);
            return Err(self.failed(StoreErrorKind::NotS3(words)));
        }
        Ok(answer.body)
    }

    fn failed(&self, kind: StoreErrorKind) -> StoreError {
        StoreError::new("GetObject", self.store.uri(&self.key), kind)
    }
}
