//! Writes conditional on the version they replace.

use super::{body, content, is_missing, is_precondition, key, put};
use crate::object::{ETag, Headers};
use crate::store::{PartNumber, Precondition, Store, StoreError};

async fn put_if(store: &dyn Store, name: &str, is: &ETag) -> Result<ETag, StoreError> {
    let is = Precondition::Is(is.clone());
    let headers = Headers::default();
    store.put(&key(name), body("new"), &headers, &is).await
}

async fn complete_if(store: &dyn Store, name: &str, is: &ETag) -> Result<ETag, StoreError> {
    let at = key(name);
    let id = store.create_upload(&at, &Headers::default()).await.unwrap();
    let part = store.upload_part(&at, &id, PartNumber(1), body("newer"));
    let parts = [part.await.unwrap()];
    let is = Precondition::Is(is.clone());
    let completed = store.complete_upload(&at, &id, &parts, &is).await;
    if completed.is_err() {
        store.abort_upload(&at, &id).await.unwrap();
    }
    completed
}

pub(crate) async fn a_version_is_replaced_only_if_it_is_still_there(store: &dyn Store) {
    let gone = put(store, "a", b"gone").await;
    let old = put(store, "a", b"old").await;
    assert!(is_precondition(put_if(store, "a", &gone).await));
    assert!(is_precondition(complete_if(store, "a", &gone).await));
    assert_eq!(content(store, "a").await, b"old");
    let new = put_if(store, "a", &old).await.unwrap();
    assert_eq!(content(store, "a").await, b"new");
    complete_if(store, "a", &new).await.unwrap();
    assert_eq!(content(store, "a").await, b"newer");
    assert!(is_missing(put_if(store, "b", &new).await));
    assert!(is_missing(complete_if(store, "b", &new).await));
    assert!(is_missing(store.head(&key("b")).await));
}
