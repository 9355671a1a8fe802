//! Tests of requests to a server: presigned ones, and those with conditions.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use s3_local::{BucketOptions, Quirk, S3Local};

use crate::object::{Headers, Key};
use crate::store::served::{connected, server};
use crate::store::{Body, Capability, Precondition};

/// Returns the answer to a GET without headers but `Host`.
fn plain_get(url: &str) -> String {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    write!(
        connection,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_presigned_url_needs_no_headers() {
    let server = S3Local::builder().start();
    server.create_bucket_with("data", BucketOptions::new().requester_pays());
    server.put("data", "k", "the bytes");
    for owner in [None, Some("123456789012".to_owned())] {
        let bucket = connected(&server, |config| {
            config.requester_pays = true;
            config.expected_bucket_owner.clone_from(&owner);
        });
        let bucket = bucket.await;
        let valid = Duration::from_mins(1);
        let key = Key::new("k");
        let url = bucket.single().presigned_get(&key, valid).await.unwrap();
        let answer = plain_get(&url);
        assert!(answer.starts_with("HTTP/1.1 200"), "{url} {answer}");
        assert!(answer.ends_with("the bytes"), "{answer}");
        assert!(!url.contains("agent"), "{url}");
        let named = owner.is_some();
        assert_eq!(url.contains("x-amz-expected-bucket-owner=1234"), named);
    }
}

#[tokio::test]
async fn conditions_are_given_up_only_if_a_plain_request_succeeds() {
    let server = server();
    let bucket = connected(&server, |_| {}).await;
    let store = bucket.single();
    let put = async || {
        let (key, body) = (Key::new("k"), Body::memory(Bytes::from_static(b"bytes")));
        let (headers, absent) = (Headers::default(), Precondition::Absent);
        store.put_if(&key, &body, &headers, &absent).await
    };
    server.knobs().set_quirk(Quirk::NoConditionalWrites, true);
    server.knobs().set_quirk(Quirk::QuotaExceeded, true);
    put().await.unwrap_err();
    assert!(store.capabilities.has(Capability::ConditionalPut));
    server.knobs().set_quirk(Quirk::QuotaExceeded, false);
    put().await.unwrap();
    assert!(!store.capabilities.has(Capability::ConditionalPut));
}
