//! Bodies that resume after they break off. When a piece is late, a second request for the rest is
//! sent beside the first.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{poll, stream};
use tokio::time::Instant;

use super::Retrying;
use super::breaks::Breaks;
use super::hedge::{BodyPermit, in_time};
use super::hedge_policy::Wait;
use crate::object::{ByteRange, ETag, Key};
use crate::store::{
    Condition, GetBody, GetResponse, Operation, Request, Store, StoreError, StoreErrorKind,
};

/// Minimum length of a body whose longest wait counts, in bytes: shorter ones come as a whole.
const TELLING: u64 = 64 << 10;

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
        length: range.length(),
        missing: Some(range),
        body: Some(answer.body),
        longest: Duration::ZERO,
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
    /// Length of the whole body, in bytes.
    length: u64,
    /// Range of the bytes not yet received.
    missing: Option<ByteRange>,
    /// Current body; `None` while the rest is requested, because a broken body must not hold its
    /// permit.
    body: Option<GetBody>,
    /// Longest wait for a piece that came.
    longest: Duration,
    breaks: Breaks,
}

/// Result of waiting for the next piece of a body.
enum Received {
    /// Next piece of the body; `None` at its end.
    Piece(Option<Bytes>),
    /// Piece of a second body, which replaces the first.
    Beside(GetBody, Bytes),
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
                    if self.missing.is_none() {
                        self.verify().await?;
                        self.record_end();
                    }
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

    /// Waits for the end of the current body, at which its checksum is compared. The last bytes are
    /// returned after that.
    async fn verify(&mut self) -> Result<(), StoreError> {
        let Some(mut body) = self.body.take() else {
            return Ok(());
        };
        match body.next().await {
            Err(error) if matches!(error.kind, StoreErrorKind::Corrupted(_)) => Err(error),
            // All bytes have come, whatever else happens to the connection.
            _ => Ok(()),
        }
    }

    /// Records the longest wait of a body that has come as a whole.
    fn record_end(&self) {
        if self.length >= TELLING {
            let hedging = self.source.store.bucket.hedging();
            hedging.record(Wait::Piece, self.longest);
        }
    }

    /// Returns the next piece of the current body, or requests the missing range first.
    async fn piece(&mut self, missing: ByteRange) -> Result<Bytes, StoreError> {
        let mut body = match self.body.take() {
            Some(body) => body,
            None => self.source.rest(missing).await?,
        };
        let (body, piece) = match self.receive(&mut body, missing).await? {
            Received::Piece(piece) => (body, piece),
            Received::Beside(body, piece) => (body, Some(piece)),
        };
        self.body = Some(body);
        piece.ok_or_else(|| self.source.cut_off(missing))
    }

    /// Waits for the next piece of a body, and for that of a second body when it is late.
    async fn receive(
        &mut self,
        body: &mut GetBody,
        missing: ByteRange,
    ) -> Result<Received, StoreError> {
        let store = &self.source.store;
        let mut next = pin!(body.next());
        if let Poll::Ready(piece) = poll!(&mut next) {
            return piece.map(Received::Piece);
        }
        let started = Instant::now();
        let patience = store.bucket.hedging().patience(Wait::Piece);
        let received = match in_time(patience, next).await {
            Ok(piece) => piece.map(Received::Piece),
            Err(next) => match store.hedge_permit(Wait::Piece) {
                None => next.await.map(Received::Piece),
                Some(permit) => {
                    tracing::debug!(%missing, after = ?started.elapsed(), "hedging a late body");
                    self.source.hedged_piece(next, missing, permit).await
                }
            },
        };
        // A second body says nothing about the time that the first would have taken.
        if let Ok(Received::Piece(_)) = received {
            self.longest = self.longest.max(started.elapsed());
        }
        received
    }
}

impl<S: Store> BodySource<S> {
    /// Requests the missing range of a body that broke off.
    async fn rest(&self, missing: ByteRange) -> Result<GetBody, StoreError> {
        let store = &self.store;
        let request = Request::new(Operation::Get, &self.key);
        store.admit(request, &store.tries()).await;
        store.bucket.hedging().count_request();
        let permit = store.permit().await;
        self.request(missing, permit).await
    }

    /// Sends a request for the missing range.
    async fn request(&self, missing: ByteRange, permit: BodyPermit) -> Result<GetBody, StoreError> {
        let get = (&self.key, Some(missing), Condition::Is(&self.etag));
        let answer = self.store.get_attempt(get, permit).await?;
        self.store.bucket.health.answered(Instant::now());
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

    /// Waits for the next piece of a late body, and for that of a second body.
    async fn hedged_piece(
        &self,
        next: impl Future<Output = Result<Option<Bytes>, StoreError>> + Unpin + Send,
        missing: ByteRange,
        permit: BodyPermit,
    ) -> Result<Received, StoreError> {
        let second = pin!(self.second_body(missing, permit));
        match select(next, second).await {
            Either::Left((Ok(Some(piece)), _)) => Ok(Received::Piece(Some(piece))),
            Either::Left((ended, second)) => match second.await {
                Ok((body, piece)) => {
                    if let Err(error) = &ended {
                        self.store.record_lost(error);
                    }
                    Ok(Received::Beside(body, piece))
                }
                Err(error) => {
                    self.store.record_lost(&error);
                    ended.map(Received::Piece)
                }
            },
            Either::Right((Ok((body, piece)), _)) => Ok(Received::Beside(body, piece)),
            Either::Right((Err(error), next)) => {
                self.store.record_lost(&error);
                next.await.map(Received::Piece)
            }
        }
    }

    /// Returns a second body, and its first piece. A late one is given up for a third, as the first
    /// body is still waited for.
    async fn second_body(
        &self,
        missing: ByteRange,
        mut permit: BodyPermit,
    ) -> Result<(GetBody, Bytes), StoreError> {
        let store = &self.store;
        loop {
            let mut body = self.request(missing, permit).await?;
            let received = {
                let next = pin!(body.next());
                match in_time(store.bucket.hedging().patience(Wait::Piece), next).await {
                    Ok(piece) => Ok(piece?),
                    Err(next) => match store.hedge_permit(Wait::Piece) {
                        Some(permit) => Err(permit),
                        None => Ok(next.await?),
                    },
                }
            };
            match received {
                Ok(Some(piece)) => return Ok((body, piece)),
                Ok(None) => return Err(self.cut_off(missing)),
                Err(another) => permit = another,
            }
        }
    }

    /// Returns the error of a body that ended early.
    fn cut_off(&self, missing: ByteRange) -> StoreError {
        let words = format!("{} bytes are missing", missing.length());
        self.failed(StoreErrorKind::Truncated(words))
    }

    fn failed(&self, kind: StoreErrorKind) -> StoreError {
        StoreError::new("GetObject", self.store.uri(&self.key), kind)
    }
}
