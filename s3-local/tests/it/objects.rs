//! Putting, getting, copying and deleting objects.

use std::collections::HashMap;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, MetadataDirective, ObjectIdentifier};

use crate::fixture::{assert_refused, assert_status, client, pattern, read, server};

#[tokio::test]
async fn an_object_comes_back_with_its_bytes_and_metadata() {
    let server = server();
    let client = client(&server);
    let put = client
        .put_object()
        .bucket("data")
        .key("a/b.txt")
        .content_type("text/plain")
        .cache_control("no-store")
        .metadata("mode", "33188")
        .metadata("name", "na\u{ef}ve")
        .body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .unwrap();
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));

    let got = client
        .get_object()
        .bucket("data")
        .key("a/b.txt")
        .send()
        .await
        .unwrap();
    // What is not ASCII comes in the form of RFC 2047, as from S3.
    let expected = HashMap::from([("mode", "33188"), ("name", "=?UTF-8?B?bmHDr3Zl?=")]);
    let metadata = got.metadata().unwrap();
    assert_eq!(metadata.len(), 2);
    for (name, value) in expected {
        assert_eq!(metadata[name], value);
    }
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.cache_control(), Some("no-store"));
    assert_eq!(got.content_length(), Some(5));
    assert_eq!(got.accept_ranges(), Some("bytes"));
    let listed = client
        .list_objects_v2()
        .bucket("data")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.contents()[0].last_modified(), got.last_modified());
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"hello");

    let head = client
        .head_object()
        .bucket("data")
        .key("a/b.txt")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(5));
    assert_eq!(head.e_tag(), put.e_tag());
    assert_eq!(head.metadata().unwrap()["mode"], "33188");
    assert_eq!(
        server.get("data", "a/b.txt").as_deref(),
        Some(&b"hello"[..])
    );
}

#[tokio::test]
async fn any_key_is_kept_as_it_is() {
    let server = server();
    let client = client(&server);
    let long = "k".repeat(1024);
    let keys = [
        "a",
        "a/",
        "a/b",
        "a//b",
        "/a",
        "//",
        ".",
        "..",
        "a/../b",
        "./a",
        "sp ace",
        "pl+us",
        "per%25cent",
        "\u{1}\u{7f}",
        "nul\0byte",
        "new\nline",
        "q?u=e&r#y",
        "\u{e9}\u{1f600}\u{10ffff}",
        "\\\"<&>'",
        long.as_str(),
    ];
    for key in keys {
        let body = ByteStream::from(key.as_bytes().to_vec());
        let put = client
            .put_object()
            .bucket("data")
            .key(key)
            .body(body)
            .send()
            .await;
        put.unwrap_or_else(|error| panic!("put {key:?}: {error:?}"));
    }
    for key in keys {
        assert_eq!(read(&client, key).await, key.as_bytes(), "{key:?}");
        client
            .head_object()
            .bucket("data")
            .key(key)
            .send()
            .await
            .unwrap();
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    assert_eq!(server.keys("data"), sorted);
    for key in keys {
        client
            .delete_object()
            .bucket("data")
            .key(key)
            .send()
            .await
            .unwrap();
    }
    assert!(server.keys("data").is_empty());
}

#[tokio::test]
async fn a_key_longer_than_1024_bytes_is_refused() {
    let server = server();
    let put = client(&server)
        .put_object()
        .bucket("data")
        .key("k".repeat(1025))
        .send()
        .await;
    assert_refused(put, 400, "KeyTooLongError");
}

#[tokio::test]
async fn ranges_select_bytes_and_others_are_refused() {
    let server = server();
    let client = client(&server);
    let bytes = pattern(20_000_000);
    server.put("data", "k", bytes.clone());
    let get = |range: &str| {
        client
            .get_object()
            .bucket("data")
            .key("k")
            .range(range)
            .send()
    };
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=5-9999999", 5..10_000_000),
        ("bytes=19999990-", 19_999_990..20_000_000),
        ("bytes=19999990-30000000", 19_999_990..20_000_000),
        ("bytes=-7", 19_999_993..20_000_000),
        ("bytes=-99999999", 0..20_000_000),
    ] {
        let got = get(range).await.unwrap();
        let told = format!("bytes {}-{}/20000000", expected.start, expected.end - 1);
        assert_eq!(got.content_range(), Some(told.as_str()));
        assert!(
            got.body.collect().await.unwrap().to_vec() == bytes[expected],
            "{range}"
        );
    }
    assert_refused(get("bytes=20000000-").await, 416, "InvalidRange");
    assert_refused(get("bytes=-0").await, 416, "InvalidRange");
    let head = client
        .head_object()
        .bucket("data")
        .key("k")
        .range("bytes=1-2")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(2));
}

