use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::hedge_policy::Wait;
use super::{RetryLimits, Retrying, Throttle};
use crate::object::{ByteRange, Headers, Key};
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::memory::MemoryStore;
use crate::store::{
    Body, Condition, CopiedHeaders, CopySource, GetBody, ListFrom, ListRequest, PartNumber,
    Precondition, Store, StoreError, StoreErrorKind, UploadId,
};

/// Length of the object, in bytes.
const LENGTH: usize = 100_000;

/// Bytes of a body before it stalls.
const BEFORE: usize = 1000;

/// Disturbance that stalls requests by their number.
#[derive(Debug, Default)]
struct Stalls {
    sent: AtomicUsize,
    /// Requests without a response.
    silent: Mutex<BTreeSet<usize>>,
    /// Requests that fail.
    failing: Mutex<BTreeSet<usize>>,
    /// Requests whose bodies stall until `released`.
    stalled: Mutex<BTreeSet<usize>>,
    released: Arc<Notify>,
}

impl Stalls {
    fn take(numbers: &Mutex<BTreeSet<usize>>, number: usize) -> bool {
        numbers.lock().unwrap().remove(&number)
    }

    fn sent(&self) -> usize {
        self.sent.load(Relaxed)
    }
}

#[async_trait]
impl Disturbance for Stalls {
    async fn before(&self, _: Operation) -> Result<(), StoreErrorKind> {
        let number = self.sent.fetch_add(1, Relaxed);
        if Self::take(&self.silent, number) {
            std::future::pending::<()>().await;
        }
        if Self::take(&self.failing, number) {
            self.released.notify_one();
            return Err(StoreErrorKind::AccessDenied("by the test".into()));
        }
        Ok(())
    }

    async fn after(&self, _: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }

    fn body(&self, body: GetBody) -> GetBody {
        if !Self::take(&self.stalled, self.sent() - 1) {
            return body;
        }
        let released = Arc::clone(&self.released);
        let pieces = stream::once(async move {
            let mut body = body;
            let mut bytes = Vec::new();
            while let Some(piece) = body.next().await? {
                bytes.extend_from_slice(&piece);
            }
            let bytes = Bytes::from(bytes);
            let rest = bytes.slice(BEFORE.min(bytes.len())..);
            let rest = stream::once(async move {
                released.notified().await;
                Ok(rest)
            });
            let first = Ok(bytes.slice(..BEFORE.min(bytes.len())));
            Ok::<_, StoreError>(stream::iter([first]).chain(rest))
        });
        GetBody::new(pieces.flat_map(|pieces| match pieces {
            Ok(pieces) => pieces.left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        }))
    }
}

type Stalling = Retrying<Disturbed<MemoryStore, Stalls>>;

fn content() -> Vec<u8> {
    (0..LENGTH as u32).map(|n| (n % 251) as u8).collect()
}

/// Returns a store that knows its server by 200 reads of the object.
async fn known() -> (Stalling, Arc<Stalls>) {
    known_with(Semaphore::MAX_PERMITS).await
}

/// Returns a store that knows its server, and receives at most this many bodies at once.
async fn known_with(bodies: usize) -> (Stalling, Arc<Stalls>) {
    let memory = MemoryStore::with_min_part(1);
    memory.insert("k", content());
    let stalls = Arc::<Stalls>::default();
    let store = Disturbed {
        store: memory,
        disturbance: Arc::clone(&stalls),
    };
    let limits = RetryLimits::new(Duration::from_mins(5));
    let bodies = Arc::new(Semaphore::new(bodies));
    let store = Retrying::sharing(store, limits, Arc::default(), bodies);
    for _ in 0..200 {
        assert!(read(&store).await == content());
    }
    stalls.sent.store(0, Relaxed);
    (store, stalls)
}

/// Reads the object; a stalled body is an error in the end.
async fn read(store: &Stalling) -> Vec<u8> {
    let read = tokio::time::timeout(Duration::from_mins(1), read_all(store));
    read.await.unwrap()
}

