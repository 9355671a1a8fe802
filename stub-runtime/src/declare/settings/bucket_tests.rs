//! Tests of `[buckets.NAME]`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use s3fs_core::{Access, Credentials, Freshness};

use super::tests::{malformed, settings};
use crate::declare::volume::CloudBucketMount;

#[test]
fn volumes_have_the_defaults_of_their_buckets() {
    let near = r#"
[buckets.data]
region = "eu-west-1"
prefix = "now/"
[buckets."d*"]
region = "us-east-1"
endpoint_url = "http://localhost:9000"
force_path_style = true
cache = "cache"
cache_size = "1GiB"
memory = "256MiB"
retry_timeout = "90s"
[buckets."*"]
endpoint_url = "http://elsewhere"
"#;
    let (folder, settings) = settings(near, "");
    let settings = settings.unwrap();
    let data = settings
        .apply(CloudBucketMount::new("data"))
        .into_config()
        .unwrap();
    assert_eq!(data.region.as_deref(), Some("eu-west-1"));
    assert_eq!(data.prefix.to_string(), "now/");
    assert_eq!(data.endpoint_url.as_deref(), Some("http://localhost:9000"));
    assert!(data.force_path_style);
    let cache = data.cache.unwrap();
    assert_eq!(
        (cache.dir, cache.size),
        (folder.path().join("cache"), 1 << 30)
    );
    assert_eq!(data.memory, Some(256 << 20));
    assert_eq!(data.retry_timeout, Duration::from_secs(90));
    let own = CloudBucketMount::new("data")
        .region("x")
        .retry_timeout(Duration::from_secs(7))
        .key_prefix("mine/");
    let own = settings.apply(own).into_config().unwrap();
    assert_eq!(own.retry_timeout, Duration::from_secs(7));
    assert_eq!(
        (own.region.as_deref(), own.prefix.to_string().as_str()),
        (Some("x"), "mine/")
    );
    let other = settings
        .apply(CloudBucketMount::new("other"))
        .into_config()
        .unwrap();
    assert_eq!(other.endpoint_url.as_deref(), Some("http://elsewhere"));
    assert_eq!(other.retry_timeout, Duration::from_mins(5));
}

#[test]
fn objects_of_a_bucket_have_its_options() {
    let near = r#"
[buckets.data]
sse = "aws:kms"
sse_kms_key_id = "alias/k"
bucket_key = true
storage_class = "STANDARD_IA"
acl = "bucket-owner-full-control"
tags = { project = "apollo" }
expected_bucket_owner = "123456789012"
checksum = "CRC32C"
read_only = true
allow_delete = false
allow_overwrite = false
wait_on_close = true
metadata_ttl = "indefinite"
stage = "stage"
[buckets."*"]
sse = "AES256"
tags = { project = "other", more = "x" }
anonymous = true
"#;
    let (folder, settings) = settings(near, "");
    let settings = settings.unwrap();
    let config = |volume| settings.apply(volume).into_config().unwrap();
    let data = config(CloudBucketMount::new("data"));
    let encryption = data.uploads.encryption.unwrap();
    assert_eq!(encryption.algorithm.as_str(), "aws:kms");
    assert_eq!(encryption.key_id.as_deref(), Some("alias/k"));
    assert_eq!(encryption.bucket_key, Some(true));
    let uploads = (data.uploads.storage_class, data.uploads.acl);
    assert_eq!(uploads.0.as_deref(), Some("STANDARD_IA"));
    assert_eq!(uploads.1.as_deref(), Some("bucket-owner-full-control"));
    assert_eq!(data.uploads.tags.len(), 1, "tags are one option");
    assert_eq!(data.uploads.tags["project"], "apollo");
    assert_eq!(data.expected_bucket_owner.as_deref(), Some("123456789012"));
    assert_eq!(data.uploads.checksum.unwrap().as_str(), "CRC32C");
    assert_eq!(data.access, Access::ReadOnly);
    assert_eq!(data.stage.unwrap().dir, folder.path().join("stage"));
    assert!(data.waits_on_close);
    assert_eq!(data.freshness, Freshness::Indefinite);
    let own = CloudBucketMount::new("data")
        .read_only(false)
        .allow_overwrite(true)
        .sse("AES256")
        .wait_on_close(false)
        .immutable(true);
    let own = config(own);
    assert_eq!(own.freshness, Freshness::Immutable);
    assert_eq!(own.uploads.encryption.unwrap().key_id, None);
    let access = Access::ReadWrite {
        delete: false,
        overwrite: true,
    };
    assert_eq!((own.access, own.waits_on_close), (access, false));
    let other = config(CloudBucketMount::new("other"));
    assert!(matches!(other.credentials, Credentials::Anonymous));
    let signed = config(CloudBucketMount::new("other").profile("p"));
    assert!(matches!(signed.credentials, Credentials::Chain { profile: Some(p) } if p == "p"));
}

#[test]
fn a_wrong_value_is_told_with_its_line() {
    for (text, line, part) in [
        (
            "[buckets.data]\nregion = \"x\"\nacl = \"public\"",
            3,
            "did you mean `public-read`?",
        ),
        (
            "[buckets.data]\nsse = \"aes256\"",
            2,
            "write `AES256`, `aws:kms` or `aws:kms:dsse`",
        ),
        (
            "[buckets.data]\nexpected_bucket_owner = \"1\"",
            2,
            "write its 12 digits",
        ),
        (
            "[buckets.data]\ntags = { \"aws:x\" = \"y\" }",
            2,
            "only AWS may set",
        ),
        ("[buckets.data]\nchecksum = \"MD5\"", 2, "write `CRC32`"),
    ] {
        let (told, reason) = malformed(text);
        assert_eq!(told, line, "{text}: {reason}");
        assert!(reason.contains(part), "{text}: {reason}");
    }
}
