//! Tests of retries, on a store with planned faults.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{RetryLimits, Retrying};
use crate::object::{ETag, Headers, Key};
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::warning::seen::Warnings;
use crate::store::{
    Body, Condition, CopiedHeaders, GetBody, ListFrom, ListRequest, Precondition, Store,
    StoreError, StoreErrorKind, UploadId,
};

/// Planned failures, last one first: before the store receives a request, or after it is carried out.
#[derive(Debug, Default)]
struct Plan {
    before: Mutex<Vec<StoreErrorKind>>,
    after: Mutex<Vec<StoreErrorKind>>,
}

#[async_trait]
impl Disturbance for Plan {
    async fn before(&self, _: Operation) -> Result<(), StoreErrorKind> {
        self.before.lock().unwrap().pop().map_or(Ok(()), Err)
    }

    async fn after(&self, _: Operation) -> Result<(), StoreErrorKind> {
        self.after.lock().unwrap().pop().map_or(Ok(()), Err)
    }
}

fn planned(memory: &MemoryStore) -> (Retrying<Disturbed<MemoryStore, Plan>>, Arc<Plan>) {
    let plan = Arc::new(Plan::default());
    let store = Disturbed {
        store: memory.clone(),
        disturbance: Arc::clone(&plan),
    };
    let limits = RetryLimits::new(Duration::from_mins(1));
    (Retrying::new(store, limits), plan)
}

fn slow_down() -> StoreErrorKind {
    StoreErrorKind::Throttled("SlowDown".into())
}

fn headers(time: &str) -> Headers {
    let mut headers = Headers::default();
    headers.metadata.insert("mtime".into(), time.into());
    headers
}

fn body(text: &'static str) -> Body {
    Body::memory(Bytes::from_static(text.as_bytes()))
}

async fn put(
    store: &impl Store,
    text: &'static str,
    time: &str,
    precondition: &Precondition,
) -> Result<ETag, StoreError> {
    let (key, headers) = (Key::new("k"), headers(time));
    store.put(&key, body(text), &headers, precondition).await
}

#[tokio::test]
async fn a_request_succeeds_when_its_server_does_again() {
    let memory = MemoryStore::default();
    let (store, plan) = planned(&memory);
    plan.before.lock().unwrap().extend([
        StoreErrorKind::TimedOut,
        slow_down(),
        StoreErrorKind::Overloaded("InternalError".into()),
        StoreErrorKind::Unreachable("reset".into()),
    ]);
    put(&store, "x", "1", &Precondition::None).await.unwrap();
    assert_eq!(memory.objects()["k"], "x");
    assert!(plan.before.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_is_the_answer_and_says_if_an_earlier_attempt_may_have_been_done() {
    let (store, plan) = planned(&MemoryStore::default());
    let denied = || StoreErrorKind::AccessDenied("no".into());
    plan.before.lock().unwrap().push(denied());
    let refused = put(&store, "x", "1", &Precondition::None).await;
    assert!(!refused.unwrap_err().is_unknown());
    *plan.before.lock().unwrap() = vec![denied(), StoreErrorKind::TimedOut];
    let refused = put(&store, "x", "1", &Precondition::None).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused.kind, StoreErrorKind::AccessDenied(_)));
    assert!(refused.is_unknown());
}

#[tokio::test]
async fn an_object_stored_by_an_attempt_whose_answer_was_lost_is_no_conflict() {
    let memory = MemoryStore::default();
    let (store, plan) = planned(&memory);
    let key = Key::new("k");
    let lost = || plan.after.lock().unwrap().push(StoreErrorKind::TimedOut);
    lost();
    let absent = put(&store, "x", "1", &Precondition::Absent);
    let etag = absent.await.unwrap();
    assert_eq!(store.head(&key).await.unwrap().meta.etag, etag);
    lost();
    let replaced = put(&store, "yy", "2", &Precondition::Is(etag)).await;
    let etag = replaced.unwrap();
    assert_eq!(store.head(&key).await.unwrap().meta.etag, etag);
    assert_eq!(memory.objects()["k"], "yy");
}

#[tokio::test]
async fn an_object_of_ours_that_has_more_metadata_since_is_no_conflict() {
    let memory = MemoryStore::default();
    let (store, plan) = planned(&memory);
    let mut there = headers("1");
    there.metadata.insert("added".into(), "since".into());
    let (key, none) = (Key::new("k"), Precondition::None);
    let stored = memory.put(&key, body("x"), &there, &none);
    let etag = stored.await.unwrap();
    plan.before.lock().unwrap().push(StoreErrorKind::TimedOut);
    let absent = put(&store, "x", "1", &Precondition::Absent);
    assert_eq!(absent.await.unwrap(), etag);
    // The copy that was to remove it has not been carried out.
    plan.before.lock().unwrap().push(StoreErrorKind::TimedOut);
    let (older, fewer) = (ETag::new("older"), headers("1"));
    let copied = store.copy(&key, &older, &key, CopiedHeaders::Changed(&fewer));
    copied.await.unwrap_err();
}

