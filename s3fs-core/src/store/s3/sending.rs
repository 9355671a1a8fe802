//! Upload progress of bodies, and detection of lost attempts.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until, timeout};

use super::S3Store;
use crate::end::Sending;
use crate::object::Key;
use crate::store::{Store, StoreError, StoreErrorKind};

/// Minimum average rate of an attempt in bytes per second.
const SLOWEST_OVERALL: u64 = 10_000;

/// Size in bytes of the steps in which a body is passed to the connection, and progress is
/// measured.
const STEP: usize = 256 * 1024;

/// Upload progress of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    bytes: AtomicU64,
    last: Mutex<Instant>,
    /// Count of the request's progress, over all attempts.
    sending: Option<Sending>,
}

/// Returns the maximum time of an attempt to send `length` bytes.
fn whole(length: u64) -> Duration {
    Duration::from_mins(1) + Duration::from_secs(length / SLOWEST_OVERALL)
}

impl Progress {
    fn new(sending: Option<Sending>) -> Self {
        Self(Arc::new(Taken {
            bytes: AtomicU64::new(0),
            last: Mutex::new(Instant::now()),
            sending,
        }))
    }

    fn took(&self, bytes: usize) {
        let before = self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        *self.last() = Instant::now();
        if let Some(sending) = &self.0.sending {
            sending.reached(before + bytes as u64);
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

/// Returns the same body, and its progress, which `sending` counts too.
pub(super) fn watched(body: ByteStream, sending: Option<Sending>) -> (ByteStream, Progress) {
    let progress = Progress::new(sending);
    let seen = progress.clone();
    let body = body.into_inner().map_preserve_contents(move |body| {
        SdkBody::from_body_1_x(Watched {
            body,
            pending: Bytes::new(),
            progress: seen.clone(),
        })
    });
    (ByteStream::new(body), progress)
}

impl S3Store {
    /// Waits for the response to a request with a body of `length` bytes.
    ///
    /// # Errors
    /// Returns an error if the request failed, or its server was silent for too long.
    pub(super) async fn sent<T>(
        &self,
        (operation, key): (&'static str, &Key),
        (progress, length): (&Progress, u64),
        request: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let watched = async {
            let mut request = std::pin::pin!(request);
            let mut has_warned = false;
            loop {
                let last = *progress.last();
                let allowance = self.pace.allowance(progress.bytes(), length);
                let end = last + self.patience + allowance;
                let until = if has_warned {
                    end
                } else {
                    last + self.patience
                };
                tokio::select! {
                    answer = &mut request => return Some(answer),
                    () = sleep_until(until) => {}
                }
                if *progress.last() > last {
                    continue;
                }
                if Instant::now() >= end {
                    return None;
                }
                has_warned = true;
                if self.warning.is_due() {
                    let (seconds, sent) = (self.patience.as_secs(), progress.bytes());
                    let object = self.uri(key);
                    tracing::warn!(
                        "no answer for {seconds} s: {operation} {object}, {sent} of {length} bytes sent"
                    );
                }
            }
        };
        if let Ok(Some(answer)) = timeout(whole(length), watched).await {
            if answer.is_ok() {
                self.pace.answered(length, started.elapsed());
            }
            return answer;
        }
        self.pace.lost();
        Err(self.failed(operation, key, StoreErrorKind::TimedOut))
    }
}

/// Body that records its progress as the connection takes it, in steps.
struct Watched {
    body: SdkBody,
    pending: Bytes,
    progress: Progress,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while self.pending.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)?).map(Frame::into_data) {
                Some(Ok(data)) => self.pending = data,
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.pending.len().min(STEP);
        let step = self.pending.split_to(length);
        self.progress.took(length);
        Poll::Ready(Some(Ok(Frame::data(step))))
    }

    fn is_end_stream(&self) -> bool {
        self.pending.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let hint = Body::size_hint(&self.body);
        let pending = self.pending.len() as u64;
        let mut all = SizeHint::new();
        if let Some(upper) = hint.upper() {
            all.set_upper(upper + pending);
        }
        all.set_lower(hint.lower() + pending);
        all
    }
}

#[cfg(test)]
mod tests {
    use s3_local::{Fault, Operation, Server};

    use super::*;
    use crate::end::End;
    use crate::object::Headers;
    use crate::store::s3::Bucket;
    use crate::store::s3::pace::SLOWEST;
    use crate::store::served::{connected, server};
    use crate::store::warning::seen::Warnings;
    use crate::store::{Body, Condition, Ending, Precondition};

    #[test]
    fn a_slow_connection_has_the_time_that_its_bytes_take() {
        assert!(whole(8 << 20) > Duration::from_secs((8 << 20) / SLOWEST));
        assert!(whole(100) < Duration::from_mins(2));
    }

    #[tokio::test]
    async fn a_watched_body_is_the_same_and_shows_its_progress() {
        use http_body_util::BodyExt;

        let bytes: Bytes = vec![7; 3 * STEP + 5].into();
        let (body, progress) = watched(ByteStream::from(bytes.clone()), None);
        let body = body.into_inner();
        assert_eq!(body.bytes(), Some(&*bytes));
        assert_eq!(body.content_length(), Some(bytes.len() as u64));
        let body = body.collect().await.unwrap();
        assert_eq!(body.to_bytes(), bytes);
        assert_eq!(progress.bytes(), bytes.len() as u64);
    }

    /// Connects to the bucket.
    async fn bucket(server: &Server, retry_timeout: Duration) -> Bucket {
        connected(server, |config| config.retry_timeout = retry_timeout).await
    }

    #[tokio::test]
    async fn what_a_connection_takes_is_progress_once_however_often_it_is_sent() {
        let server = server();
        let end = End::default();
        let store = bucket(&server, Duration::from_mins(1)).await;
        let store = Ending::new(Arc::new(store), end.clone());
        server
            .knobs()
            .fail_next(Operation::PutObject, 3, Fault::ResetConnection);
        let (key, body) = (Key::new("k"), Body::memory(vec![0; 3 * STEP + 5].into()));
        let headers = Headers::default();
        let put = store.put(&key, body, &headers, &Precondition::None);
        put.await.unwrap();
        assert_eq!(end.progress(), 4 + 1, "four steps and the answer");
        let mut body = store.get(&key, None, Condition::Any).await.unwrap().body;
        let mut pieces = 0;
        while body.next().await.unwrap().is_some() {
            pieces += 1;
        }
        assert_eq!(end.progress(), 4 + 1 + 1 + pieces);
    }

    #[tokio::test]
    async fn a_body_that_is_never_answered_is_warned_of_with_its_key_and_given_up() {
        let server = server();
        let store = bucket(&server, Duration::ZERO).await;
        let (warnings, _guard) = Warnings::begin();
        server
            .knobs()
            .fail_next(Operation::PutObject, 1, Fault::Hang);
        let (key, body) = (Key::new("k"), Body::memory(vec![0; 60_000].into()));
        let headers = Headers::default();
        let put = store.put(&key, body, &headers, &Precondition::None);
        let error = put.await.unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::TimedOut), "{error}");
        let warnings = warnings.texts();
        let expected = "no answer for 1 s: PutObject s3://data/k, 60000 of 60000 bytes sent";
        assert_eq!(warnings, [expected]);
    }
}
