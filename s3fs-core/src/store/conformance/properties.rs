//! Properties of objects: kept by copies as S3 keeps them, and tags that are read before they would
//! be lost.

use std::sync::Arc;

use super::headers::{headers, headers_of, put_with};
use super::{body, key};
use crate::object::{Headers, Properties, Tags};
use crate::store::{CopiedHeaders, PartNumber, Precondition, Store};

fn special() -> Headers {
    Headers {
        properties: Some(Arc::new(Properties {
            cache_control: Some("max-age=60".into()),
            content_disposition: Some("attachment; filename=\"a b\"".into()),
            content_encoding: Some("gzip".into()),
            content_language: Some("de, en".into()),
            expires: Some("Thu, 01 Jan 2026 00:00:00 GMT".into()),
            storage_class: Some("STANDARD_IA".into()),
            tags: Tags::Read([("a b".into(), "x=y&z".into())].into()),
            ..Properties::default()
        })),
        ..headers("text/plain", &[("mode", "33188")])
    }
}

/// Returns the headers of an object with its tags.
async fn all_of(store: &dyn Store, name: &str) -> Headers {
    let headers = headers_of(store, name).await;
    let properties = headers.properties.as_deref().unwrap();
    let tags = store.tags(&key(name), &properties.tags).await.unwrap();
    let properties = Some(Arc::new(Properties {
        tags,
        ..properties.clone()
    }));
    Headers {
        properties,
        ..headers
    }
}

fn tags_of(headers: &Headers) -> &Tags {
    &headers.properties.as_deref().unwrap().tags
}

pub(crate) async fn properties_come_back_and_tags_are_read(store: &dyn Store) {
    put_with(store, "a", &special()).await;
    let seen = headers_of(store, "a").await;
    assert_eq!(tags_of(&seen), &Tags::Counted(1));
    assert_eq!(all_of(store, "a").await, special());
    let at = key("parts");
    let id = store.create_upload(&at, &special()).await.unwrap();
    let part = store.upload_part(&at, &id, PartNumber(1), body("bytes"));
    let parts = [part.await.unwrap()];
    let completed = store.complete_upload(&at, &id, &parts, &Precondition::None);
    completed.await.unwrap();
    assert_eq!(all_of(store, "parts").await, special());
    put_with(store, "a", &headers("text/plain", &[])).await;
    let plain = all_of(store, "a").await;
    let class = &plain.properties.as_deref().unwrap().storage_class;
    assert_eq!(class, &None);
    let has_none = match tags_of(&plain) {
        Tags::Read(tags) => tags.is_empty(),
        tags => *tags == Tags::Unshown,
    };
    assert!(has_none, "{plain:?}");
}

pub(crate) async fn copies_keep_the_properties_that_the_object_keeps(store: &dyn Store) {
    let etag = put_with(store, "a", &special()).await;
    let from = key("a");
    let known = special();
    let known = known.properties.as_deref();
    for (name, kept) in [
        ("asked", CopiedHeaders::Source),
        ("known", CopiedHeaders::Known(known)),
    ] {
        store.copy(&from, &etag, &key(name), kept).await.unwrap();
        assert_eq!(all_of(store, name).await, special(), "{name}");
    }
    let changed = Headers {
        metadata: [("mode".into(), "33261".into())].into(),
        ..headers_of(store, "a").await
    };
    let changed = CopiedHeaders::Changed(&changed);
    let etag = store.copy(&from, &etag, &from, changed).await.unwrap();
    let expected = Headers {
        metadata: [("mode".into(), "33261".into())].into(),
        ..special()
    };
    assert_eq!(all_of(store, "a").await, expected);
    let other = headers("text/html", &[]);
    let other = CopiedHeaders::Other(&other);
    store.copy(&from, &etag, &key("b"), other).await.unwrap();
    let seen = headers_of(store, "b").await;
    assert_eq!(seen, headers("text/html", &[]), "nothing of the source");
}
