//! Copies of objects by the store itself.

use super::headers::{headers, headers_of, put_with};
use super::{PART, body, content, is_missing, is_precondition, key, put};
use crate::object::{ByteRange, ETag, Headers};
use crate::store::{CopiedHeaders, CopySource, PartNumber, Precondition, Store};

pub(crate) async fn copies_keep_the_headers_or_get_others(store: &dyn Store) {
    let (old, new) = (
        headers("text/plain", &[("mode", "33188"), ("other", "kept")]),
        headers("text/html", &[("mode", "33261")]),
    );
    let source = key("a b+ü");
    let etag = put_with(store, source.as_str(), &old).await;
    put(store, "kept", b"replaced").await;
    let kept = store
        .copy(&source, &etag, &key("kept"), CopiedHeaders::Source)
        .await;
    assert_eq!(
        kept.unwrap(),
        store.head(&key("kept")).await.unwrap().meta.etag
    );
    assert_eq!(headers_of(store, "kept").await, old);
    let other = store
        .copy(&source, &etag, &key("other"), CopiedHeaders::Other(&new))
        .await;
    other.unwrap();
    assert_eq!(headers_of(store, "other").await, new);
    for name in ["kept", "other", source.as_str()] {
        assert_eq!(content(store, name).await, b"bytes");
    }
    assert_eq!(headers_of(store, source.as_str()).await, old);
}

pub(crate) async fn an_object_is_copied_onto_itself_only_with_other_headers(store: &dyn Store) {
    let (old, new) = (
        headers("text/plain", &[("n", "1")]),
        headers("text/html", &[]),
    );
    let at = key("a");
    let etag = put_with(store, "a", &old).await;
    assert!(
        store
            .copy(&at, &etag, &at, CopiedHeaders::Source)
            .await
            .is_err()
    );
    assert_eq!(headers_of(store, "a").await, old);
    let same = store
        .copy(&at, &etag, &at, CopiedHeaders::Changed(&new))
        .await
        .unwrap();
    assert_eq!(same, etag, "the same bytes");
    assert_eq!(headers_of(store, "a").await, new);
    assert_eq!(content(store, "a").await, b"bytes");
}

pub(crate) async fn a_copy_of_what_was_uploaded_in_parts_may_have_another_tag(store: &dyn Store) {
    let at = key("a");
    let id = store.create_upload(&at, &Headers::default()).await.unwrap();
    let part = store.upload_part(&at, &id, PartNumber(1), body("bytes"));
    let parts = [part.await.unwrap()];
    let none = Precondition::None;
    let completed = store.complete_upload(&at, &id, &parts, &none).await;
    let given = headers("text/plain", &[("mode", "0100755")]);
    let etag = completed.unwrap();
    let copied = store
        .copy(&at, &etag, &at, CopiedHeaders::Changed(&given))
        .await
        .unwrap();
    assert_eq!(store.head(&at).await.unwrap().meta.etag, copied);
    assert_eq!(headers_of(store, "a").await, given);
    assert_eq!(content(store, "a").await, b"bytes");
}

pub(crate) async fn only_the_version_that_is_there_is_copied(store: &dyn Store) {
    let old = put(store, "a", b"old").await;
    let new = put(store, "a", b"new").await;
    let (none, default) = (CopiedHeaders::Source, Headers::default());
    for headers in [
        none,
        CopiedHeaders::Known(None),
        CopiedHeaders::Other(&default),
    ] {
        let stale = store.copy(&key("a"), &old, &key("b"), headers).await;
        assert!(is_precondition(stale));
        let missing = store.copy(&key("c"), &new, &key("b"), headers).await;
        assert!(is_missing(missing));
    }
    assert!(is_missing(store.head(&key("b")).await));
    store.copy(&key("a"), &new, &key("b"), none).await.unwrap();
    assert_eq!(content(store, "b").await, b"new");
}

pub(crate) async fn ranges_of_another_object_become_parts(store: &dyn Store) {
    let none = Precondition::None;
    let source = key("from/a b+ü");
    let mut bytes = vec![7; PART];
    bytes.extend_from_slice(b"tail");
    let given = headers("text/plain", &[("of", "the source")]);
    let stored = store.put(&source, body(bytes.clone()), &given, &none);
    let etag = stored.await.unwrap();
    let at = key("to");
    let id = store.create_upload(&at, &Headers::default()).await.unwrap();
    let part = |etag, start, end| CopySource {
        key: &source,
        etag,
        range: ByteRange::new(start, end).unwrap(),
    };
    let other = ETag::new("other");
    let stale = store.upload_part_copy(&at, &id, PartNumber(1), part(&other, 0, 5));
    assert!(is_precondition(stale.await));
    let half = PART as u64;
    let mut parts = Vec::new();
    for (number, start, end) in [(1, 0, half), (2, half, half + 4)] {
        let copied = store.upload_part_copy(&at, &id, PartNumber(number), part(&etag, start, end));
        parts.push(copied.await.unwrap());
    }
    let completed = store.complete_upload(&at, &id, &parts, &none);
    completed.await.unwrap();
    assert!(content(store, "to").await == bytes);
    assert!(headers_of(store, "to").await.metadata.is_empty());
}
