//! Keys, policies, public and requester-pays buckets.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier, RequestPayer};
use s3_local::{BucketOptions, Error, Policy, S3Local, Server};

use crate::fixture::{
    anonymous_get, assert_refused, assert_status, client, client_with, config, server,
};

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_key_are_told_apart() {
    let server = server();
    let wrong = client_with(&server, server.access_key_id(), "wrong");
    let get = wrong.get_object().bucket("data").key("k").send().await;
    assert_refused(get, 403, "SignatureDoesNotMatch");
    assert_status(wrong.head_bucket().bucket("data").send().await, 403);
    let unknown = client_with(&server, "AKIANOBODY", "wrong");
    let get = unknown.get_object().bucket("data").key("k").send().await;
    assert_refused(get, 403, "InvalidAccessKeyId");
    let large = wrong
        .put_object()
        .bucket("data")
        .key("k")
        .body(ByteStream::from(vec![0; 9_000_000]));
    assert_refused(large.send().await, 403, "SignatureDoesNotMatch");
}

/// Code of a refusal by a policy.
const DENIED: &str = "AccessDenied";

/// A server with a key for each kind of policy, and a bucket that some of them are about.
fn guarded() -> Server {
    let getter = Policy::new().allow("s3:GetObject", "data/open/*");
    let home = Policy::new().allow_listing("data", "home/*");
    let server = S3Local::builder()
        .access_key("READER", "secret", Policy::read_only("data"))
        .access_key("WRITER", "secret", Policy::read_write("data"))
        .access_key("GETTER", "secret", getter)
        .access_key("HOME", "secret", home)
        .start();
    server.create_bucket("data");
    server.create_bucket("other");
    server.put("data", "open/k", "x");
    server.put("data", "shut", "x");
    server
}

#[tokio::test]
async fn a_reader_reads_and_learns_what_is_missing() {
    let server = guarded();
    let reader = client_with(&server, "READER", "secret");
    reader
        .get_object()
        .bucket("data")
        .key("shut")
        .send()
        .await
        .unwrap();
    reader
        .list_objects_v2()
        .bucket("data")
        .send()
        .await
        .unwrap();
    reader.head_bucket().bucket("data").send().await.unwrap();
    assert_refused(
        reader.get_object().bucket("data").key("no").send().await,
        404,
        "NoSuchKey",
    );
}

#[tokio::test]
async fn a_reader_changes_nothing_and_sees_no_other_bucket() {
    let server = guarded();
    let reader = client_with(&server, "READER", "secret");
    assert_refused(
        reader.put_object().bucket("data").key("k").send().await,
        403,
        DENIED,
    );
    assert_refused(
        reader
            .delete_object()
            .bucket("data")
            .key("shut")
            .send()
            .await,
        403,
        DENIED,
    );
    let create = reader
        .create_multipart_upload()
        .bucket("data")
        .key("k")
        .send()
        .await;
    assert_refused(create, 403, DENIED);
    let copy = reader
        .copy_object()
        .bucket("data")
        .key("k")
        .copy_source("data/shut")
        .send()
        .await;
    assert_refused(copy, 403, DENIED);
    assert_refused(
        reader.list_objects_v2().bucket("other").send().await,
        403,
        DENIED,
    );
    assert_refused(reader.list_buckets().send().await, 403, DENIED);
    let identifier = ObjectIdentifier::builder().key("shut").build().unwrap();
    let delete = Delete::builder().objects(identifier).build().unwrap();
    let output = reader
        .delete_objects()
        .bucket("data")
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert_eq!(output.errors()[0].code(), Some(DENIED));
}

#[tokio::test]
async fn a_policy_for_some_keys_is_for_these_alone() {
    let server = guarded();
    let getter = client_with(&server, "GETTER", "secret");
    getter
        .get_object()
        .bucket("data")
        .key("open/k")
        .send()
        .await
        .unwrap();
    assert_refused(
        getter.get_object().bucket("data").key("shut").send().await,
        403,
        DENIED,
    );
    // Without the permission to list, a missing key is not reported as missing.
    assert_refused(
        getter
            .get_object()
            .bucket("data")
            .key("open/no")
            .send()
            .await,
        403,
        DENIED,
    );
}

