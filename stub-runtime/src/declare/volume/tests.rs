#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use s3fs_core::{Access, Credentials};

use super::{CloudBucketMount, VolumeError};
use crate::declare::secret::Secret;

fn volume() -> CloudBucketMount {
    CloudBucketMount::new("my-bucket")
}

fn keys() -> Secret {
    Secret::from_dict([
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ])
}

fn says(volume: CloudBucketMount) -> String {
    volume.into_config().unwrap_err().to_string()
}

#[test]
fn a_cache_has_an_absolute_path_and_a_size() {
    let cached = |dir: &str, size| volume().cache(dir, size);
    let config = cached("/var/cache/b", 5).into_config().unwrap();
    let cache = config.cache.unwrap();
    assert_eq!((cache.dir, cache.size), ("/var/cache/b".into(), 5));
    assert!(volume().into_config().unwrap().cache.is_none());
    assert!(says(cached("cache", 5)).contains("`cache` is a relative path\nwrite an absolute one"));
    assert!(says(cached("/c", 0)).contains("`/c` has the size 0\ngive it some bytes"));
}

#[test]
fn folders_to_warm_are_below_the_root_and_need_a_cache() {
    let warm = volume().warm("a/b").warm("/c/").warm("");
    assert!(says(warm.clone()).contains("`warm` needs a cache"));
    let config = warm.cache("/c", 5).into_config().unwrap();
    assert_eq!(config.warm, ["a/b/", "c/", ""]);
}

#[test]
fn a_stage_has_an_absolute_path() {
    let config = volume().stage("/var/tmp", 5).wait_on_close(true);
    let config = config.into_config().unwrap();
    let stage = config.stage.unwrap();
    assert_eq!((stage.dir, stage.size), ("/var/tmp".into(), 5));
    assert!(config.waits_on_close);
    assert!(says(volume().stage("tmp", 5)).contains("`tmp` is a relative path"));
}

#[test]
fn a_bucket_alone_is_read_and_written_with_the_standard_chain() {
    let config = volume().into_config().unwrap();
    assert_eq!(config.bucket.as_str(), "my-bucket");
    assert!(config.prefix.is_root());
    assert_eq!(
        config.access,
        Access::ReadWrite {
            delete: true,
            overwrite: true
        }
    );
    assert!(matches!(
        config.credentials,
        Credentials::Chain { profile: None }
    ));
    assert_eq!((config.region, config.endpoint_url), (None, None));
    assert!(!config.force_path_style && !config.requester_pays);
    assert_eq!(
        (config.ownership.file_mode, config.ownership.dir_mode),
        (0o644, 0o755)
    );
}

#[test]
fn every_option_arrives() {
    let config = volume()
        .key_prefix("a/b/")
        .bucket_endpoint_url("http://127.0.0.1:9000")
        .force_path_style(true)
        .requester_pays(true)
        .region("eu-west-1")
        .profile("work")
        .allow_delete(false)
        .allow_overwrite(false)
        .uid(1)
        .gid(2)
        .file_mode(0o600)
        .dir_mode(0o700)
        .into_config()
        .unwrap();
    assert_eq!(config.prefix.as_str(), "a/b/");
    assert_eq!(
        config.endpoint_url.as_deref(),
        Some("http://127.0.0.1:9000")
    );
    assert!(config.force_path_style && config.requester_pays);
    assert_eq!(config.region.as_deref(), Some("eu-west-1"));
    assert!(matches!(config.credentials, Credentials::Chain { profile: Some(p) } if p == "work"));
    assert_eq!(
        config.access,
        Access::ReadWrite {
            delete: false,
            overwrite: false
        }
    );
    let shown = config.ownership;
    assert_eq!((shown.uid, shown.gid), (Some(1), Some(2)));
    assert_eq!((shown.file_mode, shown.dir_mode), (0o600, 0o700));
}

#[test]
fn read_only_forbids_every_change() {
    let config = volume()
        .read_only(true)
        .allow_delete(true)
        .into_config()
        .unwrap();
    assert_eq!(config.access, Access::ReadOnly);
}

