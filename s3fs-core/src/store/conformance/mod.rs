//! Conformance tests of stores, run on the store in memory and on the S3 store over a real server.
//! They show that tests on the former are valid for the latter.

#![allow(clippy::unwrap_used, reason = "a failed request is a failed test")]

mod copies;
mod headers;
mod properties;
mod versions;

use bytes::Bytes;

use crate::object::{ByteRange, ETag, Headers, Key};
use crate::store::{
    Body, Condition, CopySource, GetBody, ListFrom, ListRequest, PartNumber, Precondition, Store,
    StoreError, StoreErrorKind,
};

pub(crate) use copies::*;
pub(crate) use headers::*;
pub(crate) use properties::*;
pub(crate) use versions::*;

const PART: usize = 5 << 20;

fn key(key: &str) -> Key {
    Key::new(key)
}

fn body(bytes: impl Into<Bytes>) -> Body {
    Body::memory(bytes.into())
}

fn range(start: u64, end: u64) -> Option<ByteRange> {
    ByteRange::new(start, end)
}

async fn put(store: &dyn Store, name: &str, bytes: &'static [u8]) -> ETag {
    let none = Precondition::None;
    store
        .put(&key(name), body(bytes), &Headers::default(), &none)
        .await
        .unwrap()
}

async fn collect(mut body: GetBody) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

async fn content(store: &dyn Store, name: &str) -> Vec<u8> {
    collect(
        store
            .get(&key(name), None, Condition::Any)
            .await
            .unwrap()
            .body,
    )
    .await
}

fn is_missing<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(error) if matches!(error.kind, StoreErrorKind::NoSuchKey))
}

fn is_precondition<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(error) if matches!(error.kind, StoreErrorKind::PreconditionFailed))
}

/// Returns a whole listing, read page by page: objects, and common prefixes.
async fn list(
    store: &dyn Store,
    prefix: &str,
    folded: bool,
    max_keys: u16,
) -> (Vec<String>, Vec<String>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    let mut continuation = None;
    loop {
        let request = ListRequest {
            prefix,
            folded,
            from: ListFrom::following(continuation.as_deref()),
            max_keys,
        };
        let page = store.list(request).await.unwrap();
        let count = page.objects.len() + page.prefixes.len();
        assert!(count <= usize::from(max_keys), "{count} in a page");
        objects.extend(page.objects.into_iter().map(|object| object.key));
        prefixes.extend(page.prefixes);
        match page.next {
            Some(next) => continuation = Some(next),
            None => return (objects, prefixes),
        }
    }
}

pub(crate) async fn objects_have_their_bytes_and_a_tag_for_each_version(store: &dyn Store) {
    let first = put(store, "a", b"one").await;
    let second = put(store, "a", b"two2").await;
    assert_ne!(first, second);
    assert_eq!(content(store, "a").await, b"two2");
    let meta = store.head(&key("a")).await.unwrap().meta;
    assert_eq!((meta.size, meta.etag), (4, second));
    store.delete(&key("a")).await.unwrap();
    store.delete(&key("a")).await.unwrap();
    assert!(is_missing(store.head(&key("a")).await));
    assert!(is_missing(store.get(&key("a"), None, Condition::Any).await));
}

pub(crate) async fn ranges_are_cut_to_the_object(store: &dyn Store) {
    let etag = put(store, "a", b"0123456789").await;
    let answer = store
        .get(&key("a"), range(2, 5), Condition::Any)
        .await
        .unwrap();
    assert_eq!((answer.range, answer.meta.size), (range(2, 5), 10));
    assert_eq!(answer.meta.etag, etag);
    assert_eq!(collect(answer.body).await, b"234");
    let answer = store
        .get(&key("a"), range(8, 50), Condition::Any)
        .await
        .unwrap();
    assert_eq!(answer.range, range(8, 10));
    assert_eq!(collect(answer.body).await, b"89");
    assert!(
        store
            .get(&key("a"), range(10, 11), Condition::Any)
            .await
            .is_err()
    );
    put(store, "empty", b"").await;
    let answer = store
        .get(&key("empty"), None, Condition::Any)
        .await
        .unwrap();
    assert_eq!((answer.range, answer.meta.size), (None, 0));
    assert!(
        store
            .get(&key("empty"), range(0, 1), Condition::Any)
            .await
            .is_err()
    );
}

