#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use s3fs_core::{Access, Credentials, EncryptionAlgorithm, Freshness, MountConfig, UploadChecksum};

use super::*;
use crate::declare::volume::RoleOptions;

fn config(text: &str) -> MountConfig {
    let url: VolumeUrl = text
        .parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let volume = url.volume(Path::new("/base"));
    volume.into_config().unwrap()
}

#[track_caller]
fn says(text: &str, expected: &str) {
    let error = text.parse::<VolumeUrl>().unwrap_err();
    assert_eq!(error, expected, "{text}");
}

#[test]
fn options_begin_after_the_first_colon_with_an_option() {
    for (text, prefix, access) in [
        ("s3://data", "", Access::default()),
        ("s3://data:ro", "", Access::ReadOnly),
        ("s3://data/:ro", "", Access::ReadOnly),
        ("s3://data/a/b:ro", "a/b/", Access::ReadOnly),
        ("s3://data/a:b", "a:b/", Access::default()),
        ("s3://data/12:30:00:ro", "12:30:00/", Access::ReadOnly),
        ("s3://data/a:ro:rw", "a:ro/", Access::default()),
        ("s3://data/a:ro/b", "a:ro/b/", Access::default()),
        ("s3://data/day=1:ro", "day=1/", Access::ReadOnly),
        ("s3://data/a:Day=1", "a:Day=1/", Access::default()),
        ("s3://data/a,b:ro", "a,b/", Access::ReadOnly),
        ("s3://data:prefix=a:day=1/,ro", "a:day=1/", Access::ReadOnly),
    ] {
        let config = config(text);
        assert_eq!(config.prefix.as_str(), prefix, "{text}");
        assert_eq!(config.access, access, "{text}");
    }
}