#[test]
fn a_secret_gives_keys_token_and_region() {
    let secret = Secret::from_dict([
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    let config = volume().secret(secret.clone()).into_config().unwrap();
    assert_eq!(config.region.as_deref(), Some("eu-west-1"));
    assert!(matches!(
        config.credentials,
        Credentials::Static { access_key_id, secret_access_key, session_token: Some(token) }
            if access_key_id == "AKIA" && secret_access_key == "hunter2" && token == "token"
    ));
    let config = volume()
        .secret(secret)
        .region("us-east-2")
        .into_config()
        .unwrap();
    assert_eq!(config.region.as_deref(), Some("us-east-2"));
}

#[test]
fn google_has_its_own_names_for_keys() {
    let google = [
        ("GOOGLE_ACCESS_KEY_ID", "G"),
        ("GOOGLE_ACCESS_KEY_SECRET", "S"),
    ];
    let url = "https://storage.googleapis.com";
    let at_google = |secret| {
        volume()
            .bucket_endpoint_url(url)
            .secret(secret)
            .into_config()
    };
    assert!(matches!(
        at_google(Secret::from_dict(google)).unwrap().credentials,
        Credentials::Static { access_key_id, .. } if access_key_id == "G"
    ));
    assert!(at_google(keys()).is_ok());
    assert!(
        volume()
            .secret(Secret::from_dict(google))
            .into_config()
            .is_err()
    );
}

#[test]
fn missing_and_empty_keys_are_named_and_no_value_is_shown() {
    let text = says(volume().secret(Secret::from_dict([("TOKEN", "hunter2")])));
    let expected = "the secret has no AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY; it has TOKEN";
    assert_eq!(text, expected);
    let half = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "")];
    let text = says(volume().secret(Secret::from_dict(half)));
    assert!(
        text.starts_with("the secret has no AWS_SECRET_ACCESS_KEY;"),
        "{text}"
    );
    assert!(!text.contains("AKIA"), "{text}");
}

#[test]
fn a_secret_that_could_not_be_made_is_the_volumes_error() {
    let text = says(volume().secret(Secret::from_env(["STUB_NOT_SET"])));
    assert_eq!(
        text,
        "failed to load the secret: not set in the environment: STUB_NOT_SET"
    );
}

#[test]
fn one_way_to_sign_is_enough() {
    let conflicts = [
        volume().secret(keys()).profile("work"),
        volume().secret(keys()).anonymous(true),
        volume().profile("work").anonymous(true),
        volume().requester_pays(true).anonymous(true),
    ];
    for volume in conflicts {
        assert!(matches!(
            volume.into_config(),
            Err(VolumeError::Conflict(..))
        ));
    }
    assert!(volume().anonymous(true).into_config().is_ok());
    assert!(volume().requester_pays(true).into_config().is_ok());
}

#[test]
fn names_and_prefixes_say_what_to_write() {
    assert!(says(CloudBucketMount::new("s3://my-bucket/data")).contains("write `my-bucket`"));
    assert!(says(CloudBucketMount::new("arn:aws:s3:::my-bucket")).contains("write `my-bucket`"));
    assert!(says(volume().key_prefix("data")).contains("write `data/`"));
    assert!(says(volume().region("")).contains("leave the option out"));
    assert!(says(volume().file_mode(0o4755)).contains("`file_mode` is 0o4755"));
    assert!(says(volume().dir_mode(0o100_755)).contains("`dir_mode`"));
}

#[test]
fn an_endpoint_is_an_http_url_without_bucket_or_password() {
    let at = |url: &str| volume().bucket_endpoint_url(url);
    for good in [
        "http://127.0.0.1:9000",
        "https://s3.example.org/",
        "http://[::1]:1/base",
    ] {
        assert!(at(good).into_config().is_ok(), "{good}");
    }
    assert!(says(at("localhost:9000")).contains("write `https://localhost:9000`"));
    assert!(says(at("s3://my-bucket")).contains("neither `http` nor `https`"));
    assert!(says(at("http://")).contains("not usable"));
    assert!(says(at("http://h:port")).contains("not usable"));
    assert!(says(at("https://h/?a=b")).contains("query"));
    let r2 = "https://id.r2.cloudflarestorage.com";
    assert!(says(at(&format!("{r2}/my-bucket"))).ends_with(&format!("write `{r2}`")));
    let text = says(at("https://me:hunter2@host"));
    assert!(
        text.contains("give them as a secret") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn debug_shows_no_secret() {
    let volume = volume().secret(keys());
    let config = volume.clone().into_config().unwrap();
    let text = format!("{volume:?} {config:?}");
    assert!(
        !text.contains("AKIA") && !text.contains("hunter2"),
        "{text}"
    );
}
