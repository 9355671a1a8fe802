//! Tests of copies on a server that ignores their conditions, next to another client.

use std::time::Duration;

use s3_local::{Fault, Injection, Operation, Quirk, Server};

use super::Replaced;
use super::directives::Directives;
use crate::object::{ETag, Key};
use crate::store::s3::S3Store;
use crate::store::served::{BUCKET, connected, server};
use crate::store::{CopiedHeaders, Retrying, Store, StoreError, StoreErrorKind};

async fn bucket() -> (Server, Retrying<S3Store>) {
    let server = server();
    server.knobs().set_quirk(Quirk::UncheckedCopies, true);
    let store = connected(&server, |config| {
        config.retry_timeout = Duration::from_secs(20);
    });
    let store = store.await;
    (server, store)
}

fn keys() -> (Key, Key) {
    (Key::new("a"), Key::new("b"))
}

fn put(server: &Server, key: &str, bytes: &'static str) -> ETag {
    ETag::new(&server.put(BUCKET, key, bytes))
}

fn is_precondition(error: &StoreError) -> bool {
    matches!(error.kind, StoreErrorKind::PreconditionFailed)
}

#[tokio::test]
async fn the_first_copy_of_a_replaced_version_changes_nothing() {
    let (server, store) = bucket().await;
    let tag = put(&server, "a", "ours");
    put(&server, "b", "before");
    put(&server, "a", "theirs");
    let (a, b) = keys();
    let error = store
        .copy(&a, &tag, &b, CopiedHeaders::Known(None))
        .await
        .unwrap_err();
    assert!(is_precondition(&error) && !error.is_unknown(), "{error}");
    assert_eq!(server.get(BUCKET, "b").unwrap(), "before");
    assert_eq!(server.log().count(Operation::CopyObject), 0);
    assert_eq!(server.log().count(Operation::DeleteObject), 0);
}

/// Copies an object that another client stores between the check and the copy. `after` runs after
/// the copy.
async fn copied_in_a_race(
    store: &S3Store,
    server: &Server,
    after: impl FnOnce(),
) -> (Replaced, StoreError) {
    let (a, b) = keys();
    let tag = put(server, "a", "ours");
    let replaced = store.check_before(&a, &tag, &b).await.unwrap();
    put(server, "a", "theirs");
    let kept = Directives::new(&store.uploads, CopiedHeaders::Known(None), None);
    let copied = store.send_copy(&a, None, &b, &kept).await.unwrap();
    after();
    let checked = store.checked(copied, replaced, (&a, &tag), &b).await;
    (replaced, checked.unwrap_err())
}

#[tokio::test]
async fn a_copy_of_another_version_is_deleted_where_nothing_was() {
    let (server, store) = bucket().await;
    let (replaced, error) = copied_in_a_race(store.single(), &server, || {}).await;
    assert_eq!(replaced, Replaced::Nothing);
    assert!(is_precondition(&error) && !error.is_unknown(), "{error}");
    assert_eq!(server.keys(BUCKET), ["a"]);
}

#[tokio::test]
async fn a_copy_of_another_version_stays_where_something_was() {
    let (server, store) = bucket().await;
    put(&server, "b", "before");
    let (replaced, error) = copied_in_a_race(store.single(), &server, || {}).await;
    assert_eq!(replaced, Replaced::Something);
    assert!(is_precondition(&error) && error.is_unknown(), "{error}");
    assert_eq!(server.get(BUCKET, "b").unwrap(), "theirs");
}

#[tokio::test]
async fn what_another_client_stored_over_a_copy_is_not_deleted() {
    let (server, store) = bucket().await;
    let over = || drop(put(&server, "b", "their b"));
    let (_, error) = copied_in_a_race(store.single(), &server, over).await;
    assert!(is_precondition(&error) && error.is_unknown(), "{error}");
    assert_eq!(server.get(BUCKET, "b").unwrap(), "their b");
}

#[tokio::test]
async fn a_check_that_fails_is_no_reason_to_delete_a_copy() {
    let (server, store) = bucket().await;
    let (a, b) = keys();
    let tag = put(&server, "a", "ours");
    let after_the_copy = Injection::new(Operation::HeadObject, Fault::SlowDown503);
    server.knobs().inject(after_the_copy.on_key("a").after(1));
    store
        .copy(&a, &tag, &b, CopiedHeaders::Known(None))
        .await
        .unwrap();
    assert_eq!(server.knobs().pending_faults(), 0);
    assert_eq!(server.get(BUCKET, "b").unwrap(), "ours");
    assert_eq!(server.log().count(Operation::DeleteObject), 0);
}
