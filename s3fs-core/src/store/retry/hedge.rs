//! Hedged requests: second attempts beside late first ones, for requests that read.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::poll;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::Retrying;
use super::hedge_policy::Wait;
use crate::object::{ByteRange, Key};
use crate::store::{Condition, GetResponse, Store, StoreError, StoreErrorKind};

/// Time by which a wait exceeds its end if this process did not run meanwhile.
const ASLEEP: Duration = Duration::from_millis(10);

/// Permit to receive a body; `None` for a request without one.
pub(super) type BodyPermit = Option<OwnedSemaphorePermit>;

impl<S: Store> Retrying<S> {
    /// Waits for the permit of a response's body. No time of this counts as a wait for the server.
    pub(super) async fn permit(&self) -> BodyPermit {
        // Nobody closes the semaphore.
        Arc::clone(&self.bucket.bodies).acquire_owned().await.ok()
    }

    /// Takes a second attempt out of the budget, with the permit of its body. Returns `None` if the
    /// budget is spent, if no permit is free, if the server fails or wants fewer requests, or if the
    /// mount sends each request once.
    pub(super) fn hedge_permit(&self, wait: Wait) -> Option<BodyPermit> {
        if self.limits.silent.is_zero() {
            return None;
        }
        let permit = match wait {
            Wait::Get | Wait::Piece => {
                let permit = Arc::clone(&self.bucket.bodies).try_acquire_owned();
                Some(permit.ok()?)
            }
            Wait::List | Wait::Head => None,
        };
        let is_allowed =
            self.bucket.health.is_well(Instant::now()) && self.bucket.hedging().spend();
        is_allowed.then_some(permit)
    }

    /// Records the failure of an attempt whose result no request returns.
    pub(super) fn record_lost(&self, error: &StoreError) {
        if error.kind.is_transient() {
            self.bucket.health.failed(error, Instant::now());
        }
    }

    /// Makes an attempt of a request that reads. When it is late, waits for it and a second one. Each
    /// call of `send` gets the permit of its body.
    pub(super) async fn hedge<T, F>(
        &self,
        wait: Wait,
        permit: BodyPermit,
        send: impl Fn(BodyPermit) -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let hedging = self.bucket.hedging();
        let mut started = Instant::now();
        let first = pin!(send(permit));
        let result = match in_time(hedging.patience(wait), first).await {
            Ok(result) => result,
            Err(first) => match self.hedge_permit(wait) {
                None => first.await,
                Some(permit) => {
                    tracing::debug!(?wait, after = ?started.elapsed(), "sending a hedged request");
                    let second_started = Instant::now();
                    let raced = race(first, pin!(send(permit)), is_final).await;
                    if let Some(Err(error)) = &raced.lost {
                        self.record_lost(error);
                    }
                    if raced.winner == RacedAttempt::Second {
                        // The time that the first would have taken is not known.
                        started = second_started;
                    }
                    raced.result
                }
            },
        };
        if is_response(&result) {
            hedging.record(wait, started.elapsed());
        }
        result
    }

    /// Makes an attempt to get an object.
    pub(super) async fn get_attempt(
        &self,
        (key, range, condition): (&Key, Option<ByteRange>, Condition<'_>),
        permit: BodyPermit,
    ) -> Result<GetResponse, StoreError> {
        let get = |permit| async move {
            let answer = self.bucket.store.get(key, range, condition).await?;
            let body = answer.body.holding(permit);
            Ok(GetResponse { body, ..answer })
        };
        self.hedge(Wait::Get, permit, get).await
    }
}

/// Attempt of a hedged request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RacedAttempt {
    First,
    Second,
}

/// Returns whether S3 itself has carried out a request, or said about the object why not.
fn is_response<T>(result: &Result<T, StoreError>) -> bool {
    result.as_ref().err().is_none_or(|error| {
        matches!(
            error.kind,
            StoreErrorKind::NoSuchKey
                | StoreErrorKind::NotModified { .. }
                | StoreErrorKind::PreconditionFailed
        )
    })
}

