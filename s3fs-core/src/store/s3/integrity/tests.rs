//! Tests of digests, some against a server.

use std::io::Write;
use std::sync::Arc;

use aws_sdk_s3::types::ChecksumMode;
use s3_local::{Operation, Quirk, Server};

use super::*;
use crate::object::{ByteRange, Headers};
use crate::store::s3::Bucket;
use crate::store::served::{connected, server};
use crate::store::{CopySource, PartNumber, Precondition, Store};

fn plan(algorithm: Option<ChecksumAlgorithm>, has_md5: bool) -> Plan {
    Plan { algorithm, has_md5 }
}

#[test]
fn digests_are_those_of_the_standards_from_memory_and_from_a_file() {
    let bytes = b"123456789";
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"before123456789after").unwrap();
    let file = Content::File {
        file: Arc::new(file),
        offset: 6,
        length: 9,
    };
    for content in [Content::Memory(Bytes::from_static(bytes)), file] {
        let of = |algorithm| digest(plan(Some(algorithm), true), &content).unwrap();
        let expected = Digests {
            md5: Some("JfnnlDI7RTiF9RgfG2JNCw==".into()),
            ..Digests::default()
        };
        let crc32 = Some(STANDARD.encode(0xcbf4_3926_u32.to_be_bytes()));
        let with = |digests: Digests| Digests {
            md5: expected.md5.clone(),
            ..digests
        };
        let expected32 = with(Digests {
            crc32,
            ..Digests::default()
        });
        assert_eq!(of(ChecksumAlgorithm::Crc32), expected32);
        let crc32c = Some(STANDARD.encode(0xe306_9283_u32.to_be_bytes()));
        let expected32c = with(Digests {
            crc32c,
            ..Digests::default()
        });
        assert_eq!(of(ChecksumAlgorithm::Crc32c), expected32c);
        let crc64nvme = Some(STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
        let expected64 = with(Digests {
            crc64nvme,
            ..Digests::default()
        });
        assert_eq!(of(ChecksumAlgorithm::Crc64Nvme), expected64);
    }
}

#[test]
fn a_demand_is_told_from_other_refusals() {
    let other = |words: &str| StoreErrorKind::Other(words.into());
    let lock = "requests with Object Lock parameters";
    for words in [
        format!(
            "InvalidRequest: Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object {lock}"
        ),
        format!("InvalidRequest: Content-MD5 HTTP header is required for Put Part {lock}"),
        "MissingContentMD5: Missing required header for this request: Content-Md5.".into(),
    ] {
        let kind = other(&words);
        assert_eq!(lesson(plan(None, false), &kind), Some(WANTS_MD5), "{words}");
        assert_eq!(lesson(plan(None, true), &kind), None, "{words}");
    }
    let unknown = other("InvalidRequest: the checksum algorithm is not supported");
    let crc = plan(Some(ChecksumAlgorithm::Crc32c), false);
    assert_eq!(lesson(crc, &unknown), Some(REFUSES_CHECKSUM));
    assert_eq!(lesson(plan(None, false), &unknown), None);
    let bad = other("BadDigest: The CRC32C you specified did not match the checksum");
    assert_eq!(lesson(crc, &bad), None);
    for words in [
        "XAmzContentChecksumMismatch: The provided 'x-amz-checksum' header does not match what was computed.",
        "InvalidRequest: Value for x-amz-checksum-crc32c header is invalid.",
        "BadDigest: checksum",
    ] {
        assert_eq!(lesson(crc, &other(words)), None, "{words}");
    }
    let denied = StoreErrorKind::AccessDenied("Content-MD5 is required".into());
    assert_eq!(lesson(crc, &denied), None);
}

#[test]
fn each_lesson_is_learned_once_and_requests_under_way_are_repeated() {
    let integrity = Integrity::new(Some(UploadChecksum::Crc32c));
    let first = integrity.plan();
    let refused = StoreErrorKind::Unsupported("NotImplemented: x-amz-checksum-crc32c".into());
    assert!(integrity.learn(first, &refused));
    assert!(integrity.learn(first, &refused), "of another request");
    let next = integrity.plan();
    assert_eq!((next.algorithm, next.has_md5), (None, true));
    assert!(!integrity.learn(next, &refused));
    assert_eq!(Integrity::new(None).plan(), plan(None, false));
}

async fn connected_with(server: &Server, checksum: Option<UploadChecksum>) -> Bucket {
    connected(server, |config| config.uploads.checksum = checksum).await
}

/// Returns name, value and type of an object's checksum; of its value only whether it is there.
async fn stored(bucket: &Bucket, key: &str) -> Vec<(&'static str, String)> {
    let client = &bucket.single().client;
    let head = client.head_object().bucket("data").key(key);
    let head = head
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    let kind = head.checksum_type().map_or("none", ChecksumType::as_str);
    let all = [
        ("CRC32", head.checksum_crc32()),
        ("CRC32C", head.checksum_crc32_c()),
        ("CRC64NVME", head.checksum_crc64_nvme()),
    ];
    let present = all.into_iter().filter(|(_, value)| value.is_some());
    present.map(|(name, _)| (name, kind.to_owned())).collect()
}

async fn put(bucket: &Bucket, key: &str, bytes: &'static [u8]) -> Result<(), StoreError> {
    let body = Body::memory(Bytes::from_static(bytes));
    let (key, headers) = (Key::new(key), Headers::default());
    let put = bucket.put(&key, body, &headers, &Precondition::None);
    put.await.map(drop)
}

