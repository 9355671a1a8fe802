//! First request to a bucket: its response may be lost, before anything is known of the server.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::Retrying;
use super::hedge::race;
use crate::object::Key;
use crate::store::{Layer as _, ListPage, ListRequest, Operation, Request, Store, StoreError};

impl<S: Store> Retrying<S> {
    /// Lists with the first request to a bucket. A response that is late is waited for beside a
    /// second attempt, as it may be lost.
    ///
    /// # Errors
    /// Returns an error if no attempt succeeds in time.
    pub async fn list_first(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        let key = Key::new(request.prefix);
        let about = Request::new(Operation::List, &key);
        let (whole, patience) = self.limits.first();
        let list = || async {
            let listed = hedged(patience, || self.below().list(request));
            match timeout(whole, listed).await {
                Ok(answer) => answer,
                Err(_) => Err(self.silent(about)),
            }
        };
        self.repeat(about, self.tries(), list).await
    }
}

/// Sends a request again if it has no response after `patience`, and goes on waiting for both: the
/// first response may be lost, or just slow. Returns the first success, else the first's error.
async fn hedged<T, E, F>(patience: Duration, attempt: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut first = pin!(attempt());
    if let Ok(answer) = timeout(patience, &mut first).await {
        return answer;
    }
    let is_final = |_, result: &Result<T, E>| result.is_ok();
    race(first, pin!(attempt()), is_final).await.result
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