#[tokio::test]
async fn an_object_that_another_client_stored_is_a_conflict() {
    let memory = MemoryStore::default();
    let (store, plan) = planned(&memory);
    memory.insert("k", "other");
    plan.before.lock().unwrap().push(StoreErrorKind::TimedOut);
    let put = put(&store, "mine!", "1", &Precondition::Absent).await;
    let error = put.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::PreconditionFailed));
    assert_eq!(memory.objects()["k"], "other");
}

#[tokio::test]
async fn an_object_of_another_client_that_looks_the_same_is_a_conflict() {
    let memory = MemoryStore::default();
    let (store, _) = planned(&memory);
    let first = put(&store, "lock", "1", &Precondition::Absent);
    let etag = first.await.unwrap();
    for precondition in [Precondition::Absent, Precondition::Is(ETag::new("older"))] {
        let second = put(&store, "lock", "1", &precondition).await;
        let error = second.unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::PreconditionFailed));
        assert!(!error.is_unknown());
    }
    assert_eq!(store.head(&Key::new("k")).await.unwrap().meta.etag, etag);
}

#[tokio::test]
async fn headers_changed_by_an_attempt_whose_answer_was_lost_are_no_conflict() {
    let memory = MemoryStore::default();
    let (store, plan) = planned(&memory);
    let key = Key::new("k");
    let none = Precondition::None;
    let etag = put(&store, "x", "1", &none).await.unwrap();
    // The copy was carried out, and changed the version of the object.
    memory.insert("k", "x");
    let changed = put(&store, "x2", "2", &none).await.unwrap();
    plan.before.lock().unwrap().push(StoreErrorKind::TimedOut);
    let copied = store
        .copy(&key, &etag, &key, CopiedHeaders::Changed(&headers("2")))
        .await;
    assert_eq!(copied.unwrap(), changed);
    let copied = store
        .copy(&key, &etag, &key, CopiedHeaders::Changed(&headers("3")))
        .await;
    copied.unwrap_err();
}

#[tokio::test]
async fn the_time_is_over_with_the_last_failure_and_later_requests_are_tried_all_the_same() {
    let memory = MemoryStore::default();
    let (store, plan) = planned(&memory);
    let store = store.within(RetryLimits::new(Duration::from_millis(300)));
    let fail = |times| *plan.before.lock().unwrap() = (0..times).map(|_| slow_down()).collect();
    fail(1000);
    let key = Key::new("k");
    let error = store.head(&key).await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Throttled(_)));
    assert!(plan.before.lock().unwrap().len() < 999);
    fail(1);
    let error = store.head(&key).await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::NoSuchKey));
}

#[tokio::test]
async fn dropping_a_request_ends_it() {
    let (store, plan) = planned(&MemoryStore::default());
    let fail = (0..1000).map(|_| slow_down());
    plan.before.lock().unwrap().extend(fail);
    let key = Key::new("k");
    let asked = tokio::time::timeout(Duration::from_millis(300), store.head(&key));
    asked.await.unwrap_err();
    let left = plan.before.lock().unwrap().len();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(plan.before.lock().unwrap().len(), left);
}

#[tokio::test]
async fn an_upload_is_told_whether_its_completion_may_have_been_done() {
    let (store, plan) = planned(&MemoryStore::default());
    *plan.before.lock().unwrap() = vec![StoreErrorKind::PreconditionFailed, slow_down()];
    let (key, upload) = (Key::new("k"), UploadId("none".into()));
    let completed = store.complete_upload(&key, &upload, &[], &Precondition::Absent);
    let error = completed.await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::PreconditionFailed));
    assert!(error.is_unknown());
}

/// Store whose first requests are carried out without a response.
#[derive(Debug)]
struct Silent(AtomicUsize);

#[async_trait]
impl Disturbance for Silent {
    async fn before(&self, _: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }

