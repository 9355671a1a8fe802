//! Directory buckets: sessions, listings, what they refuse, appends and renames.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, StorageClass};
use s3_local::{Operation, Policy, S3Local, Server};

use crate::fixture::{assert_refused, client, config};

const BUCKET: &str = "data--use1-az4--x-s3";

fn server() -> (Server, Client) {
    let server = S3Local::builder().start();
    server.create_bucket(BUCKET);
    let client = client(&server);
    (server, client)
}

fn body(bytes: &'static str) -> ByteStream {
    ByteStream::from_static(bytes.as_bytes())
}

async fn put(client: &Client, key: &str, bytes: &'static str) -> String {
    let put = client.put_object().bucket(BUCKET).key(key);
    let put = put.body(body(bytes)).send().await.unwrap();
    put.e_tag().unwrap().to_owned()
}

#[tokio::test]
async fn requests_are_signed_with_the_keys_of_a_session() {
    let (server, client) = server();
    for _ in 0..3 {
        put(&client, "a", "bytes").await;
    }
    assert_eq!(server.log().count(Operation::CreateSession), 1);
    let requests = server.log().requests();
    let signer = |operation| {
        let mut requests = requests.iter();
        let found = requests.find(|it| it.operation == operation).unwrap();
        found.access_key.clone().unwrap()
    };
    let root = server.access_key_id();
    assert_eq!(signer(Operation::CreateSession), root);
    assert_ne!(signer(Operation::PutObject), root);
    let copy = client.copy_object().bucket(BUCKET).key("b");
    let copy = copy.copy_source(format!("{BUCKET}/a")).send();
    copy.await.unwrap();
    assert_eq!(
        server
            .log()
            .requests()
            .last()
            .unwrap()
            .access_key
            .as_deref(),
        Some(root)
    );
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
}

#[tokio::test]
async fn requests_without_a_session_are_denied() {
    let (server, _) = server();
    let (id, secret) = (server.access_key_id(), server.secret_access_key());
    let credentials = Credentials::new(id, secret, None, None, "test");
    let config = config(&server).disable_s3_express_session_auth(true);
    let client = Client::from_conf(config.credentials_provider(credentials).build());
    let put = client.put_object().bucket(BUCKET).key("a").send().await;
    assert_refused(put, 403, "AccessDenied");
    // It may copy and create sessions.
    client.create_session().bucket(BUCKET).send().await.unwrap();
}

#[tokio::test]
async fn a_session_needs_its_permission_and_may_be_read_only() {
    let reader = Policy::read_write(BUCKET);
    let creator = Policy::new().allow(
        "s3express:CreateSession",
        "arn:aws:s3express:us-east-1:123456789012:bucket/data--use1-az4--x-s3",
    );
    let server = S3Local::builder()
        .access_key("reader", "secret", reader)
        .access_key("creator", "secret", creator)
        .start();
    server.create_bucket(BUCKET);
    let with = |id| crate::fixture::client_with(&server, id, "secret");
    let create = |id| with(id).create_session().bucket(BUCKET);
    assert_refused(create("reader").send().await, 403, "AccessDenied");
    let session = create("creator").session_mode("ReadOnly".into()).send();
    let session = session.await.unwrap().credentials.unwrap();
    let credentials = Credentials::new(
        session.access_key_id(),
        session.secret_access_key(),
        Some(session.session_token().to_owned()),
        None,
        "test",
    );
    let config = config(&server)
        .credentials_provider(credentials.clone())
        .express_credentials_provider(credentials);
    let reading = Client::from_conf(config.build());
    reading
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let put = reading.put_object().bucket(BUCKET).key("a").send().await;
    assert_refused(put, 403, "AccessDenied");
    put_with(&with("creator")).await;
}

async fn put_with(client: &Client) {
    put(client, "k", "bytes").await;
}

#[tokio::test]
async fn sessions_end() {
    let (server, client) = server();
    put(&client, "a", "bytes").await;
    server.end_sessions();
    let refused = client.get_object().bucket(BUCKET).key("a").send().await;
    assert_refused(refused, 400, "ExpiredToken");
    server
        .knobs()
        .set_session_lifetime(Duration::from_millis(1));
    let short = crate::fixture::client(&server);
    // The SDK asks for another session before each request.
    for _ in 0..2 {
        let listed = short.list_objects_v2().bucket(BUCKET).send().await;
        drop(listed);
    }
    assert_eq!(server.log().count(Operation::CreateSession), 3);
}

#[tokio::test]
async fn keys_are_listed_once_and_in_no_order() {
    let (_server, client) = server();
    let mut expected = BTreeSet::new();
    for number in 0..40 {
        put(&client, &format!("d/{number:02}"), "").await;
        put(&client, &format!("d/f{number:02}/x"), "").await;
        expected.extend([format!("d/{number:02}"), format!("d/f{number:02}/")]);
    }
    let upload = client.create_multipart_upload().bucket(BUCKET);
    upload.key("d/uploading/k").send().await.unwrap();
    expected.insert("d/uploading/".to_owned());
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let list = client.list_objects_v2().bucket(BUCKET).prefix("d/");
        let list = list.delimiter("/").max_keys(7);
        let page = list.set_continuation_token(token).send().await.unwrap();
        let objects = page.contents().iter().filter_map(|object| object.key());
        let prefixes = page.common_prefixes().iter().filter_map(|it| it.prefix());
        seen.extend(objects.chain(prefixes).map(str::to_owned));
        token = page.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert!(!seen.is_sorted());
    assert_eq!(seen.len(), expected.len());
    assert_eq!(BTreeSet::from_iter(seen), expected);
}