pub(crate) async fn conditions_are_checked(store: &dyn Store) {
    let old = put(store, "a", b"old").await;
    let new = put(store, "a", b"new").await;
    assert!(
        store
            .get(&key("a"), None, Condition::Is(&new))
            .await
            .is_ok()
    );
    assert!(is_precondition(
        store.get(&key("a"), None, Condition::Is(&old)).await
    ));
    let stored = store.head(&key("a")).await.unwrap().meta.modified;
    let unchanged = store.get(&key("a"), None, Condition::IsNot(&new)).await;
    let StoreErrorKind::NotModified { modified } = unchanged.unwrap_err().kind else {
        panic!("it has this version");
    };
    assert_eq!(modified, Some(stored));
    let changed = store.get(&key("a"), None, Condition::IsNot(&old)).await;
    assert_eq!(changed.unwrap().meta.etag, new);
    let absent = Precondition::Absent;
    assert!(is_precondition(
        store
            .put(&key("a"), body("x"), &Headers::default(), &absent)
            .await
    ));
    store
        .put(&key("b"), body("x"), &Headers::default(), &absent)
        .await
        .unwrap();
    assert!(is_missing(
        store.get(&key("c"), None, Condition::Is(&old)).await
    ));
}

pub(crate) async fn listings_fold_and_page(store: &dyn Store) {
    let keys = [
        "d/", "d/a", "d/a-1", "d/a/", "d/a/x", "d/a/y", "d/a0", "d/b//z", "d/ü", "e",
    ];
    for name in keys {
        put(store, name, b"x").await;
    }
    for page in [1, 2, 3, 1000] {
        let (objects, prefixes) = list(store, "d/", true, page).await;
        assert_eq!(objects, ["d/", "d/a", "d/a-1", "d/a0", "d/ü"], "{page}");
        assert_eq!(prefixes, ["d/a/", "d/b/"], "{page}");
        let (objects, prefixes) = list(store, "d/", false, page).await;
        assert_eq!(objects, keys[..9], "{page}");
        assert!(prefixes.is_empty());
        let (objects, prefixes) = list(store, "d/a", true, page).await;
        assert_eq!(objects, ["d/a", "d/a-1", "d/a0"], "{page}");
        assert_eq!(prefixes, ["d/a/"], "{page}");
    }
    assert_eq!(list(store, "nothing", true, 10).await, (vec![], vec![]));
    for after in ["a", "d/a", keys[3], "d/a/\u{10ffff}", "d/\u{10ffff}"] {
        let page = store.list(ListRequest {
            prefix: "d/",
            folded: false,
            from: ListFrom::After(after),
            max_keys: 1000,
        });
        let found = page.await.unwrap().objects.into_iter();
        let found: Vec<_> = found.map(|object| object.key).collect();
        let expected = keys[..9].iter().filter(|key| **key > after);
        assert_eq!(found, expected.copied().collect::<Vec<_>>(), "{after}");
    }
}

pub(crate) async fn parts_become_an_object(store: &dyn Store) {
    let at = key("m");
    let id = store.create_upload(&at, &Headers::default()).await.unwrap();
    let first = body(vec![1; PART]);
    let second = store
        .upload_part(&at, &id, PartNumber(2), body("end"))
        .await
        .unwrap();
    let first = store
        .upload_part(&at, &id, PartNumber(1), first)
        .await
        .unwrap();
    assert!(is_missing(store.head(&at).await), "not before it is whole");
    let parts = [first, second];
    let etag = store
        .complete_upload(&at, &id, &parts, &Precondition::None)
        .await
        .unwrap();
    let meta = store.head(&at).await.unwrap().meta;
    assert_eq!((meta.size, meta.etag), (PART as u64 + 3, etag));
    assert!(content(store, "m").await.ends_with(b"\x01end"));
}

pub(crate) async fn uploads_that_break_the_rules_are_refused(store: &dyn Store) {
    let at = key("m");
    let id = store.create_upload(&at, &Headers::default()).await.unwrap();
    let mut parts = Vec::new();
    for number in [1, 2] {
        let sent = store.upload_part(&at, &id, PartNumber(number), body("small"));
        parts.push(sent.await.unwrap());
    }
    let none = Precondition::None;
    let small = store.complete_upload(&at, &id, &parts, &none).await;
    assert!(small.is_err(), "only the last part may be small");
    parts.reverse();
    let disordered = store.complete_upload(&at, &id, &parts, &none).await;
    assert!(disordered.is_err());
    put(store, "m", b"there").await;
    let last = &parts[..1];
    let absent = Precondition::Absent;
    let late = store.complete_upload(&at, &id, last, &absent).await;
    assert!(is_precondition(late));
    store.abort_upload(&at, &id).await.unwrap();
    let gone = store.complete_upload(&at, &id, last, &none).await;
    assert!(gone.is_err());
    let gone = store
        .upload_part(&at, &id, PartNumber(1), body("late"))
        .await;
    assert!(gone.is_err());
    assert_eq!(content(store, "m").await, b"there");
}