/// Stores an object of a sent part and one that the server copies.
async fn put_in_parts(bucket: &Bucket, source: &Key, key: &str) -> Result<(), StoreError> {
    let (key, etag) = (Key::new(key), bucket.head(source).await?.meta.etag);
    let id = bucket.create_upload(&key, &Headers::default()).await?;
    let body = Body::memory(vec![7; 5 << 20].into());
    let sent = bucket.upload_part(&key, &id, PartNumber(1), body).await?;
    let copy = CopySource {
        key: source,
        etag: &etag,
        range: ByteRange::new(0, 3).unwrap(),
    };
    let copied = bucket
        .upload_part_copy(&key, &id, PartNumber(2), copy)
        .await?;
    let (tags, none) = ([sent, copied], Precondition::None);
    bucket
        .complete_upload(&key, &id, &tags, &none)
        .await
        .map(drop)
}

#[tokio::test]
async fn objects_have_the_checksum_of_the_settings() {
    let server = server();
    for (checksum, kind) in [
        (UploadChecksum::Crc32, "COMPOSITE"),
        (UploadChecksum::Crc32c, "COMPOSITE"),
        (UploadChecksum::Crc64Nvme, "FULL_OBJECT"),
    ] {
        let bucket = connected_with(&server, Some(checksum)).await;
        let (name, source) = (checksum.as_str(), Key::new("small"));
        put(&bucket, "small", b"bytes").await.unwrap();
        let small = stored(&bucket, "small").await;
        assert_eq!(small, [(name, "FULL_OBJECT".to_owned())]);
        put_in_parts(&bucket, &source, "large").await.unwrap();
        let large = stored(&bucket, "large").await;
        assert_eq!(large, [(name, kind.to_owned())]);
    }
    for none in [None, Some(UploadChecksum::Off)] {
        let bucket = connected_with(&server, none).await;
        put(&bucket, "small", b"bytes").await.unwrap();
        assert_eq!(stored(&bucket, "small").await, []);
    }
}

fn refusals(server: &Server) -> usize {
    let requests = server.log().requests();
    let refused = requests.iter();
    let refused = refused.filter(|it| matches!(it.status, Some(400 | 501)));
    refused.count()
}

#[tokio::test]
async fn a_bucket_that_demands_a_digest_refuses_one_upload() {
    let server = server();
    server.knobs().set_quirk(Quirk::DigestRequired, true);
    let bucket = connected_with(&server, None).await;
    for key in ["a", "b"] {
        put(&bucket, key, b"bytes").await.unwrap();
        assert_eq!(refusals(&server), 1);
    }
    put_in_parts(&bucket, &Key::new("a"), "large")
        .await
        .unwrap();
    let bucket = connected_with(&server, Some(UploadChecksum::Crc32c)).await;
    put(&bucket, "c", b"bytes").await.unwrap();
    assert_eq!(refusals(&server), 1, "a checksum is a digest");
    assert_eq!(server.get("data", "b").unwrap(), "bytes");
}

#[tokio::test]
async fn a_server_that_refuses_checksums_gets_md5() {
    for in_parts in [false, true] {
        let server = server();
        let bucket = connected_with(&server, Some(UploadChecksum::Crc64Nvme)).await;
        server.put("data", "source", "bytes");
        server.knobs().set_quirk(Quirk::NoChecksums, true);
        server.knobs().set_quirk(Quirk::DigestRequired, true);
        for _ in 0..2 {
            if in_parts {
                put_in_parts(&bucket, &Key::new("source"), "k")
                    .await
                    .unwrap();
            } else {
                put(&bucket, "k", b"bytes").await.unwrap();
            }
            assert_eq!(refusals(&server), 1);
        }
    }
}

#[tokio::test]
async fn bytes_that_change_on_their_way_are_refused_once() {
    let server = server();
    let bucket = connected_with(&server, None).await;
    let wrong = Digests {
        md5: Some("JfnnlDI7RTiF9RgfG2JNCw==".into()),
        ..Digests::default()
    };
    let request = bucket.single().client.put_object().bucket("data").key("k");
    let answer = with_digests!(request, wrong).send().await;
    let error = bucket.single().error("PutObject", &Key::new("k"))(answer.unwrap_err());
    let plan = bucket.single().integrity.plan();
    assert!(
        !bucket.single().integrity.learn(plan, &error.kind),
        "{error}"
    );
    assert_eq!(server.log().count(Operation::PutObject), 1);
}

#[tokio::test]
async fn an_upload_keeps_the_checksum_with_which_it_was_created() {
    let server = server();
    let bucket = connected_with(&server, Some(UploadChecksum::Crc32c)).await;
    let key = Key::new("k");
    let id = bucket
        .create_upload(&key, &Headers::default())
        .await
        .unwrap();
    // The lesson of another request.
    let integrity = &bucket.single().integrity;
    let refused = StoreErrorKind::Unsupported("NotImplemented: x-amz-checksum-crc32c".into());
    assert!(integrity.learn(integrity.plan(), &refused));
    let body = Body::memory(vec![7; 5].into());
    let part = bucket.upload_part(&key, &id, PartNumber(1), body);
    let part = part.await.unwrap();
    let algorithm = part.checksum.as_ref().map(|checksum| checksum.algorithm);
    assert_eq!(algorithm, Some(ChecksumAlgorithm::Crc32c));
    let (parts, none) = ([part], Precondition::None);
    let completed = bucket.complete_upload(&key, &id, &parts, &none);
    completed.await.unwrap();
    assert_eq!(integrity.plan_of(&id).algorithm, None, "forgotten");
}