/// Returns whether the result of an attempt is the result of its request, though the other attempt
/// has none yet. A second attempt may fail on its way, for example at a proxy, while the first is
/// arriving. A first one that has used up its time ends both.
fn is_final<T>(attempt: RacedAttempt, result: &Result<T, StoreError>) -> bool {
    match (attempt, result) {
        (_, result) if is_response(result) => true,
        (RacedAttempt::First, Err(error)) => {
            !error.kind.is_transient() || matches!(error.kind, StoreErrorKind::TimedOut)
        }
        _ => false,
    }
}

/// Result of two attempts of a request.
#[derive(Debug)]
pub(super) struct Raced<T> {
    pub(super) result: T,
    winner: RacedAttempt,
    /// Result of the other attempt, if it has ended.
    lost: Option<T>,
}

/// Returns the result of a future unless it takes longer than `patience`.
pub(super) async fn in_time<F: Future + Unpin>(
    patience: Duration,
    mut future: F,
) -> Result<F::Output, F> {
    for _ in 0..2 {
        let end = Instant::now() + patience;
        if let Ok(output) = timeout_at(end, &mut future).await {
            return Ok(output);
        }
        // The connection's task may have woken at the same moment.
        yield_now().await;
        if let Poll::Ready(output) = poll!(&mut future) {
            return Ok(output);
        }
        // While this process did not run, the server may have answered.
        if end.elapsed() < ASLEEP {
            break;
        }
    }
    Err(future)
}

/// Returns the first final result of two attempts, else that of the first attempt.
pub(super) async fn race<T>(
    first: impl Future<Output = T> + Unpin,
    second: impl Future<Output = T> + Unpin,
    is_final: impl Fn(RacedAttempt, &T) -> bool,
) -> Raced<T> {
    let (result, winner, lost) = match select(first, second).await {
        Either::Left((result, _)) if is_final(RacedAttempt::First, &result) => {
            (result, RacedAttempt::First, None)
        }
        Either::Left((failed, second)) => match second.await {
            result if is_final(RacedAttempt::Second, &result) => {
                (result, RacedAttempt::Second, Some(failed))
            }
            lost => (failed, RacedAttempt::First, Some(lost)),
        },
        Either::Right((result, _)) if is_final(RacedAttempt::Second, &result) => {
            (result, RacedAttempt::Second, None)
        }
        Either::Right((lost, first)) => (first.await, RacedAttempt::First, Some(lost)),
    };
    Raced {
        result,
        winner,
        lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_s3_says_about_the_object_ends_both_attempts() {
        use StoreErrorKind as Kind;
        let error = |kind| StoreError::new("GetObject", "s3://b/k".into(), kind);
        let failures: [fn() -> Kind; 5] = [
            || Kind::Unreachable("refused".into()),
            || Kind::NotS3("HTTP 502".into()),
            || Kind::Proxy("no".into()),
            || Kind::AccessDenied("no".into()),
            || Kind::Overloaded("failed".into()),
        ];
        for kind in failures {
            let first = pin!(async {
                yield_now().await;
                Ok(1)
            });
            let second = pin!(async { Err(error(kind())) });
            let raced = race(first, second, is_final).await;
            assert_eq!(raced.result.unwrap(), 1, "{:?}", kind());
            assert!(raced.lost.is_some_and(|lost| lost.is_err()));
            // The failure of the second attempt does not hide that of the first.
            let first = pin!(async { Err(error(Kind::Truncated("cut".into()))) });
            let second = pin!(async { Err::<u32, _>(error(kind())) });
            let raced = race(first, second, is_final).await;
            let failed = raced.result.unwrap_err();
            assert!(matches!(failed.kind, Kind::Truncated(_)), "{failed}");
        }
        let first = pin!(std::future::pending::<Result<u32, _>>());
        let second = pin!(async { Err(error(Kind::NoSuchKey)) });
        let raced = race(first, second, is_final).await;
        assert_eq!(raced.winner, RacedAttempt::Second);
        let first = pin!(async { Err(error(Kind::TimedOut)) });
        let second = pin!(std::future::pending::<Result<u32, _>>());
        let raced = race(first, second, is_final).await;
        assert_eq!(raced.winner, RacedAttempt::First);
    }
}
