//! The quirks of other servers.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use s3_local::{Quirk, Server};

use crate::fixture::{anonymous_get, assert_refused, client, read, server};

fn with(quirk: Quirk) -> (Server, Client) {
    let server = server();
    server.knobs().set_quirk(quirk, true);
    let client = client(&server);
    (server, client)
}

#[tokio::test]
async fn conditional_writes_are_refused_and_others_are_not() {
    let (_server, client) = with(Quirk::NoConditionalWrites);
    let put = || client.put_object().bucket("data").key("k");
    let refused = put().if_none_match("*").send().await;
    assert_refused(refused, 501, "NotImplemented");
    put().send().await.unwrap();
}

#[tokio::test]
async fn a_request_without_a_length_is_refused() {
    let (server, client) = with(Quirk::LengthRequired);
    server.put("data", "k", "bytes");
    let copy = || {
        let copy = client.copy_object().bucket("data").key("c");
        copy.copy_source("data/k").customize()
    };
    assert_refused(copy().send().await, 411, "MissingContentLength");
    let with_length = copy().mutate_request(|request| {
        request.headers_mut().insert("content-length", "0");
    });
    with_length.send().await.unwrap();
}

/// Uploads an object in one part if the key is free; returns whether it was stored.
async fn upload(client: &Client, key: &str) -> bool {
    let begun = client.create_multipart_upload().bucket("data").key(key);
    let id = begun.send().await.unwrap().upload_id.unwrap();
    let part = client.upload_part().bucket("data").key(key).upload_id(&id);
    let part = part.part_number(1).body(ByteStream::from_static(b"new"));
    let tag = part.send().await.unwrap().e_tag.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(tag).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let done = client.complete_multipart_upload().bucket("data").key(key);
    let done = done.upload_id(id).multipart_upload(parts);
    done.if_none_match("*").send().await.is_ok()
}

#[tokio::test]
async fn a_completion_may_ignore_its_condition() {
    let (server, client) = with(Quirk::UncheckedCompletion);
    server.put("data", "k", "old");
    assert!(upload(&client, "k").await);
    assert_eq!(read(&client, "k").await, b"new");
    server.knobs().reset();
    assert!(!upload(&client, "k").await);
}

#[tokio::test]
async fn the_condition_of_a_copy_fails_for_objects_of_parts() {
    let (server, client) = with(Quirk::CopyConditionOfParts);
    upload(&client, "parts").await;
    server.put("data", "whole", "bytes");
    for (key, is_taken) in [("parts", false), ("whole", true)] {
        let head = client.head_object().bucket("data").key(key).send().await;
        let etag = head.unwrap().e_tag.unwrap();
        let copy = client.copy_object().bucket("data").key("copy");
        let copy = copy.copy_source(format!("data/{key}"));
        let copied = copy.copy_source_if_match(etag).send().await;
        assert_eq!(copied.is_ok(), is_taken, "{key}: {copied:?}");
    }
}

#[tokio::test]
async fn parts_may_be_few() {
    let (_server, client) = with(Quirk::FewParts);
    let begun = client.create_multipart_upload().bucket("data").key("k");
    let id = begun.send().await.unwrap().upload_id.unwrap();
    let part = |number| {
        let part = client.upload_part().bucket("data").key("k").upload_id(&id);
        part.part_number(number).send()
    };
    part(1000).await.unwrap();
    assert_refused(part(1001).await, 400, "InvalidArgument");
}

#[tokio::test]
async fn markers_may_be_refused_or_not_be_copied() {
    let (server, client) = with(Quirk::NoMarkers);
    let put = client.put_object().bucket("data").key("d/").send().await;
    assert_refused(put, 400, "InvalidArgument");
    server.knobs().reset();
    server.knobs().set_quirk(Quirk::NoMarkerCopies, true);
    server.put("data", "d/", "");
    let copy = client.copy_object().bucket("data").key("e/");
    let copied = copy.copy_source("data/d/").send().await;
    assert_refused(copied, 404, "NoSuchKey");
}

#[tokio::test]
async fn an_unsigned_request_may_get_an_answer_that_is_not_s3() {
    let (server, _) = with(Quirk::UnsignedIsNotS3);
    let answer = anonymous_get(&server, "/data/k").unwrap();
    assert!(answer.starts_with("HTTP/1.1 412 "), "{answer}");
    assert!(answer.ends_with("Bad URL"), "{answer}");
}

#[tokio::test]
async fn a_quota_may_be_exceeded() {
    let (_server, client) = with(Quirk::QuotaExceeded);
    let put = client.put_object().bucket("data").key("k").send().await;
    assert_refused(put, 403, "QuotaExceeded");
}

#[tokio::test]
async fn an_upload_without_a_digest_is_refused() {
    let (_server, client) = with(Quirk::DigestRequired);
    let put = || client.put_object().bucket("data").key("k");
    assert_refused(put().send().await, 400, "InvalidRequest");
    // That of no bytes.
    put()
        .content_md5("1B2M2Y8AsgTpgAmY7PhCfg==")
        .send()
        .await
        .unwrap();
    put().checksum_crc32("AAAAAA==").send().await.unwrap();
}

#[tokio::test]
async fn a_checksum_is_refused() {
    let (_server, client) = with(Quirk::NoChecksums);
    let put = || client.put_object().bucket("data").key("k");
    let refused = put().checksum_crc32("AAAAAA==").send().await;
    assert_refused(refused, 501, "NotImplemented");
    put().send().await.unwrap();
}

#[tokio::test]
async fn a_condition_is_refused_by_its_name() {
    let (_server, client) = with(Quirk::UnknownConditions);
    let put = || client.put_object().bucket("data").key("k");
    let refused = put().if_none_match("*").send().await;
    assert_refused(refused, 400, "InvalidArgument");
    put().send().await.unwrap();
}

#[tokio::test]
async fn a_page_may_be_empty_though_others_follow() {
    let (server, client) = with(Quirk::ShortPages);
    server.put("data", "a", "");
    server.put("data", "b", "");
    let (mut sizes, mut token) = (Vec::new(), None);
    loop {
        let list = client.list_objects_v2().bucket("data");
        let page = list.set_continuation_token(token).send().await.unwrap();
        sizes.push(page.contents().len());
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [0, 1, 1]);
}