#[tokio::test]
async fn what_other_buckets_have_is_refused() {
    let (_server, client) = server();
    put(&client, "a", "bytes").await;
    let list = || client.list_objects_v2().bucket(BUCKET);
    assert_refused(list().prefix("a").send().await, 400, "InvalidRequest");
    assert_refused(list().delimiter("-").send().await, 400, "InvalidRequest");
    assert_refused(list().start_after("a").send().await, 501, "NotImplemented");
    list().prefix("a/").delimiter("/").send().await.unwrap();
    let put = || client.put_object().bucket(BUCKET).key("b");
    assert_refused(put().tagging("a=b").send().await, 501, "NotImplemented");
    assert_refused(
        put().acl("private".into()).send().await,
        501,
        "NotImplemented",
    );
    assert_refused(
        put().content_md5("XUFAKrxLKna5cZ2REBfFkg==").send().await,
        501,
        "NotImplemented",
    );
    let class = put().storage_class(StorageClass::StandardIa);
    assert_refused(class.send().await, 400, "InvalidStorageClass");
    put()
        .storage_class(StorageClass::ExpressOnezone)
        .send()
        .await
        .unwrap();
    let tags = client.get_object_tagging().bucket(BUCKET).key("a");
    assert_refused(tags.send().await, 501, "NotImplemented");
    let create = client.create_session().bucket("data");
    assert!(create.send().await.is_err());
}

#[tokio::test]
async fn tags_of_versions_are_no_hashes_and_parts_are_numbered_without_gaps() {
    let (_server, client) = server();
    let first = put(&client, "a", "bytes").await;
    assert_ne!(first, put(&client, "a", "bytes").await);
    let upload = |number: i32| {
        let client = client.clone();
        async move {
            let created = client.create_multipart_upload().bucket(BUCKET).key("m");
            let created = created.send().await.unwrap();
            let id = created.upload_id().unwrap().to_owned();
            let part = client.upload_part().bucket(BUCKET).key("m").upload_id(&id);
            let part = part.part_number(number).body(body("part"));
            let etag = part.send().await.unwrap().e_tag().unwrap().to_owned();
            let part = CompletedPart::builder().part_number(number).e_tag(etag);
            let parts = CompletedMultipartUpload::builder().parts(part.build());
            let complete = client.complete_multipart_upload().bucket(BUCKET).key("m");
            let complete = complete.upload_id(id).multipart_upload(parts.build());
            complete.send().await
        }
    };
    assert_refused(upload(2).await, 400, "InvalidPart");
    upload(1).await.unwrap();
}

#[tokio::test]
async fn bytes_are_appended_at_the_end() {
    let (server, client) = server();
    let first = put(&client, "log", "one,").await;
    let append = |offset| {
        let append = client.put_object().bucket(BUCKET).key("log");
        append.write_offset_bytes(offset)
    };
    let wrong = append(3).body(body("two")).send().await;
    assert_refused(wrong, 400, "InvalidWriteOffset");
    let second = append(4).if_match(&first).body(body("two")).send().await;
    let second = second.unwrap();
    assert_ne!(second.e_tag(), Some(first.as_str()));
    let stale = append(7).if_match(&first).body(body("x")).send().await;
    assert_refused(stale, 412, "PreconditionFailed");
    assert_refused(append(7).send().await, 400, "InvalidRequest");
    assert_eq!(server.get(BUCKET, "log").unwrap(), "one,two");
    server.create_bucket("data");
    let general = client.put_object().bucket("data").key("log");
    let general = general.write_offset_bytes(0).body(body("x")).send().await;
    assert_refused(general, 501, "NotImplemented");
}

#[tokio::test]
async fn an_object_is_renamed_once() {
    let (server, client) = server();
    let etag = put(&client, "d/a b", "bytes").await;
    let rename = |token: &str| {
        let rename = client.rename_object().bucket(BUCKET).key("e/ü");
        rename.rename_source("d/a%20b").client_token(token)
    };
    let stale = rename("1").source_if_match("\"0\"").send().await;
    assert_refused(stale, 412, "PreconditionFailed");
    let renamed = rename("1")
        .source_if_match(&etag)
        .destination_if_none_match("*");
    renamed.send().await.unwrap();
    rename("1").send().await.unwrap();
    assert_refused(rename("2").send().await, 404, "NoSuchKey");
    assert_eq!(server.keys(BUCKET), ["e/ü"]);
    let head = client.head_object().bucket(BUCKET).key("e/ü");
    assert_eq!(head.send().await.unwrap().e_tag(), Some(etag.as_str()));
    put(&client, "f", "other").await;
    let onto = client.rename_object().bucket(BUCKET).key("f");
    let onto = onto
        .rename_source("e/%C3%BC")
        .destination_if_none_match("*");
    assert_refused(onto.send().await, 412, "PreconditionFailed");
    let marker = client.rename_object().bucket(BUCKET).key("g/");
    let marker = marker.rename_source("f").send().await;
    assert_refused(marker, 400, "InvalidRequest");
}
