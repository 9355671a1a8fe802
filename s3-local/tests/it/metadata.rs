//! Headers and user metadata stored with objects.

use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, MetadataDirective};

use crate::fixture::{assert_refused, client, server};

/// Maximum size of user metadata that S3 stores, in bytes: names and values together.
const LIMIT: usize = 2048;

/// Returns type and metadata of an object; asserts that every kind of read returns the same.
async fn described(client: &Client, key: &str) -> (String, HashMap<String, String>) {
    let head = client.head_object().bucket("data").key(key);
    let head = head.send().await.unwrap();
    for range in [None, Some("bytes=0-0".to_owned())] {
        let get = client.get_object().bucket("data").key(key);
        let got = get.set_range(range).send().await.unwrap();
        assert_eq!(got.metadata(), head.metadata());
        assert_eq!(got.content_type(), head.content_type());
        assert_eq!(got.last_modified(), head.last_modified());
    }
    let content_type = head.content_type().unwrap().to_owned();
    (content_type, head.metadata.unwrap_or_default())
}

#[tokio::test]
async fn every_way_to_store_keeps_it_and_every_way_to_ask_tells_it() {
    let server = server();
    let client = client(&server);
    let metadata = HashMap::from([
        ("mode".to_owned(), "0100644".to_owned()),
        (
            "xattr".to_owned(),
            "%7B%22user.a%22%3A%22YQ%3D%3D%22%7D".to_owned(),
        ),
        ("list".to_owned(), "a, b; c=\"d\"".to_owned()),
    ]);
    let put = client.put_object().bucket("data").key("put");
    put.content_type("text/css")
        .set_metadata(Some(metadata.clone()))
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    let create = client.create_multipart_upload().bucket("data").key("parts");
    let create = create.content_type("text/css");
    let create = create.set_metadata(Some(metadata.clone())).send().await;
    complete(&client, "parts", create.unwrap().upload_id().unwrap()).await;
    let copy = client.copy_object().bucket("data").key("copy");
    copy.copy_source("data/parts").send().await.unwrap();
    for key in ["put", "parts", "copy"] {
        let expected = ("text/css".to_owned(), metadata.clone());
        assert_eq!(described(&client, key).await, expected, "{key}");
    }
}

/// Completes an upload of one part as an object.
async fn complete(client: &Client, key: &str, id: &str) {
    let part = client.upload_part().bucket("data").key(key).upload_id(id);
    let part = part.part_number(1).body(ByteStream::from_static(b"x"));
    let etag = part.send().await.unwrap().e_tag.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = client.complete_multipart_upload().bucket("data").key(key);
    let complete = complete.upload_id(id).multipart_upload(parts);
    complete.send().await.unwrap();
}

#[tokio::test]
async fn an_object_that_is_stored_again_has_none_of_the_old_metadata() {
    let server = server();
    let client = client(&server);
    let put = || {
        let put = client.put_object().bucket("data").key("k");
        put.body(ByteStream::from_static(b"x"))
    };
    put().metadata("a", "1").send().await.unwrap();
    put().metadata("b", "2").send().await.unwrap();
    let (_, metadata) = described(&client, "k").await;
    assert_eq!(metadata, HashMap::from([("b".to_owned(), "2".to_owned())]));
}

#[tokio::test]
async fn it_has_a_limit_by_every_way_to_store() {
    let server = server();
    let client = client(&server);
    server.put("data", "from", "x");
    // With the name, exactly the limit and one byte more.
    for (length, fits) in [(LIMIT - 4, true), (LIMIT - 3, false)] {
        let value = "x".repeat(length);
        let put = client.put_object().bucket("data").key("put");
        let put = put.metadata("name", &value).send().await;
        let create = client.create_multipart_upload().bucket("data").key("k");
        let create = create.metadata("name", &value).send().await;
        let copy = client.copy_object().bucket("data").key("copy");
        let copy = copy.copy_source("data/from").metadata("name", &value);
        let replace = copy.metadata_directive(MetadataDirective::Replace);
        let copy = replace.send().await;
        if fits {
            put.unwrap();
            create.unwrap();
            copy.unwrap();
        } else {
            assert_refused(put, 400, "MetadataTooLarge");
            assert_refused(create, 400, "MetadataTooLarge");
            assert_refused(copy, 400, "MetadataTooLarge");
        }
    }
}
