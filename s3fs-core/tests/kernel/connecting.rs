//! Buckets that cannot be mounted: each error names the remedy.

use s3_local::{BucketOptions, Policy, Quirk, S3Local};
use s3fs_core::{BucketName, Credentials, FileSystem, MountConfig, Resources};

use crate::mounted::{BUCKET, Bucket, SOON, config, server};

pub(crate) fn refusal(config: MountConfig) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = runtime.block_on(FileSystem::connect(config, &Resources::default()));
    let text = result.unwrap_err().to_string();
    assert!(!text.contains("secret-access-key-value"), "{text}");
    text
}

#[test]
fn a_missing_bucket() {
    let server = server();
    let mut config = config(&server);
    config.bucket = BucketName::new("not-there").unwrap();
    let text = refusal(config);
    assert!(text.contains("bucket not-there at http://"), "{text}");
    assert!(text.contains("it does not exist"), "{text}");
}

#[test]
fn a_wrong_secret_and_an_unknown_key() {
    let server = server();
    let with = |id: &str, secret: &str| MountConfig {
        credentials: Credentials::Static {
            access_key_id: id.into(),
            secret_access_key: secret.into(),
            session_token: None,
        },
        ..config(&server)
    };
    let text = refusal(with(server.access_key_id(), "secret-access-key-value"));
    assert!(
        text.contains("the credentials are refused (SignatureDoesNotMatch"),
        "{text}"
    );
    let text = refusal(with("unknown", "secret-access-key-value"));
    assert!(
        text.contains("the credentials are refused (InvalidAccessKeyId"),
        "{text}"
    );
}

#[test]
fn an_unsigned_request_that_is_refused_is_denied() {
    let server = server();
    server.knobs().set_quirk(Quirk::UnsignedIsNotS3, true);
    let text = refusal(MountConfig {
        credentials: Credentials::Anonymous,
        ..config(&server)
    });
    assert!(text.contains("listing is denied (HTTP 412"), "{text}");
}

#[test]
fn listing_denied() {
    let policy = Policy::new().allow("s3:GetObject", "data/*");
    let server = S3Local::builder()
        .access_key("limited", "limited-secret", policy)
        .start();
    server.create_bucket(BUCKET);
    let text = refusal(MountConfig {
        credentials: Credentials::Static {
            access_key_id: "limited".into(),
            secret_access_key: "limited-secret".into(),
            session_token: None,
        },
        ..config(&server)
    });
    assert!(
        text.contains("allow `s3:ListBucket` on `arn:aws:s3:::data`"),
        "{text}"
    );
}

#[test]
fn an_endpoint_where_nothing_listens_and_one_that_is_not_s3() {
    let server = server();
    let mut nowhere = config(&server);
    nowhere.retry_timeout = SOON;
    nowhere.endpoint_url = Some("http://127.0.0.1:1".into());
    let text = refusal(nowhere);
    assert!(
        text.contains("the endpoint does not answer (") && text.contains("\ncheck its URL"),
        "{text}"
    );
    let web = web_server();
    let mut not_s3 = config(&server);
    not_s3.endpoint_url = Some(format!("http://{web}"));
    let text = refusal(not_s3);
    assert!(text.contains("does not answer as S3 does"), "{text}");
}

/// Starts a server that answers every request with a page of HTML.
fn web_server() -> std::net::SocketAddr {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let page = "<html><body>Welcome!</body></html>";
            let length = page.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{page}"
            );
        }
    });
    address
}

#[test]
fn the_region_is_found_and_a_wrong_one_is_named() {
    let server = S3Local::builder().start();
    server.create_bucket_with(BUCKET, BucketOptions::new().region("eu-west-3"));
    server.put(BUCKET, "file", "x");
    let mut wrong = config(&server);
    wrong.region = Some("ap-south-1".into());
    let text = refusal(wrong);
    assert!(
        text.contains("it is in region eu-west-3, not ap-south-1"),
        "{text}"
    );
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(bucket.names(""), ["file"]);
}

#[test]
fn a_public_bucket_needs_no_credentials() {
    let server = S3Local::builder().start();
    server.create_bucket_with(BUCKET, BucketOptions::new().public_read());
    server.put(BUCKET, "file", "public");
    let bucket = Bucket::mount(server, |config| config.credentials = Credentials::Anonymous);
    assert_eq!(std::fs::read(bucket.at("file")).unwrap(), b"public");
}

#[test]
fn requester_pays_buckets_are_read_by_those_who_say_so() {
    let server = S3Local::builder().start();
    server.create_bucket_with(BUCKET, BucketOptions::new().requester_pays());
    server.put(BUCKET, "file", "paid");
    let text = refusal(config(&server));
    assert!(text.contains("listing is denied"), "{text}");
    let bucket = Bucket::mount(server, |config| config.requester_pays = true);
    assert_eq!(std::fs::read(bucket.at("file")).unwrap(), b"paid");
    std::fs::write(bucket.at("new"), "x").unwrap();
}

#[test]
fn buckets_that_are_not_served_are_refused_with_the_reason() {
    let multi_region = (
        "arn:aws:s3::123456789012:accesspoint/m.mrap",
        "signatures (SigV4A) that this program was built without",
        "or name an access point or bucket of one region",
    );
    let multi_region = cfg!(not(feature = "multi-region")).then_some(multi_region);
    if let Some((bucket, reason, remedy)) = multi_region {
        let text = refusal(MountConfig::new(BucketName::new(bucket).unwrap()));
        assert!(text.contains(reason) && text.ends_with(remedy), "{text}");
    }
}
