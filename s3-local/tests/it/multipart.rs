//! Multipart uploads.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::fixture::{assert_refused, client, pattern, read, server};

const PART: usize = 5 * 1024 * 1024;

async fn create(client: &Client, key: &str) -> String {
    let created = client.create_multipart_upload().bucket("data").key(key);
    let created = created
        .content_type("text/plain")
        .metadata("mode", "1")
        .send()
        .await
        .unwrap();
    created.upload_id().unwrap().to_owned()
}

async fn upload(
    client: &Client,
    key: &str,
    id: &str,
    number: i32,
    bytes: Vec<u8>,
) -> CompletedPart {
    let part = client
        .upload_part()
        .bucket("data")
        .key(key)
        .upload_id(id)
        .part_number(number);
    let part = part.body(ByteStream::from(bytes)).send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(part.e_tag)
        .build()
}

fn parts(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts.to_vec()))
        .build()
}

#[tokio::test]
async fn parts_become_an_object() {
    let server = server();
    let client = client(&server);
    let bytes = pattern(2 * PART + 10);
    let id = create(&client, "k").await;
    // Out of order, and the second one twice: the last upload of a number counts.
    let third = upload(&client, "k", &id, 9, bytes[2 * PART..].to_vec()).await;
    upload(&client, "k", &id, 2, vec![0; PART]).await;
    let second = upload(&client, "k", &id, 2, bytes[PART..2 * PART].to_vec()).await;
    let first = upload(&client, "k", &id, 1, bytes[..PART].to_vec()).await;

    assert_eq!(server.incomplete_uploads("data"), ["k"]);
    let listed = client
        .list_multipart_uploads()
        .bucket("data")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.uploads()[0].upload_id(), Some(id.as_str()));
    let listed = client
        .list_parts()
        .bucket("data")
        .key("k")
        .upload_id(&id)
        .max_parts(2);
    let listed = listed.send().await.unwrap();
    let sizes: Vec<_> = listed
        .parts()
        .iter()
        .map(|part| (part.part_number().unwrap(), part.size().unwrap()))
        .collect();
    let size = i64::try_from(PART).unwrap();
    assert_eq!(sizes, [(1, size), (2, size)]);
    assert_eq!(listed.next_part_number_marker(), Some("2"));
    assert!(
        server.keys("data").is_empty(),
        "nothing is visible before the end"
    );

    let complete = client
        .complete_multipart_upload()
        .bucket("data")
        .key("k")
        .upload_id(&id);
    let complete = complete.multipart_upload(parts(&[first, second, third]));
    let completed = complete.clone().send().await.unwrap();
    assert!(completed.e_tag().unwrap().ends_with("-3\""));
    assert!(read(&client, "k").await == bytes);
    let head = client
        .head_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(head.e_tag(), completed.e_tag());
    assert_eq!(head.content_type(), Some("text/plain"));
    assert_eq!(head.metadata().unwrap()["mode"], "1");
    assert!(server.incomplete_uploads("data").is_empty());
    assert_refused(complete.send().await, 404, "NoSuchUpload");
}

