//! A second attempt beside the first one, for a request that reads.

use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::timeout;

/// Sends a request again if it has no response after `patience`, and goes on waiting for both: the
/// first response may be lost, or just slow. Returns the first success, else the last error.
pub(super) async fn hedged<T, E, F>(patience: Duration, attempt: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut first = Box::pin(attempt());
    if let Ok(answer) = timeout(patience, &mut first).await {
        return answer;
    }
    let second = Box::pin(attempt());
    match select(first, second).await {
        Either::Left((Ok(answer), _)) | Either::Right((Ok(answer), _)) => Ok(answer),
        Either::Left((Err(_), second)) => second.await,
        Either::Right((Err(_), first)) => first.await,
    }
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
