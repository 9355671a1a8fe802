//! Copies of objects that are too large for one request.

use std::sync::Arc;

use super::{bucket, object, target};
use crate::object::{Headers, Key, Properties, Tags};
use crate::store::{Body, CopiedHeaders, Precondition, Store};
use crate::write::{Stages, copy_object};

fn properties() -> Properties {
    Properties {
        cache_control: Some("no-store".into()),
        storage_class: Some("STANDARD_IA".into()),
        tags: Tags::Read([("team".into(), "a".into())].into()),
        ..Properties::default()
    }
}

#[tokio::test]
async fn a_copy_in_parts_keeps_headers_properties_and_tags() {
    let store = bucket();
    let stored = Headers {
        content_type: Some("text/plain".into()),
        metadata: [("mode".into(), "33188".into())].into(),
        properties: Some(Arc::new(properties())),
    };
    let from = Key::new("from");
    let body = Body::memory(vec![7; 50_000].into());
    let put = store.put(&from, body, &stored, &Precondition::None);
    put.await.unwrap();
    let from = object(&store, &from).await;
    let target = target(Arc::new(store.clone()), 1 << 20, &Stages::default());
    assert!(from.size > target.sizes().max());
    let known = store.head(&from.key).await.unwrap().headers;
    let changed = Headers {
        metadata: [("mode".into(), "33261".into())].into(),
        ..known.clone()
    };
    for (copied, mode) in [
        (CopiedHeaders::Source, "33188"),
        (CopiedHeaders::Known(known.properties.as_deref()), "33188"),
        (CopiedHeaders::Changed(&changed), "33261"),
    ] {
        let to = Key::new("to");
        let new = copy_object(&target, &from, &to, copied).await.unwrap();
        assert_eq!(new.size, 50_000);
        let headers = store.head(&to).await.unwrap().headers;
        assert_eq!(headers.metadata["mode"], mode);
        assert_eq!(headers.content_type.as_deref(), Some("text/plain"));
        let seen = headers.properties.as_deref().unwrap();
        assert_eq!(seen.storage_class.as_deref(), Some("STANDARD_IA"));
        assert_eq!(seen.cache_control.as_deref(), Some("no-store"));
        let tags = store.tags(&to, &seen.tags).await.unwrap();
        assert_eq!(tags, properties().tags);
    }
    let other = Headers::default();
    let to = Key::new("other");
    let copied = copy_object(&target, &from, &to, CopiedHeaders::Other(&other)).await;
    copied.unwrap();
    let seen = store.head(&to).await.unwrap().headers.properties;
    assert_eq!(seen.as_deref(), Some(&Properties::default()));
}