async fn read_all(store: &Stalling) -> Vec<u8> {
    let answer = store.get(&Key::new("k"), None, Condition::Any).await;
    let mut body = answer.unwrap().body;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// Checks that a read waits for its first request, beside which no second one is sent.
async fn assert_waits_for_one(store: &Stalling, stalls: &Stalls) {
    let patience = Duration::from_millis(300);
    let late = tokio::time::timeout(patience, read(store)).await;
    late.unwrap_err();
    assert_eq!(stalls.sent(), 1);
}

#[tokio::test]
async fn stalled_bodies_and_lost_responses_are_not_waited_for() {
    let (store, stalls) = known().await;
    stalls.stalled.lock().unwrap().extend([10, 40, 70]);
    stalls.silent.lock().unwrap().extend([20, 60]);
    for _ in 0..100 {
        assert!(read(&store).await == content());
    }
    let sent = stalls.sent();
    assert!((105..115).contains(&sent), "{sent}");
}

#[tokio::test]
async fn a_second_body_may_stall_too() {
    let (store, stalls) = known().await;
    stalls.stalled.lock().unwrap().extend([0, 1, 3]);
    stalls.silent.lock().unwrap().extend([2]);
    assert!(read(&store).await == content());
    assert!(stalls.sent() >= 5, "{}", stalls.sent());
}

#[tokio::test]
async fn a_body_goes_on_when_the_second_request_fails() {
    let (store, stalls) = known().await;
    stalls.stalled.lock().unwrap().insert(0);
    stalls.failing.lock().unwrap().insert(1);
    assert!(read(&store).await == content());
    assert_eq!(stalls.sent(), 2);
}

#[tokio::test]
async fn a_server_that_wants_fewer_requests_gets_no_second_ones() {
    let (store, stalls) = known().await;
    let throttle: &Throttle = store.bucket.health.throttle();
    for _ in 0..100 {
        throttle.refused(Instant::now());
    }
    stalls.stalled.lock().unwrap().insert(0);
    assert_waits_for_one(&store, &stalls).await;
}

#[tokio::test]
async fn waits_for_a_permit_are_no_waits_for_the_server() {
    let (store, stalls) = known_with(1).await;
    let (key, usual) = (Key::new("k"), Duration::from_millis(200));
    let hedging = store.bucket.hedging();
    (0..600).for_each(|_| hedging.record(Wait::Get, usual));
    let held = store.get(&key, None, Condition::Any).await.unwrap();
    let mut queued = Box::pin(join_all((0..16).map(|_| read(&store))));
    tokio::time::timeout(3 * usual, &mut queued)
        .await
        .unwrap_err();
    assert_eq!(stalls.sent(), 1, "the others have no permit");
    drop(held);
    assert!(queued.await.iter().all(|bytes| *bytes == content()));
    assert_eq!(stalls.sent(), 17);
    let patience = hedging.patience(Wait::Get);
    assert!(patience < usual * 3 / 2, "{patience:?}");
    let hedges = (0..100).filter(|_| store.hedge_permit(Wait::Head).is_some());
    assert_eq!(hedges.count(), 10, "all of the budget is left");
}

#[tokio::test]
async fn without_a_free_permit_there_is_no_second_attempt() {
    let (store, stalls) = known_with(1).await;
    // A body that stalls, and headers that never come.
    for silent in [false, true] {
        stalls.sent.store(0, Relaxed);
        let late = if silent {
            &stalls.silent
        } else {
            &stalls.stalled
        };
        late.lock().unwrap().insert(0);
        assert_waits_for_one(&store, &stalls).await;
    }
    assert!(store.hedge_permit(Wait::Get).is_some(), "it is free again");
}

#[tokio::test]
async fn a_mount_without_retries_sends_no_second_request() {
    let (store, stalls) = known().await;
    let store = store.within(RetryLimits::new(Duration::ZERO));
    stalls.stalled.lock().unwrap().insert(0);
    assert_waits_for_one(&store, &stalls).await;
}

#[tokio::test]
async fn late_requests_that_write_are_sent_once() {
    let (store, stalls) = known().await;
    // Each wait is late after a fiftieth of the time that this test waits.
    for wait in [Wait::Head, Wait::Get] {
        for _ in 0..200 {
            store
                .bucket
                .hedging()
                .record(wait, Duration::from_millis(1));
        }
    }
    let (key, upload) = (Key::new("k"), UploadId("u".into()));
    let (etag, to) = (store.head(&key).await.unwrap().meta.etag, Key::new("to"));
    stalls.sent.store(0, Relaxed);
    let (headers, none) = (Headers::default(), Precondition::None);
    let body = || Body::memory(Bytes::from_static(b"x"));
    let number = PartNumber(1);
    let source = CopySource {
        key: &key,
        etag: &etag,
        range: ByteRange::new(0, 1).unwrap(),
    };
    let known = CopiedHeaders::Known(None);
    let requests = [
        store.put(&key, body(), &headers, &none).map(drop).boxed(),
        store.delete(&key).map(drop).boxed(),
        store.copy(&key, &etag, &to, known).map(drop).boxed(),
        store.rename(&key, &etag, &to, &none, "t").map(drop).boxed(),
        store.create_upload(&key, &headers).map(drop).boxed(),
        store
            .upload_part(&key, &upload, number, body())
            .map(drop)
            .boxed(),
        store
            .upload_part_copy(&key, &upload, number, source)
            .map(drop)
            .boxed(),
        store.abort_upload(&key, &upload).map(drop).boxed(),
        store.uploads(&key).map(drop).boxed(),
        store
            .complete_upload(&key, &upload, &[], &none)
            .map(drop)
            .boxed(),
    ];
    let count = requests.len();
    stalls.silent.lock().unwrap().extend(0..2 * count);
    let all = join_all(requests);
    // Longer than the patience for any kind of request.
    let patience = store.bucket.hedging().patience(Wait::List) + Duration::from_millis(500);
    tokio::time::timeout(patience, all).await.unwrap_err();
    assert_eq!(stalls.sent(), count);
}

#[tokio::test]
async fn a_lost_page_of_a_listing_and_a_lost_head_are_requested_again() {
    let (store, stalls) = known().await;
    stalls.silent.lock().unwrap().extend([1, 4]);
    let first = ListRequest {
        prefix: "",
        folded: true,
        from: ListFrom::Beginning,
        max_keys: 1000,
    };
    for _ in 0..3 {
        store.head(&Key::new("k")).await.unwrap();
    }
    for _ in 0..3 {
        store.list(first).await.unwrap();
    }
    assert!(stalls.sent() >= 8);
}