#[tokio::test]
async fn what_is_missing_is_said_to_be() {
    let server = server();
    let client = client(&server);
    assert_refused(
        client.get_object().bucket("data").key("k").send().await,
        404,
        "NoSuchKey",
    );
    assert_status(
        client.head_object().bucket("data").key("k").send().await,
        404,
    );
    assert_refused(
        client.get_object().bucket("none").key("k").send().await,
        404,
        "NoSuchBucket",
    );
    assert_refused(
        client.put_object().bucket("none").key("k").send().await,
        404,
        "NoSuchBucket",
    );
    assert_refused(
        client.list_objects_v2().bucket("none").send().await,
        404,
        "NoSuchBucket",
    );
    assert_status(client.head_bucket().bucket("none").send().await, 404);
    client
        .delete_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_copy_has_the_bytes_and_the_metadata_asked_for() {
    let server = server();
    let client = client(&server);
    let put = client
        .put_object()
        .bucket("data")
        .key("from/ a+b")
        .metadata("mode", "1");
    let put = put
        .body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .unwrap();
    let copy = || {
        client
            .copy_object()
            .bucket("data")
            .copy_source("data/from/%20a%2Bb")
    };

    let copied = copy().key("to").send().await.unwrap();
    assert_eq!(copied.copy_object_result().unwrap().e_tag(), put.e_tag());
    assert_eq!(read(&client, "to").await, b"hello");
    let metadata = |key: &str| server.metadata("data", key).unwrap();
    assert_eq!(metadata("to"), [("mode".to_owned(), "1".to_owned())]);

    let replace = copy()
        .key("to")
        .metadata_directive(MetadataDirective::Replace);
    replace.metadata("mode", "2").send().await.unwrap();
    assert_eq!(metadata("to"), [("mode".to_owned(), "2".to_owned())]);

    assert_refused(copy().key("from/ a+b").send().await, 400, "InvalidRequest");
    let onto_itself = copy()
        .key("from/ a+b")
        .metadata_directive(MetadataDirective::Replace);
    onto_itself.metadata("mode", "3").send().await.unwrap();
    assert_eq!(metadata("from/ a+b"), [("mode".to_owned(), "3".to_owned())]);

    let missing = client
        .copy_object()
        .bucket("data")
        .copy_source("data/none")
        .key("to");
    assert_refused(missing.send().await, 404, "NoSuchKey");
    let condition = copy().key("to").copy_source_if_match("\"other\"");
    assert_refused(condition.send().await, 412, "PreconditionFailed");
}

#[tokio::test]
async fn many_keys_are_deleted_at_once() {
    let server = server();
    for key in ["a", "b", "c d"] {
        server.put("data", key, "x");
    }
    let identifier = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder()
        .objects(identifier("a"))
        .objects(identifier("c d"));
    let delete = delete.objects(identifier("missing")).build().unwrap();
    let output = client(&server)
        .delete_objects()
        .bucket("data")
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert_eq!(output.deleted().len(), 3);
    assert!(output.errors().is_empty());
    assert_eq!(server.keys("data"), ["b"]);
}

#[tokio::test]
async fn buckets_are_created_listed_and_deleted() {
    let server = server();
    let client = client(&server);
    client.create_bucket().bucket("more").send().await.unwrap();
    let again = client.create_bucket().bucket("more").send().await;
    assert_refused(again, 409, "BucketAlreadyOwnedByYou");
    let listed = client.list_buckets().send().await.unwrap();
    let names: Vec<_> = listed
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .collect();
    assert_eq!(names, ["data", "more"]);
    server.put("more", "k", "x");
    assert_refused(
        client.delete_bucket().bucket("more").send().await,
        409,
        "BucketNotEmpty",
    );
    assert!(server.delete("more", "k"));
    client.delete_bucket().bucket("more").send().await.unwrap();
    assert_eq!(server.buckets(), ["data"]);
}

#[tokio::test]
async fn an_object_replaced_while_it_is_read_is_read_to_its_end() {
    let server = server();
    let client = client(&server);
    let old = pattern(30_000_000);
    server.put("data", "k", old.clone());
    let got = client
        .get_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
    server.put("data", "k", vec![0; 30_000_000]);
    assert!(got.body.collect().await.unwrap().to_vec() == old);
}

#[tokio::test]
async fn archived_objects_are_described_and_neither_read_nor_copied() {
    let server = server();
    let client = client(&server);
    let class = s3_local::PutOptions::new().storage_class("GLACIER");
    server.put_with("data", "k", "bytes", class);
    let head = client.head_object().bucket("data").key("k").send().await;
    assert_eq!(head.unwrap().content_length(), Some(5));
    let got = client.get_object().bucket("data").key("k").send().await;
    assert_refused(got, 403, "InvalidObjectState");
    let copy = client.copy_object().bucket("data").key("c");
    let copied = copy.copy_source("data/k").send().await;
    assert_refused(copied, 403, "InvalidObjectState");
    let delete = client.delete_object().bucket("data").key("k");
    delete.send().await.unwrap();
}
