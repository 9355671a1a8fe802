//! Checksums of bodies that arrive.

use std::process::Command;

use bytes::Bytes;
use s3_local::{Fault, Injection, Operation};

use crate::object::{Headers, Key};
use crate::store::s3::Bucket;
use crate::store::served::{connected, server};
use crate::store::{Body, Condition, Precondition, Store, StoreError, StoreErrorKind};

/// Length of the object, in bytes: its body comes in several pieces.
const LENGTH: u64 = 3 << 20;

#[test]
fn a_wrong_bit_of_a_whole_object_is_an_error() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("store::s3::verified_tests::in_an_environment")
        .env_remove("AWS_PROFILE")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
        .env("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_supported");
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{failed}");
    assert!(printed.contains("1 passed"), "{printed}");
}

async fn read(store: &Bucket, key: &Key) -> Result<u64, StoreError> {
    let mut body = store.get(key, None, Condition::Any).await?.body;
    let mut length = 0;
    while let Some(piece) = body.next().await? {
        length += piece.len() as u64;
    }
    Ok(length)
}

#[tokio::test]
#[ignore = "run in a process of its own by the test above"]
async fn in_an_environment() {
    let server = server();
    let store = connected(&server, |_| {}).await;
    let (key, headers) = (Key::new("k"), Headers::default());
    let body = Body::memory(Bytes::from(vec![7; LENGTH as usize]));
    let put = store.put(&key, body, &headers, &Precondition::None);
    put.await.unwrap();
    for offset in [0, LENGTH / 2, LENGTH - 1] {
        let wrong = Injection::new(Operation::GetObject, Fault::ChangeBit(offset));
        server.knobs().inject(wrong);
        let error = read(&store, &key).await.unwrap_err();
        assert!(
            matches!(error.kind, StoreErrorKind::Corrupted(_)),
            "{error}"
        );
        assert!(error.to_string().contains("checksum"), "{error}");
        assert_eq!(read(&store, &key).await.unwrap(), LENGTH);
    }
}
