//! Copies: preserved metadata, and conditions.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::MetadataDirective;

use crate::fixture::{assert_refused, client, read, server};

fn copy(client: &Client, from: &str, to: &str) -> CopyObjectFluentBuilder {
    let copy = client.copy_object().bucket("data").key(to);
    copy.copy_source(format!("data/{from}"))
}

async fn put(client: &Client, key: &str) -> String {
    let put = client.put_object().bucket("data").key(key);
    let put = put.content_type("text/css").cache_control("no-store");
    let put = put.metadata("mode", "1").metadata("other", "x");
    let put = put.body(ByteStream::from_static(b"hello")).send().await;
    put.unwrap().e_tag.unwrap()
}

#[tokio::test]
async fn replacing_the_metadata_replaces_all_of_it_and_keeps_the_etag() {
    let server = server();
    let client = client(&server);
    let etag = put(&client, "k").await;
    let replace = copy(&client, "k", "k")
        .metadata_directive(MetadataDirective::Replace)
        .metadata("mode", "2");
    let copied = replace.send().await.unwrap();
    let copied = copied.copy_object_result().unwrap();
    assert_eq!(copied.e_tag(), Some(&*etag));
    let head = client.head_object().bucket("data").key("k");
    let head = head.send().await.unwrap();
    assert_eq!(head.e_tag(), Some(&*etag));
    assert_eq!(head.content_type(), Some("binary/octet-stream"));
    assert_eq!(head.cache_control(), None);
    let metadata = head.metadata().unwrap();
    assert_eq!((metadata.len(), &*metadata["mode"]), (1, "2"));
    assert_eq!(read(&client, "k").await, b"hello");
}

#[tokio::test]
async fn keeping_the_metadata_takes_no_notice_of_what_is_given() {
    let server = server();
    let client = client(&server);
    put(&client, "from").await;
    for directive in [None, Some(MetadataDirective::Copy)] {
        let keep = copy(&client, "from", "to").set_metadata_directive(directive);
        let keep = keep.metadata("mode", "2").content_type("text/html");
        keep.send().await.unwrap();
        let head = client.head_object().bucket("data").key("to");
        let head = head.send().await.unwrap();
        assert_eq!(head.content_type(), Some("text/css"));
        assert_eq!(head.cache_control(), Some("no-store"));
        assert_eq!(head.metadata().unwrap()["mode"], "1");
    }
}

#[tokio::test]
async fn conditions_on_the_source_hold_or_no_copy_is_made() {
    let server = server();
    let client = client(&server);
    let etag = put(&client, "from").await;
    let head = client.head_object().bucket("data").key("from");
    let modified = *head.send().await.unwrap().last_modified().unwrap();
    let earlier = DateTime::from_secs(modified.secs() - 1);
    let to = || copy(&client, "from", "to");
    for refused in [
        to().copy_source_if_match("\"other\""),
        to().copy_source_if_none_match(&etag),
        to().copy_source_if_unmodified_since(earlier),
        to().copy_source_if_modified_since(modified),
    ] {
        assert_refused(refused.send().await, 412, "PreconditionFailed");
    }
    assert_eq!(server.keys("data"), ["from"]);
    for made in [
        to().copy_source_if_match(&etag),
        to().copy_source_if_none_match("\"other\""),
        to().copy_source_if_match(&etag)
            .copy_source_if_unmodified_since(earlier),
        to().copy_source_if_modified_since(earlier),
    ] {
        made.send().await.unwrap();
    }
}

#[tokio::test]
async fn conditions_on_the_target_hold_or_nothing_is_replaced() {
    let server = server();
    let client = client(&server);
    put(&client, "from").await;
    let to = || copy(&client, "from", "to");
    assert_refused(to().if_match("\"x\"").send().await, 404, "NoSuchKey");
    to().if_none_match("*").send().await.unwrap();
    let etag = format!("\"{}\"", server.put("data", "to", "kept"));
    for refused in [to().if_none_match("*"), to().if_match("\"other\"")] {
        assert_refused(refused.send().await, 412, "PreconditionFailed");
    }
    assert_eq!(read(&client, "to").await, b"kept");
    to().if_match(etag).send().await.unwrap();
    assert_eq!(read(&client, "to").await, b"hello");
}