#[tokio::test]
async fn a_small_part_before_the_last_is_refused() {
    let server = server();
    let client = client(&server);
    let id = create(&client, "k").await;
    let first = upload(&client, "k", &id, 1, vec![0; PART - 1]).await;
    let second = upload(&client, "k", &id, 2, vec![0; 1]).await;
    let complete = |list: &[CompletedPart]| {
        let complete = client
            .complete_multipart_upload()
            .bucket("data")
            .key("k")
            .upload_id(&id);
        complete.multipart_upload(parts(list)).send()
    };
    let both = [first.clone(), second.clone()];
    assert_refused(complete(&both).await, 400, "EntityTooSmall");
    assert_refused(
        complete(&[second, first.clone()]).await,
        400,
        "InvalidPartOrder",
    );
    let other = CompletedPart::builder()
        .part_number(1)
        .e_tag("\"x\"")
        .build();
    assert_refused(complete(&[other]).await, 400, "InvalidPart");
    complete(&[first]).await.unwrap();
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let server = server();
    let client = client(&server);
    let id = create(&client, "k").await;
    upload(&client, "k", &id, 1, vec![0; 10]).await;
    let abort = client
        .abort_multipart_upload()
        .bucket("data")
        .key("k")
        .upload_id(&id);
    abort.clone().send().await.unwrap();
    assert!(server.incomplete_uploads("data").is_empty());
    assert_refused(abort.send().await, 404, "NoSuchUpload");
    let part = client
        .upload_part()
        .bucket("data")
        .key("k")
        .upload_id(&id)
        .part_number(1);
    assert_refused(part.send().await, 404, "NoSuchUpload");
    let part = client
        .upload_part()
        .bucket("data")
        .key("k")
        .upload_id(create(&client, "k").await);
    assert_refused(
        part.part_number(10_001).send().await,
        400,
        "InvalidArgument",
    );
}

#[tokio::test]
async fn completion_may_be_conditional() {
    let server = server();
    let client = client(&server);
    server.put("data", "k", "old");
    let id = create(&client, "k").await;
    let part = upload(&client, "k", &id, 1, b"new".to_vec()).await;
    let complete = || {
        let complete = client
            .complete_multipart_upload()
            .bucket("data")
            .key("k")
            .upload_id(&id);
        complete.multipart_upload(parts(std::slice::from_ref(&part)))
    };
    assert_refused(
        complete().if_none_match("*").send().await,
        412,
        "PreconditionFailed",
    );
    assert_refused(
        complete().if_match("\"x\"").send().await,
        412,
        "PreconditionFailed",
    );
    assert_eq!(read(&client, "k").await, b"old");
    let etag = format!("\"{}\"", server.etag("data", "k").unwrap());
    complete().if_match(etag).send().await.unwrap();
    assert_eq!(read(&client, "k").await, b"new");
}

#[tokio::test]
async fn parts_may_be_copied_from_objects() {
    let server = server();
    let client = client(&server);
    let bytes = pattern(2 * PART);
    server.put("data", "from", bytes.clone());
    let id = create(&client, "k").await;
    let copy = |number: i32, range: &str| {
        let copy = client
            .upload_part_copy()
            .bucket("data")
            .key("k")
            .upload_id(&id);
        copy.part_number(number)
            .copy_source("data/from")
            .copy_source_range(range)
            .send()
    };
    let past_the_end = format!("bytes=0-{}", 2 * PART);
    assert_refused(copy(1, &past_the_end).await, 400, "InvalidArgument");
    let range = format!("bytes=7-{}", PART + 6);
    let copied = copy(1, &range).await.unwrap();
    let etag = copied.copy_part_result().unwrap().e_tag().unwrap();
    let first = CompletedPart::builder().part_number(1).e_tag(etag).build();
    let second = upload(&client, "k", &id, 2, b"end".to_vec()).await;
    let complete = client
        .complete_multipart_upload()
        .bucket("data")
        .key("k")
        .upload_id(&id);
    let completed = complete
        .multipart_upload(parts(&[first, second]))
        .send()
        .await
        .unwrap();
    assert!(read(&client, "k").await == [&bytes[7..PART + 7], b"end"].concat());

    // A copy of a multipart object is an object of one part.
    let copied = client
        .copy_object()
        .bucket("data")
        .copy_source("data/k")
        .key("l")
        .send();
    let copied = copied
        .await
        .unwrap()
        .copy_object_result()
        .unwrap()
        .e_tag()
        .unwrap()
        .to_owned();
    assert_ne!(Some(copied.as_str()), completed.e_tag());
    assert!(!copied.contains('-'));
    assert!(read(&client, "l").await == read(&client, "k").await);
}
