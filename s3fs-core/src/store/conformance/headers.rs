//! Headers stored with objects.

use std::sync::Arc;

use super::{body, collect, key};
use crate::object::{ETag, Headers};
use crate::store::{Condition, PartNumber, Precondition, Store};

/// Creates headers with a content type, and metadata of these names and values.
pub(super) fn headers(content_type: &str, metadata: &[(&str, &str)]) -> Headers {
    let pairs = metadata.iter().map(|(name, value)| (*name, *value));
    Headers {
        content_type: Some(content_type.to_owned()),
        metadata: pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        properties: Some(Arc::default()),
    }
}

pub(super) async fn put_with(store: &dyn Store, name: &str, headers: &Headers) -> ETag {
    let (at, none) = (key(name), Precondition::None);
    store.put(&at, body("bytes"), headers, &none).await.unwrap()
}

/// Returns the headers of an object; HEAD, and GET of it or of a range, must agree.
pub(super) async fn headers_of(store: &dyn Store, name: &str) -> Headers {
    let headers = store.head(&key(name)).await.unwrap().headers;
    for range in [None, super::range(1, 3)] {
        let answer = store.get(&key(name), range, Condition::Any).await.unwrap();
        assert_eq!(answer.headers, headers);
        collect(answer.body).await;
    }
    headers
}

pub(crate) async fn headers_come_back_by_every_way(store: &dyn Store) {
    let given = headers(
        "text/plain; charset=utf-8",
        &[
            ("mode", "33188"),
            ("mtime", "1700000000.5"),
            ("a-b_c.d", "x = y, z"),
        ],
    );
    put_with(store, "put", &given).await;
    assert_eq!(headers_of(store, "put").await, given);
    let at = key("parts");
    let upload = store.create_upload(&at, &given).await.unwrap();
    let part = store.upload_part(&at, &upload, PartNumber(1), body("bytes"));
    let parts = [part.await.unwrap()];
    let none = Precondition::None;
    let completed = store.complete_upload(&at, &upload, &parts, &none);
    completed.await.unwrap();
    assert_eq!(headers_of(store, "parts").await, given);
    let other = headers("text/html", &[("other", "1")]);
    put_with(store, "put", &other).await;
    assert_eq!(
        headers_of(store, "put").await,
        other,
        "none of the old ones"
    );
}

pub(crate) async fn objects_have_a_type_of_their_own_or_the_stores(store: &dyn Store) {
    put_with(store, "a", &Headers::default()).await;
    let found = headers_of(store, "a").await;
    let content_type = found.content_type.unwrap();
    assert!(content_type.ends_with("/octet-stream"), "{content_type}");
    assert!(found.metadata.is_empty());
}

pub(crate) async fn values_that_are_not_ascii_fail_nothing(store: &dyn Store) {
    let encoded = headers(
        "text/plain",
        &[("name", "=?UTF-8?Q?=C3=BC?="), ("raw", "ü")],
    );
    put_with(store, "a", &encoded).await;
    let found = headers_of(store, "a").await.metadata;
    // Servers choose between the two spellings, and between the forms of the encoded one.
    let is_spelled = |value: &String| value == "ü" || value.starts_with("=?UTF-8?");
    assert!(
        found.len() == 2 && found.values().all(is_spelled),
        "{found:?}"
    );
}