pub(crate) async fn ranges_of_objects_become_parts(store: &dyn Store) {
    let (at, longer) = (key("a b+ü"), key("a b+ü/x"));
    let old = vec![7; PART + 10];
    let none = Precondition::None;
    let etag = store
        .put(&at, body(old), &Headers::default(), &none)
        .await
        .unwrap();
    let id = store.create_upload(&at, &Headers::default()).await.unwrap();
    let another = store.create_upload(&longer, &Headers::default()).await;
    assert_eq!(store.uploads(&at).await.unwrap(), std::slice::from_ref(&id));
    store
        .abort_upload(&longer, &another.unwrap())
        .await
        .unwrap();
    let source = |etag, end| CopySource {
        key: &at,
        etag,
        range: ByteRange::new(0, end).unwrap(),
    };
    let other = ETag::new("other");
    let stale = store.upload_part_copy(&at, &id, PartNumber(1), source(&other, PART as u64));
    assert!(is_precondition(stale.await));
    let beyond = store.upload_part_copy(&at, &id, PartNumber(1), source(&etag, PART as u64 + 11));
    assert!(beyond.await.is_err());
    let copied = store.upload_part_copy(&at, &id, PartNumber(1), source(&etag, PART as u64));
    let copied = copied.await.unwrap();
    let added = store
        .upload_part(&at, &id, PartNumber(2), body("new"))
        .await
        .unwrap();
    let parts = [copied, added];
    store
        .complete_upload(&at, &id, &parts, &none)
        .await
        .unwrap();
    let bytes = content(store, "a b+ü").await;
    assert_eq!(bytes.len(), PART + 3);
    assert!(bytes.ends_with(b"\x07new"));
}

mod memory {
    use std::future::Ready;

    use crate::store::memory::MemoryStore;

    pub(super) struct Bucket(pub(super) MemoryStore);

    pub(super) fn bucket() -> Ready<Bucket> {
        std::future::ready(Bucket(MemoryStore::default()))
    }
}

mod s3 {
    use s3_local::Server;

    use crate::store::served::{connected, server};

    pub(super) struct Bucket(
        pub(super) crate::store::s3::Bucket,
        #[expect(dead_code, reason = "the server stops when it is dropped")] Server,
    );

    pub(super) async fn bucket() -> Bucket {
        let server = server();
        let store = connected(&server, |_| {}).await;
        Bucket(store, server)
    }
}

macro_rules! conformance {
    ($store:ident: $($rule:ident),* $(,)?) => {
        mod $store {
            $(
                #[tokio::test]
                async fn $rule() {
                    let bucket = super::super::$store::bucket().await;
                    super::super::$rule(&bucket.0).await;
                }
            )*
        }
    };
    ($($rule:ident),* $(,)?) => {
        mod of {
            conformance!(memory: $($rule),*);
            conformance!(s3: $($rule),*);
        }
    };
}

conformance!(
    objects_have_their_bytes_and_a_tag_for_each_version,
    ranges_are_cut_to_the_object,
    conditions_are_checked,
    listings_fold_and_page,
    parts_become_an_object,
    uploads_that_break_the_rules_are_refused,
    ranges_of_objects_become_parts,
    headers_come_back_by_every_way,
    objects_have_a_type_of_their_own_or_the_stores,
    values_that_are_not_ascii_fail_nothing,
    copies_keep_the_headers_or_get_others,
    an_object_is_copied_onto_itself_only_with_other_headers,
    a_copy_of_what_was_uploaded_in_parts_may_have_another_tag,
    only_the_version_that_is_there_is_copied,
    ranges_of_another_object_become_parts,
    a_version_is_replaced_only_if_it_is_still_there,
    properties_come_back_and_tags_are_read,
    copies_keep_the_properties_that_the_object_keeps,
);