#[tokio::test]
async fn a_policy_for_a_prefix_lists_it_alone() {
    let server = guarded();
    let home = client_with(&server, "HOME", "secret");
    home.list_objects_v2()
        .bucket("data")
        .prefix("home/me/")
        .send()
        .await
        .unwrap();
    let all = home.list_objects_v2().bucket("data").send().await;
    assert_refused(all, 403, DENIED);
}

#[tokio::test]
async fn a_writer_writes_in_its_bucket_alone() {
    let server = guarded();
    let writer = client_with(&server, "WRITER", "secret");
    writer
        .put_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
    let copy = writer
        .copy_object()
        .bucket("data")
        .key("k")
        .copy_source("other/k")
        .send()
        .await;
    assert_refused(copy, 403, DENIED);
    let id = writer
        .create_multipart_upload()
        .bucket("data")
        .key("m")
        .send()
        .await
        .unwrap();
    let abort = writer.abort_multipart_upload().bucket("data").key("m");
    abort.set_upload_id(id.upload_id).send().await.unwrap();
    writer
        .delete_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_refused(
        writer.delete_bucket().bucket("other").send().await,
        403,
        DENIED,
    );
    assert_eq!(server.keys("data"), ["open/k", "shut"]);
}

#[test]
fn a_misspelt_action_is_an_error_at_the_start() {
    let policy = Policy::new().allow("s3:GetObjects", "*");
    let error = S3Local::builder()
        .access_key("K", "secret", policy)
        .try_start()
        .unwrap_err();
    assert!(matches!(&error, Error::UnknownAction { access_key, .. } if access_key == "K"));
    assert!(!format!("{error:?} {error}").contains("secret"));
}

#[tokio::test]
async fn temporary_credentials_need_their_token() {
    let builder = S3Local::builder();
    let server = builder
        .temporary_key("TEMP", "secret", "token", Policy::allow_all())
        .start();
    server.create_bucket("data");
    let get = |token: Option<&str>| {
        let credentials = Credentials::new("TEMP", "secret", token.map(Into::into), None, "test");
        let client = Client::from_conf(config(&server).credentials_provider(credentials).build());
        async move { client.list_objects_v2().bucket("data").send().await }
    };
    get(Some("token")).await.unwrap();
    assert_refused(get(Some("other")).await, 400, "InvalidToken");
    assert_refused(get(None).await, 400, "InvalidToken");
}

#[tokio::test]
async fn a_public_bucket_is_read_without_credentials_and_not_written() {
    let server = server();
    server.create_bucket_with("public", BucketOptions::new().public_read());
    server.put("public", "a b", "hello");
    server.put("data", "k", "hello");
    let answer = anonymous_get(&server, "/public/a%20b").unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhello"),
        "{answer}"
    );
    assert!(
        anonymous_get(&server, "/public?list-type=2")
            .unwrap()
            .contains("<Key>a b</Key>")
    );
    assert!(
        anonymous_get(&server, "/public/none")
            .unwrap()
            .contains("NoSuchKey")
    );
    assert!(
        anonymous_get(&server, "/data/k")
            .unwrap()
            .contains("AccessDenied")
    );
    assert!(
        anonymous_get(&server, "/data")
            .unwrap()
            .contains("AccessDenied")
    );
    assert!(
        anonymous_get(&server, "/")
            .unwrap()
            .contains("AccessDenied")
    );

    let anonymous = Client::from_conf(config(&server).allow_no_auth().build());
    anonymous
        .get_object()
        .bucket("public")
        .key("a b")
        .send()
        .await
        .unwrap();
    let put = anonymous
        .put_object()
        .bucket("public")
        .key("k")
        .send()
        .await;
    assert_refused(put, 403, "AccessDenied");
    let delete = anonymous
        .delete_object()
        .bucket("public")
        .key("a b")
        .send()
        .await;
    assert_refused(delete, 403, "AccessDenied");
}

#[tokio::test]
async fn the_requester_must_agree_to_pay() {
    let server = server();
    server.create_bucket_with("paid", BucketOptions::new().requester_pays());
    server.put("paid", "k", "x");
    let client = client(&server);
    let get = || client.get_object().bucket("paid").key("k");
    assert_refused(get().send().await, 403, "AccessDenied");
    get()
        .request_payer(RequestPayer::Requester)
        .send()
        .await
        .unwrap();
    assert_refused(
        client.list_objects_v2().bucket("paid").send().await,
        403,
        "AccessDenied",
    );
}
