//! Checksums as the SDK sends and requests them.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use s3_local::Server;

use crate::fixture::{assert_refused, client, config, pattern, server};

/// Returns a client with the SDK's defaults: a CRC32 in the trailer of each upload, verified on each
/// download.
fn checking_client(server: &Server) -> Client {
    let (id, secret) = (server.access_key_id(), server.secret_access_key());
    let config = config(server)
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
        .response_checksum_validation(ResponseChecksumValidation::WhenSupported);
    Client::from_conf(config.build())
}

#[tokio::test]
async fn every_algorithm_in_trailers_is_verified_stored_and_told() {
    let server = server();
    let client = checking_client(&server);
    let bytes = pattern(300_000);
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let put = client
            .put_object()
            .bucket("data")
            .key("k")
            .checksum_algorithm(algorithm.clone());
        let put = put.body(ByteStream::from(bytes.clone())).send().await;
        let put = put.unwrap_or_else(|error| panic!("{algorithm}: {error:?}"));
        let head = client
            .head_object()
            .bucket("data")
            .key("k")
            .checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        let told = [
            (put.checksum_crc32(), head.checksum_crc32()),
            (put.checksum_crc32_c(), head.checksum_crc32_c()),
            (put.checksum_crc64_nvme(), head.checksum_crc64_nvme()),
            (put.checksum_sha1(), head.checksum_sha1()),
            (put.checksum_sha256(), head.checksum_sha256()),
        ];
        let told: Vec<_> = told
            .into_iter()
            .filter(|(put, head)| put.is_some() || head.is_some())
            .collect();
        assert!(
            matches!(told[..], [(Some(put), Some(head))] if put == head),
            "{algorithm}: {told:?}"
        );
        // The SDK verifies the body against the header.
        let got = client
            .get_object()
            .bucket("data")
            .key("k")
            .send()
            .await
            .unwrap();
        assert!(
            got.body.collect().await.unwrap().to_vec() == bytes,
            "{algorithm}"
        );
    }
    let plain = client
        .get_object()
        .bucket("data")
        .key("k")
        .range("bytes=0-9");
    let plain = plain.send().await.unwrap();
    assert_eq!(plain.checksum_sha256(), None, "a range has no checksum");
}

#[tokio::test]
async fn wrong_checksums_are_refused_and_nothing_is_stored() {
    let server = server();
    let client = client(&server);
    let put = || {
        client
            .put_object()
            .bucket("data")
            .key("k")
            .body(ByteStream::from_static(b"hello"))
    };
    assert_refused(
        put().checksum_crc32("AAAAAA==").send().await,
        400,
        "BadDigest",
    );
    let md5 = "AAAAAAAAAAAAAAAAAAAAAA==";
    assert_refused(put().content_md5(md5).send().await, 400, "BadDigest");
    assert_refused(
        put().content_md5("nonsense").send().await,
        400,
        "InvalidDigest",
    );
    assert!(server.keys("data").is_empty());
    put()
        .content_md5("XUFAKrxLKna5cZ2REBfFkg==")
        .checksum_crc32("NhCmhg==")
        .send()
        .await
        .unwrap();
    assert_eq!(server.keys("data"), ["k"]);
}

#[tokio::test]
async fn a_multipart_object_has_a_checksum_of_its_parts_or_its_bytes() {
    let server = server();
    let client = checking_client(&server);
    let bytes = pattern(5 * 1024 * 1024 + 1000);
    for kind in [ChecksumType::Composite, ChecksumType::FullObject] {
        let create = client.create_multipart_upload().bucket("data").key("k");
        let create = create
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .checksum_type(kind.clone());
        let id = create.send().await.unwrap().upload_id().unwrap().to_owned();
        let mut parts = CompletedMultipartUpload::builder();
        for (number, part) in (1..).zip(bytes.chunks(5 * 1024 * 1024)) {
            let upload = client.upload_part().bucket("data").key("k").upload_id(&id);
            let upload = upload
                .part_number(number)
                .checksum_algorithm(ChecksumAlgorithm::Crc32);
            let done = upload
                .body(ByteStream::from(part.to_vec()))
                .send()
                .await
                .unwrap();
            let part = CompletedPart::builder()
                .part_number(number)
                .set_e_tag(done.e_tag);
            parts = parts.parts(part.set_checksum_crc32(done.checksum_crc32).build());
        }
        let complete = client
            .complete_multipart_upload()
            .bucket("data")
            .key("k")
            .upload_id(&id);
        let complete = complete.multipart_upload(parts.build());
        let wrong = complete.clone().checksum_crc32("AAAAAA==").send().await;
        assert_refused(wrong, 400, "BadDigest");
        let done = complete.send().await.unwrap();
        assert_eq!(done.checksum_type(), Some(&kind));
        let is_composite = done.checksum_crc32().unwrap().ends_with("-2");
        assert_eq!(is_composite, kind == ChecksumType::Composite);
        let got = client
            .get_object()
            .bucket("data")
            .key("k")
            .send()
            .await
            .unwrap();
        assert!(got.body.collect().await.unwrap().to_vec() == bytes);
    }
}
