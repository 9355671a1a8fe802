//! Tests of errors, some against a server.

use std::time::Duration;

use s3_local::{Fault, Operation, Server};

use super::*;
use crate::object::{Headers, Key};
use crate::store::s3::Bucket;
use crate::store::served::{connected, server};
use crate::store::{Body, Condition, Precondition, RetryLimits, Store};

fn failed(kind: StoreErrorKind) -> StoreError {
    StoreError::new("PutObject", "s3://bucket/key".into(), kind)
}

#[test]
fn a_refusal_changes_nothing_and_a_lost_answer_may_have_changed_something() {
    use StoreErrorKind as K;
    for kind in [
        K::AccessDenied("no".into()),
        K::PreconditionFailed,
        K::Other("EntityTooLarge".into()),
    ] {
        assert!(!failed(kind).is_unknown());
    }
    for kind in [
        K::Overloaded("SlowDown".into()),
        K::Unreachable("connection reset".into()),
        K::TimedOut,
        K::NotS3("HTTP 502".into()),
    ] {
        assert!(failed(kind).is_unknown());
    }
    let refused = failed(K::AccessDenied("no".into()));
    assert!(refused.after_unknown().is_unknown());
}

/// Connects to the bucket, for single attempts.
async fn connected_once(server: &Server) -> Bucket {
    connected(server, |config| config.retry_timeout = Duration::ZERO).await
}

#[tokio::test]
async fn an_answered_request_has_its_id_and_shows_it_where_support_can_use_it() {
    let server = server();
    let store = connected_once(&server).await;
    let (key, none) = (Key::new("k"), Precondition::None);
    let missing = store.head(&key).await.unwrap_err();
    let missing_id = missing.request_id.clone().unwrap();
    assert_eq!(
        missing.to_string(),
        "HeadObject s3://data/k: no such object"
    );
    let knobs = server.knobs();
    knobs.fail_next(Operation::PutObject, 1, Fault::InternalError500);
    let (body, headers) = (Body::memory(vec![7; 9].into()), Headers::default());
    let put = store.put(&key, body, &headers, &none);
    let failed = put.await.unwrap_err();
    let id = failed.request_id.as_deref().unwrap();
    assert_ne!(*id, *missing_id);
    let extended = id.extended.as_deref().unwrap();
    let end = format!("request ID {}, extended ID {extended}", id.id);
    assert!(failed.to_string().ends_with(&end), "{failed}");
    knobs.fail_next(Operation::PutObject, 1, Fault::ResetConnection);
    let body = Body::memory(vec![7; 9].into());
    let put = store.put(&key, body, &headers, &none);
    assert_eq!(put.await.unwrap_err().request_id, None, "nobody answered");
}

#[tokio::test]
async fn a_body_that_breaks_off_has_the_id_of_its_request() {
    let server = server();
    let store = connected_once(&server).await;
    server.put("data", "k", vec![7; 9]);
    let knobs = server.knobs();
    knobs.fail_next(Operation::GetObject, 2, Fault::TruncateBody(4));
    let answer = store.get(&Key::new("k"), None, Condition::Any).await;
    let mut body = answer.unwrap().body;
    let error = loop {
        match body.next().await {
            Ok(piece) => assert!(piece.is_some(), "the body ends early"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error.kind, StoreErrorKind::Truncated(_)),
        "{error}"
    );
    assert!(error.to_string().contains("request ID 0"), "{error}");
    assert_eq!(error.attempts, 2);
}

#[tokio::test]
async fn a_failure_counts_all_attempts_and_their_time() {
    let server = server();
    let store = connected_once(&server).await;
    let store = store.within(RetryLimits::new(Duration::from_millis(200)));
    let knobs = server.knobs();
    knobs.fail_next(Operation::HeadObject, 1000, Fault::SlowDown503);
    let error = store.head(&Key::new("k")).await.unwrap_err();
    let requests = server.log().count(Operation::HeadObject);
    assert!(error.attempts > 1);
    assert_eq!(u64::from(error.attempts), requests);
    assert!(error.elapsed >= Duration::from_millis(200), "{error:?}");
}
