//! Requests as the SDK sends them, recorded by a connector.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpClient as SdkClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;

use super::client::Access;
use super::{HttpClient, S3Store};
use crate::config::{Credentials, EndpointOptions, MountConfig};
use crate::object::{BucketName, ETag, Key};
use crate::store::{CopiedHeaders, ListFrom, ListRequest, Store};

/// Bodies that answer listings and copies.
const PAGE: &str = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
const COPIED: &str = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";

/// Recorded request.
#[derive(Clone, Debug)]
struct Sent {
    uri: String,
    copy_source: Option<String>,
    authorization: String,
}

/// Connector that records requests and answers them itself.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Sent>>>);

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name: &str| request.headers().get(name).map(str::to_owned);
        let copy_source = header("x-amz-copy-source");
        let body = copy_source.as_ref().map_or(PAGE, |_| COPIED);
        self.0.lock().unwrap().push(Sent {
            uri: request.uri().to_owned(),
            copy_source,
            authorization: header("authorization").unwrap_or_default(),
        });
        let status = StatusCode::try_from(200).unwrap();
        let answer = HttpResponse::new(status, SdkBody::from(body));
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl SdkClient for Recorder {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Returns a listing of the prefix `p/` and a copy of the key `p/a b`, as they are sent.
async fn sent(bucket: &str, change: impl FnOnce(&mut MountConfig)) -> [Sent; 2] {
    let mut config = MountConfig {
        credentials: Credentials::Static {
            access_key_id: "AKIA".into(),
            secret_access_key: "secret".into(),
            session_token: None,
        },
        ..MountConfig::new(BucketName::new(bucket).unwrap())
    };
    change(&mut config);
    let mut access = Access::load(&config, &HttpClient::default()).await.unwrap();
    let recorder = Recorder::default();
    access.sdk = access
        .sdk
        .into_builder()
        .http_client(recorder.clone())
        .build();
    let store = S3Store::new(&config, &access);
    let listing = ListRequest {
        prefix: "p/",
        folded: true,
        from: ListFrom::Beginning,
        max_keys: 1000,
    };
    store.list(listing).await.unwrap();
    let (source, etag) = (Key::new("p/a b"), ETag::new("e"));
    let key = Key::new("p/c");
    let copied = store.copy(&source, &etag, &key, CopiedHeaders::Known(None));
    // The answer is not that of every request that a copy may take.
    let _ = copied.await;
    let sent = recorder.0.lock().unwrap();
    let copy = sent.iter().find(|one| one.copy_source.is_some()).unwrap();
    [sent[0].clone(), copy.clone()]
}

#[tokio::test]
async fn requests_to_access_points_go_to_their_hosts_and_copies_name_them() {
    let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports";
    let outpost = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01/accesspoint/a";
    // With SigV4A, the SDK signs requests to Outposts for several regions.
    let outpost_scope = if cfg!(feature = "multi-region") {
        "/s3-outposts/"
    } else {
        "/us-west-2/s3-outposts/"
    };
    let alias = "reports-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias";
    for (bucket, host, scope, source) in [
        (
            arn,
            "reports-123456789012.s3-accesspoint.eu-west-1.amazonaws.com".to_owned(),
            "/eu-west-1/s3/",
            format!("{arn}/object/p/a%20b"),
        ),
        (
            outpost,
            "a-123456789012.op-01.s3-outposts.us-west-2.amazonaws.com".to_owned(),
            outpost_scope,
            format!("{outpost}/object/p/a%20b"),
        ),
        (
            alias,
            format!("{alias}.s3.eu-central-1.amazonaws.com"),
            "/eu-central-1/s3/",
            format!("{alias}/p/a%20b"),
        ),
    ] {
        let [list, copy] = sent(bucket, |config| {
            if config.bucket.region().is_none() {
                config.region = Some("eu-central-1".into());
            }
        })
        .await;
        let expected = format!("https://{host}/?list-type=2");
        assert!(list.uri.starts_with(&expected), "{}", list.uri);
        assert!(list.authorization.contains(scope), "{list:?}");
        assert_eq!(copy.uri, format!("https://{host}/p/c?x-id=CopyObject"));
        assert_eq!(copy.copy_source, Some(source));
    }
}

#[tokio::test]
async fn requests_go_to_the_kind_of_endpoint_and_the_partition() {
    for (region, options, host) in [
        (
            "cn-north-1",
            EndpointOptions::default(),
            "data.s3.cn-north-1.amazonaws.com.cn",
        ),
        (
            "us-gov-west-1",
            EndpointOptions {
                fips: Some(true),
                dual_stack: Some(true),
                accelerate: None,
            },
            "data.s3-fips.dualstack.us-gov-west-1.amazonaws.com",
        ),
        (
            "eusc-de-east-1",
            EndpointOptions::default(),
            "data.s3.eusc-de-east-1.amazonaws.eu",
        ),
        (
            "eu-west-1",
            EndpointOptions {
                accelerate: Some(true),
                ..EndpointOptions::default()
            },
            "data.s3-accelerate.amazonaws.com",
        ),
    ] {
        let [list, _] = sent("data", |config| {
            config.region = Some(region.into());
            config.endpoints = options;
        })
        .await;
        let expected = format!("https://{host}/?list-type=2");
        assert!(list.uri.starts_with(&expected), "{}", list.uri);
        let scope = format!("/{region}/s3/");
        assert!(list.authorization.contains(&scope), "{list:?}");
    }
}

#[cfg(feature = "multi-region")]
#[tokio::test]
async fn requests_to_multi_region_access_points_are_signed_for_all_regions() {
    let arn = "arn:aws:s3::123456789012:accesspoint/m.mrap";
    let [list, _] = sent(arn, |config| config.region = Some("eu-west-1".into())).await;
    let host = "m.mrap.accesspoint.s3-global.amazonaws.com";
    let expected = format!("https://{host}/?list-type=2");
    assert!(list.uri.starts_with(&expected), "{}", list.uri);
    assert!(
        list.authorization.starts_with("AWS4-ECDSA-P256-SHA256 "),
        "{list:?}"
    );
}