#[test]
fn every_option_arrives() {
    let config = config(
        "s3://data/p:rw,endpoint=http://h:9000/base,region=eu-west-1,path-style=yes,requester-pays=true,\
         profile=work,owner=123456789012,allow-delete=no,allow-overwrite=false,uid=1,gid=2,file-mode=600,\
         dir-mode=0o700,cache=c,cache-size=1GiB,stage=/s,stage-size=2GiB,wait-on-close=yes,memory=1GiB,metadata-ttl=10m,\
         retry-timeout=90s,sse=aws:kms,sse-kms-key-id=arn:aws:kms:eu-west-1:123456789012:key/1-2,\
         bucket-key=no,storage-class=STANDARD_IA,acl=bucket-owner-full-control,tag=a:ro,tag=b:x:y=z,\
         checksum=crc32c,role-arn=arn:aws:iam::123456789012:role/reader,role-session-name=me,\
         external-id=x,dual-stack=yes,fips=no,accelerate=yes",
    );
    let role = config.role.unwrap();
    assert_eq!(role.arn.as_str(), "arn:aws:iam::123456789012:role/reader");
    assert_eq!(role.session_name.unwrap().as_str(), "me");
    assert_eq!(role.external_id.as_deref(), Some("x"));
    let kinds = config.endpoints;
    assert_eq!((kinds.dual_stack, kinds.fips), (Some(true), Some(false)));
    assert_eq!(kinds.accelerate, Some(true));
    assert_eq!(config.prefix.as_str(), "p/");
    assert_eq!(config.endpoint_url.as_deref(), Some("http://h:9000/base"));
    assert_eq!(config.region.as_deref(), Some("eu-west-1"));
    assert_eq!(config.freshness, Freshness::For(Duration::from_mins(10)));
    assert_eq!(config.memory, Some(1 << 30));
    assert!(config.force_path_style && config.requester_pays && config.waits_on_close);
    assert!(matches!(config.credentials, Credentials::Chain { profile: Some(it) } if it == "work"));
    let owner = config.expected_bucket_owner;
    assert_eq!(owner.as_deref(), Some("123456789012"));
    let access = Access::ReadWrite {
        delete: false,
        overwrite: false,
    };
    assert_eq!(config.access, access);
    let shown = config.ownership;
    assert_eq!((shown.uid, shown.gid), (Some(1), Some(2)));
    assert_eq!((shown.file_mode, shown.dir_mode), (0o600, 0o700));
    let (cache, stage) = (config.cache.unwrap(), config.stage.unwrap());
    assert_eq!((cache.dir, cache.size), ("/base/c".into(), 1 << 30));
    assert_eq!((stage.dir, stage.size), ("/s".into(), 2 << 30));
    assert_eq!(config.retry_timeout.as_secs(), 90);
    let encryption = config.uploads.encryption.unwrap();
    assert_eq!(encryption.algorithm, EncryptionAlgorithm::Kms);
    let key = "arn:aws:kms:eu-west-1:123456789012:key/1-2";
    assert_eq!(encryption.key_id.as_deref(), Some(key));
    assert_eq!(encryption.bucket_key, Some(false));
    assert_eq!(config.uploads.storage_class.as_deref(), Some("STANDARD_IA"));
    let acl = config.uploads.acl.as_deref();
    assert_eq!(acl, Some("bucket-owner-full-control"));
    let tags: Vec<_> = config.uploads.tags.into_iter().collect();
    let expected = [("a", "ro"), ("b", "x:y=z")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(tags, expected);
    assert_eq!(config.uploads.checksum, Some(UploadChecksum::Crc32c));
}

#[test]
fn an_access_point_takes_the_place_of_a_bucket() {
    let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports";
    let config = config(&format!("s3://{arn}/2024:ro,region=eu-west-1"));
    assert_eq!(
        (config.bucket.as_str(), config.prefix.as_str()),
        (arn, "2024/")
    );
    assert_eq!(config.access, Access::ReadOnly);
}

#[test]
fn a_role_may_be_that_of_an_identity_token() {
    let config = config("s3://data:oidc-auth-role-arn=arn:aws:iam::123456789012:role/reader");
    assert!(matches!(
        config.credentials,
        Credentials::WebIdentity { .. }
    ));
}

#[test]
fn answers_of_the_bucket_hold_as_long_as_the_volume_says() {
    for (options, freshness) in [
        ("ro,immutable", Freshness::Immutable),
        ("immutable,ro", Freshness::Immutable),
        ("immutable=yes", Freshness::Immutable),
        ("immutable=no", Freshness::Checked),
        ("metadata-ttl=90", Freshness::For(Duration::from_secs(90))),
        ("metadata-ttl=2h", Freshness::For(Duration::from_hours(2))),
        ("metadata-ttl=minimal", Freshness::Checked),
        ("metadata-ttl=indefinite", Freshness::Indefinite),
        ("immutable,metadata-ttl=10m", Freshness::Immutable),
    ] {
        let config = config(&format!("s3://data/p:{options}"));
        assert_eq!(config.freshness, freshness, "{options}");
        assert_eq!(config.prefix.as_str(), "p/", "{options}");
    }
    let wrong: Result<VolumeUrl, _> = "s3://data:metadata-ttl=forever".parse();
    let error = wrong.unwrap_err();
    assert!(error.contains("`minimal` or `indefinite`"), "{error}");
}

#[test]
fn a_time_that_does_not_hold_is_refused_with_its_reason() {
    let wrong: Result<VolumeUrl, _> = "s3://data:metadata-ttl=0".parse();
    let error = wrong.unwrap_err();
    assert!(error.contains("greater than zero"), "{error}");
}

#[test]
fn a_prefix_that_looks_like_an_option_is_one_itself() {
    for option in ["ro", "rw", "immutable", "name=value"] {
        let url = format!("s3://logs/day:{option}");
        let parsed: Result<VolumeUrl, _> = url.parse();
        let prefix = parsed.map(|url| url.volume(Path::new("/")).into_config().unwrap().prefix);
        let is_prefix = prefix.is_ok_and(|prefix| prefix.as_str().contains(option));
        assert!(!is_prefix, "{option}");
        let config = config(&format!("s3://logs:prefix=day:{option}"));
        assert_eq!(config.prefix.as_str(), format!("day:{option}/"));
    }
}

#[test]
fn public_buckets_need_no_credentials() {
    for name in ["anonymous", "no-sign-request"] {
        let config = config(&format!("s3://data:{name}=yes"));
        assert!(matches!(config.credentials, Credentials::Anonymous));
    }
}

#[test]
fn a_value_may_hold_commas_and_backslashes() {
    let config = config(r"s3://data:profile=a\,b\\c\d,cache=/x\,ro,prefix=p\");
    assert!(
        matches!(config.credentials, Credentials::Chain { profile: Some(it) } if it == r"a,b\c\d")
    );
    assert_eq!(config.cache.unwrap().dir, Path::new("/x,ro"));
    assert_eq!(config.prefix.as_str(), r"p\/");
}

#[test]
fn a_mistake_is_told_with_its_remedy() {
    says("data", FORM);
    says(
        "s3://data:regoin=x",
        "volume has no option `regoin`\ndid you mean `region`?",
    );
    says(
        "s3://data:ro,requester-pay=yes,tag=mode:ro",
        "volume has no option `requester-pay`\ndid you mean `requester-pays`?",
    );
    says(
        "s3://data:ro,requester-pays",
        "option `requester-pays` has no value\nwrite requester-pays=VALUE",
    );
    says(
        "s3://data/x:day=1",
        "volume has no option `day`\na prefix that holds `:day=` is written as the option prefix=PREFIX",
    );
    says(
        "s3://data:tags=a:b",
        "volume has no option `tags`\ndid you mean `tag`?",
    );
    says(
        "s3://data:region=a,region=b",
        "option `region` is given twice\nleave one out",
    );
    says(
        "s3://data:ro,rw",
        "option `ro` is given twice\nleave one out",
    );
    says(
        "s3://data:endpoint=http://h,endpoint-url=http://i",
        "option `endpoint-url` is given twice\nleave one out",
    );
    says(
        "s3://data:region=",
        "option `region` has no value\nwrite region=VALUE",
    );
    says(
        "s3://data:allow-delete=maybe",
        "option `allow-delete`: write yes or no",
    );
    says("s3://data:tag=a", "option `tag`: write KEY:VALUE");
    says(
        "s3://data:role-arn=reader",
        "`reader` is not the ARN of a role\nwrite `arn:aws:iam::ACCOUNT:role/NAME`",
    );
    says(
        "s3://data:cache=~/c",
        "option `cache`: shells expand no `~` there\nwrite the path of the home folder",
    );
    says(
        "s3://data/a:prefix=b/",
        "volume has two prefixes\nwrite it in the URL or as `prefix`",
    );
    says(
        "s3://data:acl=public-raed",
        "`public-raed` is not a canned ACL\ndid you mean `public-read`?",
    );
    says(
        "s3://data:owner=1",
        "`1` is not the ID of an account\nwrite its 12 digits, such as `123456789012`",
    );
    says(
        "s3://data:profile=a,anonymous=yes",
        "`profile` and `anonymous` exclude each other\nleave one out",
    );
}

#[test]
fn a_key_may_wait_for_the_encryption_of_another_layer() {
    let url: VolumeUrl = "s3://data:sse-kms-key-id=k".parse().unwrap();
    let alone = url.volume(Path::new("/")).into_config().unwrap_err();
    assert!(
        alone.to_string().contains("set `sse` to `aws:kms`"),
        "{alone}"
    );
    let volume = url.volume(Path::new("/")).with_defaults(VolumeOptions {
        uploads: UploadOptions {
            sse: Some("aws:kms".into()),
            ..UploadOptions::default()
        },
        ..VolumeOptions::default()
    });
    let encryption = volume.into_config().unwrap().uploads.encryption.unwrap();
    assert_eq!(encryption.key_id.as_deref(), Some("k"));
}

#[test]
fn parts_of_a_role_may_wait_for_the_role_of_another_layer() {
    for option in ["external-id=x", "role-session-name=me"] {
        let url: VolumeUrl = format!("s3://data:{option}").parse().unwrap();
        let volume = url.volume(Path::new("/"));
        let alone = volume.clone().into_config().unwrap_err().to_string();
        assert!(alone.contains("belongs to a role"), "{alone}");
        let arn = "arn:aws:iam::123456789012:role/reader";
        let defaults = VolumeOptions {
            role: RoleOptions {
                arn: Some(arn.into()),
                ..RoleOptions::default()
            },
            ..VolumeOptions::default()
        };
        let config = volume.with_defaults(defaults).into_config().unwrap();
        assert_eq!(config.role.unwrap().arn.as_str(), arn);
    }
}

#[test]
fn a_size_may_wait_for_the_folder_of_another_layer() {
    let url: VolumeUrl = "s3://data:cache-size=1GiB,stage-size=2GiB".parse().unwrap();
    let volume = url.volume(Path::new("/"));
    let alone = volume.clone().into_config().unwrap_err().to_string();
    assert_eq!(
        alone,
        "`cache_size` needs a folder\ngive `cache` as well, or leave the size out"
    );
    let lower = VolumeOptions {
        cache: FolderOptions::new(Some("/c".into()), Some(5)),
        stage: FolderOptions::new(Some("/s".into()), None),
        ..VolumeOptions::default()
    };
    let config = volume.with_defaults(lower).into_config().unwrap();
    let (cache, stage) = (config.cache.unwrap(), config.stage.unwrap());
    assert_eq!((cache.dir, cache.size), ("/c".into(), 1 << 30));
    assert_eq!((stage.dir, stage.size), ("/s".into(), 2 << 30));
}

#[test]
fn a_size_of_a_lower_layer_is_that_of_a_folder_of_the_volume() {
    let sizes = VolumeOptions {
        cache: FolderOptions::new(None, Some(5)),
        ..VolumeOptions::default()
    };
    let lowest = VolumeOptions {
        cache: FolderOptions::new(Some("/other".into()), Some(6)),
        ..VolumeOptions::default()
    };
    for (text, lower, expected) in [
        ("s3://data:cache=/c", None, Some(("/c", 5))),
        ("s3://data:cache=/c,cache-size=7", None, Some(("/c", 7))),
        ("s3://data", Some(lowest), Some(("/other", 5))),
        ("s3://data", None, None),
    ] {
        let url: VolumeUrl = text.parse().unwrap();
        let volume = url.volume(Path::new("/")).with_defaults(sizes.clone());
        let volume = volume.with_defaults(lower.unwrap_or_default());
        let cache = volume.into_config().unwrap().cache;
        let cache = cache.map(|cache| (cache.dir, cache.size));
        assert_eq!(
            cache,
            expected.map(|(dir, size)| (dir.into(), size)),
            "{text}"
        );
    }
}
