//! Sessions on a server of directory buckets.

use s3_local::{Operation, Server};
use stub_test_support::served;

use super::*;
use crate::config::MountConfig;
use crate::object::{BucketName, Encryption, EncryptionAlgorithm, Headers, Key};
use crate::store::s3::Bucket;
use crate::store::served::connected;
use crate::store::{Body, Precondition, Store, StoreError, StoreErrorKind};

const BUCKET: &str = "data--use1-az4--x-s3";

async fn bucket(server: &Server) -> Bucket {
    let change = |config: &mut MountConfig| config.bucket = BucketName::new(BUCKET).unwrap();
    connected(server, change).await
}

async fn put(store: &Bucket, key: &str) -> Result<(), StoreError> {
    let body = Body::memory("bytes".into());
    let (key, headers) = (Key::new(key), Headers::default());
    let put = store.put(&key, body, &headers, &Precondition::None);
    put.await.map(drop)
}

#[tokio::test]
async fn a_session_serves_many_requests_and_another_follows_its_refusal() {
    let server = served(BUCKET, &[]);
    let store = bucket(&server).await;
    for key in ["a", "b", "c"] {
        put(&store, key).await.unwrap();
    }
    assert_eq!(server.log().count(Operation::CreateSession), 1);
    server.end_sessions();
    put(&store, "d").await.unwrap();
    assert_eq!(server.log().count(Operation::CreateSession), 2);
    server.end_sessions();
    // The answer to HEAD has no code.
    store.head(&Key::new("d")).await.unwrap();
    assert_eq!(server.log().count(Operation::CreateSession), 3);
}

#[tokio::test]
async fn requests_share_a_session() {
    let server = served(BUCKET, &[]);
    let store = bucket(&server).await;
    server.end_sessions();
    let keys: Vec<_> = (0..32).map(|number| number.to_string()).collect();
    let puts = keys.iter().map(|key| put(&store, key));
    for stored in futures_util::future::join_all(puts).await {
        stored.unwrap();
    }
    assert_eq!(server.keys(BUCKET).len(), 32);
    // Requests that were on their way with the old session may follow each other.
    let created = server.log().count(Operation::CreateSession);
    assert!((2..=5).contains(&created), "{created}");
}

#[tokio::test]
async fn a_refusal_to_create_a_session_is_told_by_its_reason() {
    let server = served(BUCKET, &[]);
    let store = bucket(&server).await;
    server.end_sessions();
    server.revoke_key(server.access_key_id());
    let error = put(&store, "a").await.unwrap_err();
    assert!(
        matches!(error.kind, StoreErrorKind::BadCredentials(_)),
        "{error}"
    );
    assert!(error.to_string().contains("CreateSession"), "{error}");
    assert!(!error.is_unknown(), "nothing was sent");
}

fn encrypted(key_id: &str) -> Encryption {
    Encryption {
        key_id: Some(key_id.into()),
        ..Encryption::new(EncryptionAlgorithm::Kms)
    }
}

async fn encrypting(server: &Server, encryption: Option<Encryption>) -> Bucket {
    let change = |config: &mut MountConfig| {
        config.bucket = BucketName::new(BUCKET).unwrap();
        config.uploads.encryption = encryption;
    };
    connected(server, change).await
}

async fn encryption_of(store: &Bucket, key: &str) -> Option<Encryption> {
    let described = store.head(&Key::new(key)).await.unwrap();
    let properties = described.headers.properties.unwrap();
    properties.encryption.clone()
}

#[tokio::test]
async fn a_session_says_the_encryption_of_the_mount() {
    let server = served(BUCKET, &[]);
    let store = encrypting(&server, Some(encrypted("one"))).await;
    put(&store, "put").await.unwrap();
    assert_eq!(encryption_of(&store, "put").await, Some(encrypted("one")));

    let (key, headers) = (Key::new("parts"), Headers::default());
    let upload = store.create_upload(&key, &headers).await.unwrap();
    store.abort_upload(&key, &upload).await.unwrap();
}

#[tokio::test]
async fn an_object_with_another_encryption_is_written_with_that_of_the_session() {
    let server = served(BUCKET, &[]);
    let store = encrypting(&server, Some(encrypted("one"))).await;
    put(&store, "a").await.unwrap();
    let other = encrypting(&server, None).await;
    let key = Key::new("a");
    let headers = other.head(&key).await.unwrap().headers;
    let body = Body::memory("changed".into());
    let none = Precondition::None;
    other.put(&key, body, &headers, &none).await.unwrap();
    assert_eq!(encryption_of(&other, "a").await, None);
}

#[test]
fn a_session_lasts_as_long_as_the_server_says_but_for_clocks_that_are_wrong() {
    let now = SystemTime::now();
    let second = Duration::from_secs(1);
    assert_eq!(lifetime(Some(now + second), now), second);
    assert_eq!(lifetime(Some(now - second), now), LIFETIME);
    assert_eq!(lifetime(Some(now + 9000 * second), now), LIFETIME);
    assert_eq!(lifetime(None, now), LIFETIME);
}
