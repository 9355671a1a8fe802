//! Second attempts beside first ones, for requests that read.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::poll;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};

use super::hedging::Wait;
use super::{RetriedBucket, Retrying};
use crate::store::{Store, StoreError};

/// Time by which a wait exceeds its end if this process did not run meanwhile.
const ASLEEP: Duration = Duration::from_millis(10);

impl<S> RetriedBucket<S> {
    /// Takes a second attempt out of the budget. Returns false if the budget is spent, or if the
    /// server fails or wants fewer requests.
    pub(super) fn may_hedge(&self) -> bool {
        self.health.is_well(Instant::now()) && self.hedging.spend()
    }
}

impl<S: Store> Retrying<S> {
    /// Records a failed second attempt, so that no others follow while the server refuses them.
    pub(super) fn second_failed(&self, error: &StoreError) {
        self.bucket.health.failed(error, Instant::now());
    }

    /// Makes an attempt of a request that reads. When it is late, waits for it and a second one.
    pub(super) async fn hedge<T, F>(
        &self,
        wait: Wait,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let RetriedBucket { hedging, .. } = &*self.bucket;
        hedging.sent();
        let begun = Instant::now();
        let first = pin!(send());
        let (answer, duration) = match in_time(hedging.patience(wait), first).await {
            Ok(answer) => (answer, begun.elapsed()),
            Err(first) if !self.bucket.may_hedge() => (first.await, begun.elapsed()),
            Err(first) => {
                tracing::debug!(?wait, after = ?begun.elapsed(), "sending a late request again");
                let begun_again = Instant::now();
                let second = async { send().await.inspect_err(|error| self.second_failed(error)) };
                let second = pin!(second);
                let (answer, winner) = race(first, second, is_answer).await;
                let begun = match winner {
                    Winner::First => begun,
                    // Nobody knows how long the first would have taken.
                    Winner::Second => begun_again,
                };
                (answer, begun.elapsed())
            }
        };
        if is_answer(&answer) {
            hedging.took(wait, duration);
        }
        answer
    }
}

/// Returns whether the server has carried out or refused a request.
fn is_answer<T>(result: &Result<T, StoreError>) -> bool {
    result
        .as_ref()
        .err()
        .is_none_or(|error| !error.kind.is_transient())
}

/// Attempt that gave the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Winner {
    First,
    Second,
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

/// Returns the first final result of two attempts, else the last result.
pub(super) async fn race<T>(
    first: impl Future<Output = T> + Unpin,
    second: impl Future<Output = T> + Unpin,
    is_final: impl Fn(&T) -> bool,
) -> (T, Winner) {
    match select(first, second).await {
        Either::Left((answer, _)) if is_final(&answer) => (answer, Winner::First),
        Either::Right((answer, _)) if is_final(&answer) => (answer, Winner::Second),
        Either::Left((_, second)) => (second.await, Winner::Second),
        Either::Right((_, first)) => (first.await, Winner::First),
    }
}

/// Sends a request again if it has no response after `patience`, and goes on waiting for both: the
/// first response may be lost, or just slow. Returns the first success, else the last error.
pub(super) async fn hedged<T, E, F>(patience: Duration, attempt: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut first = pin!(attempt());
    if let Ok(answer) = timeout(patience, &mut first).await {
        return answer;
    }
    race(first, pin!(attempt()), Result::is_ok).await.0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    /// End of an attempt.
    #[derive(Clone, Copy, Debug)]
    enum End {
        AtOnce(Result<(), ()>),
        /// Once the second attempt has begun.
        Late(Result<(), ()>),
        Never,
    }

    /// Runs attempts with these ends. Returns the result and the number of attempts.
    async fn run(ends: [End; 2]) -> (Result<(), ()>, usize) {
        let (begun, second) = (AtomicUsize::new(0), Notify::new());
        let attempt = || async {
            let number = begun.fetch_add(1, Ordering::Relaxed);
            if number == 1 {
                second.notify_one();
            }
            match ends[number] {
                End::AtOnce(answer) => answer,
                End::Late(answer) => {
                    second.notified().await;
                    answer
                }
                End::Never => std::future::pending().await,
            }
        };
        let answer = hedged(Duration::from_millis(10), attempt).await;
        (answer, begun.into_inner())
    }

    #[tokio::test]
    async fn a_late_answer_counts_and_so_does_that_of_the_second_attempt() {
        use End::{AtOnce, Late, Never};
        for (ends, answer, attempts) in [
            ([AtOnce(Ok(())), Never], Ok(()), 1),
            ([AtOnce(Err(())), Never], Err(()), 1),
            ([Late(Ok(())), Never], Ok(()), 2),
            ([Never, AtOnce(Ok(()))], Ok(()), 2),
            ([Late(Err(())), AtOnce(Ok(()))], Ok(()), 2),
            ([Late(Ok(())), AtOnce(Err(()))], Ok(()), 2),
            ([Late(Err(())), AtOnce(Err(()))], Err(()), 2),
        ] {
            assert_eq!(run(ends).await, (answer, attempts), "{ends:?}");
        }
    }
}