    async fn after(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        let is_first = self
            .0
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        if matches!(operation, Operation::Copy | Operation::List) && is_first.is_ok() {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_copy_without_an_answer_is_sent_again_though_its_time_is_over() {
    let memory = MemoryStore::default();
    memory.insert("k", "x");
    let key = Key::new("k");
    let etag = memory.head(&key).await.unwrap().meta.etag;
    for (silent, is_copied) in [(1, true), (2, false)] {
        let store = Disturbed {
            store: memory.clone(),
            disturbance: Arc::new(Silent(AtomicUsize::new(silent))),
        };
        // One attempt takes longer than the limit of all attempts.
        let store = Retrying {
            shortest_transfer: Duration::from_millis(50),
            ..Retrying::new(store, RetryLimits::new(Duration::from_millis(10)))
        };
        let copied = store
            .copy(&key, &etag, &Key::new("copy"), CopiedHeaders::Known(None))
            .await;
        assert_eq!(copied.is_ok(), is_copied);
        if let Err(error) = copied {
            assert!(matches!(error.kind, StoreErrorKind::TimedOut), "{error}");
            assert!(error.is_unknown());
        }
    }
}

async fn read(mut body: GetBody) -> Result<Vec<u8>, StoreErrorKind> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await.map_err(|error| error.kind)? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on_where_it_did() {
    let memory = MemoryStore::default();
    memory.insert("k", "0123456789");
    let (store, faults) = Faults::over(memory);
    let store = Arc::into_inner(store).unwrap();
    let store = Retrying::new(store, RetryLimits::new(Duration::from_mins(1)));
    for after in [4, 0, 3, 2] {
        faults.next(Operation::Get, Fault::Broken(after));
    }
    let answer = store.get(&Key::new("k"), None, Condition::Any).await;
    assert_eq!(read(answer.unwrap().body).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_body_does_not_go_on_with_another_version() {
    let memory = MemoryStore::default();
    memory.insert("k", "0123456789");
    let (store, faults) = Faults::over(memory.clone());
    let store = Arc::into_inner(store).unwrap();
    let store = Retrying::new(store, RetryLimits::new(Duration::from_mins(1)));
    faults.next(Operation::Get, Fault::Broken(4));
    let answer = store.get(&Key::new("k"), None, Condition::Any).await;
    memory.insert("k", "abcdefghij");
    let failed = read(answer.unwrap().body).await.unwrap_err();
    assert!(
        matches!(failed, StoreErrorKind::PreconditionFailed),
        "{failed}"
    );
}

#[tokio::test]
async fn who_waits_long_is_warned_once_with_the_key() {
    let (warnings, _guard) = Warnings::begin();
    let (store, plan) = planned(&MemoryStore::default());
    let store = Retrying {
        warn_after: Duration::from_millis(200),
        ..store
    };
    let fail = |times| {
        let failures = (0..times).map(|_| StoreErrorKind::TimedOut);
        plan.before.lock().unwrap().extend(failures);
    };
    fail(1);
    put(&store, "x", "1", &Precondition::None).await.unwrap();
    assert!(warnings.texts().is_empty());
    fail(4);
    put(&store, "x", "1", &Precondition::None).await.unwrap();
    let warnings = warnings.texts();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("still trying after"),
        "{warnings:?}"
    );
    assert!(warnings[0].contains("s3://memory/k"), "{warnings:?}");
}

#[tokio::test]
async fn a_key_whose_upload_began_without_an_answer_is_told_once() {
    let memory = MemoryStore::with_min_part(1);
    let (store, plan) = planned(&memory);
    let (key, other) = (Key::new("k"), Key::new("other"));
    let headers = Headers::default();
    plan.before.lock().unwrap().push(slow_down());
    store.create_upload(&other, &headers).await.unwrap();
    assert_eq!(store.take_unanswered(), [], "a refusal is an answer");
    let cut = StoreErrorKind::Truncated("by the test".into());
    plan.after.lock().unwrap().push(cut);
    let known = store.create_upload(&key, &headers).await.unwrap();
    assert_eq!(store.take_unanswered(), std::slice::from_ref(&key));
    assert_eq!(store.take_unanswered(), []);
    store.abort_upload(&key, &known).await.unwrap();
    let strays = store.uploads(&key).await.unwrap();
    assert_eq!(strays.len(), 1);
    assert_ne!(strays, [known]);
}

/// Disturbance of all requests: they are carried out without a response.
#[derive(Debug)]
struct NoAnswer;

#[async_trait]
impl Disturbance for NoAnswer {
    async fn before(&self, _: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }

    async fn after(&self, _: Operation) -> Result<(), StoreErrorKind> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_creation_that_is_dropped_on_its_way_was_not_answered() {
    let store = Disturbed {
        store: MemoryStore::with_min_part(1),
        disturbance: Arc::new(NoAnswer),
    };
    let store = Retrying::new(store, RetryLimits::new(Duration::from_mins(1)));
    let (key, headers) = (Key::new("k"), Headers::default());
    let mut creating = Box::pin(store.create_upload(&key, &headers));
    assert!(futures_util::poll!(&mut creating).is_pending());
    drop(creating);
    assert_eq!(store.take_unanswered(), [key]);
}

#[tokio::test]
async fn a_lost_answer_to_the_first_request_leaves_time_for_another_one() {
    let root = ListRequest {
        prefix: "",
        folded: true,
        from: ListFrom::Beginning,
        max_keys: 1000,
    };
    for (silent, is_listed) in [(1, true), (2, false)] {
        let store = Disturbed {
            store: MemoryStore::default(),
            disturbance: Arc::new(Silent(AtomicUsize::new(silent))),
        };
        let store = Retrying::new(store, RetryLimits::connecting(Duration::from_secs(3)));
        assert_eq!(store.list_first(root).await.is_ok(), is_listed);
    }
}
