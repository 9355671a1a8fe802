//! The folder store, in this process and after the end of other processes.

use std::fs;
use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use s3_local::{BucketOptions, Error, PutOptions, S3Local, Server};

use crate::fixture::{client, pattern, read};

fn start(folder: &Path) -> Server {
    S3Local::builder()
        .on_folder(folder)
        .root_key("ROOT", "secret")
        .start()
}

fn blobs(folder: &Path) -> usize {
    fs::read_dir(folder.join("blobs")).unwrap().count()
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = pattern(20_000_000);
    let server = start(folder.path());
    server.create_bucket_with("data", BucketOptions::new().public_read());
    let options = PutOptions::new()
        .content_type("text/plain")
        .metadata("mode", "1");
    server.put_with("data", "k\u{1}//..", "hello", options);
    server.put("data", "empty", "");
    server.put("data", "gone", "x");
    let client_of_first = client(&server);
    let put = client_of_first.put_object().bucket("data").key("large");
    let put = put
        .body(ByteStream::from(bytes.clone()))
        .send()
        .await
        .unwrap();
    client_of_first
        .delete_object()
        .bucket("data")
        .key("gone")
        .send()
        .await
        .unwrap();
    let create = client_of_first
        .create_multipart_upload()
        .bucket("data")
        .key("parts");
    let id = create.send().await.unwrap().upload_id().unwrap().to_owned();
    let part = client_of_first
        .upload_part()
        .bucket("data")
        .key("parts")
        .upload_id(&id);
    let part = part
        .part_number(1)
        .body(ByteStream::from_static(b"part"))
        .send()
        .await
        .unwrap();
    drop(server);

    let server = start(folder.path());
    let client = client(&server);
    assert_eq!(server.keys("data"), ["empty", "k\u{1}//..", "large"]);
    assert_eq!(
        server.get("data", "k\u{1}//..").as_deref(),
        Some(&b"hello"[..])
    );
    assert_eq!(server.metadata("data", "k\u{1}//..").unwrap().len(), 1);
    assert!(read(&client, "large").await == bytes);
    assert!(read(&client, "empty").await.is_empty());
    let ranged = client
        .get_object()
        .bucket("data")
        .key("large")
        .range("bytes=3000000-9000000");
    let ranged = ranged.send().await.unwrap();
    assert_eq!(ranged.e_tag(), put.e_tag());
    assert!(ranged.body.collect().await.unwrap().to_vec() == bytes[3_000_000..=9_000_000]);
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = client
        .complete_multipart_upload()
        .bucket("data")
        .key("parts")
        .upload_id(&id);
    complete.multipart_upload(parts).send().await.unwrap();
    assert_eq!(read(&client, "parts").await, b"part");
}

#[tokio::test]
async fn bodies_nothing_refers_to_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    server.create_bucket("data");
    server.put("data", "a", "1");
    server.put("data", "a", "2");
    server.put("data", "b", "3");
    assert_eq!(blobs(folder.path()), 2);
    // A copy shares the body, which goes with the last object that has it.
    let client = client(&server);
    client
        .copy_object()
        .bucket("data")
        .key("c")
        .copy_source("data/b")
        .send()
        .await
        .unwrap();
    assert!(server.delete("data", "b"));
    assert_eq!(blobs(folder.path()), 2);
    assert_eq!(read(&client, "c").await, b"3");
    assert!(server.delete("data", "c"));
    assert_eq!(blobs(folder.path()), 1);
    // A refused upload leaves nothing.
    let put = client
        .put_object()
        .bucket("data")
        .key("d")
        .checksum_crc32("AAAAAA==");
    put.body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(blobs(folder.path()), 1);
    drop(server);
    fs::write(folder.path().join("blobs/orphan"), "x").unwrap();
    let server = start(folder.path());
    assert_eq!(blobs(folder.path()), 1);
    assert_eq!(server.get("data", "a").as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_torn_last_line_of_the_journal_is_forgotten_and_a_damaged_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    server.create_bucket("data");
    server.put("data", "a", "1");
    drop(server);
    let journal = folder.path().join("journal");
    let whole = fs::read(&journal).unwrap();
    let torn = [whole.as_slice(), b"0123abcd {\"PutObj"].concat();
    fs::write(&journal, torn).unwrap();
    assert_eq!(start(folder.path()).keys("data"), ["a"]);

    let mut damaged = whole;
    damaged[20] ^= 1;
    fs::write(&journal, damaged).unwrap();
    let error = S3Local::builder()
        .on_folder(folder.path())
        .try_start()
        .unwrap_err();
    assert!(matches!(error, Error::Folder { .. }), "{error:?}");
}

#[test]
fn a_folder_is_for_one_server_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let error = S3Local::builder()
        .on_folder(folder.path())
        .try_start()
        .unwrap_err();
    assert!(matches!(error, Error::FolderInUse { .. }), "{error:?}");
    drop(server);
    start(folder.path());
}
