//! Regions of buckets.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use s3_local::{BucketOptions, Server};

use crate::fixture::{assert_refused, client, config, server};

fn client_in(server: &Server, region: &'static str) -> Client {
    let (id, secret) = (server.access_key_id(), server.secret_access_key());
    let credentials = Credentials::new(id, secret, None, None, "test");
    let config = config(server)
        .credentials_provider(credentials)
        .region(Region::new(region));
    Client::from_conf(config.build())
}

#[tokio::test]
async fn the_head_of_a_bucket_names_its_region() {
    let server = server();
    server.create_bucket_with("far", BucketOptions::new().region("eu-west-1"));
    let head = client(&server)
        .head_bucket()
        .bucket("data")
        .send()
        .await
        .unwrap();
    assert_eq!(head.bucket_region(), Some("us-east-1"));
    for (region, status) in [("us-east-1", 400), ("ap-south-1", 301)] {
        let refused = client_in(&server, region)
            .head_bucket()
            .bucket("far")
            .send()
            .await;
        let error = refused.unwrap_err();
        let raw = error.raw_response().unwrap();
        assert_eq!(raw.status().as_u16(), status);
        assert_eq!(raw.headers().get("x-amz-bucket-region"), Some("eu-west-1"));
    }
    let right = client_in(&server, "eu-west-1");
    right.head_bucket().bucket("far").send().await.unwrap();
}

#[tokio::test]
async fn requests_signed_for_another_region_are_refused() {
    let server = server();
    server.create_bucket_with("far", BucketOptions::new().region("eu-west-1"));
    let list = |region| {
        client_in(&server, region)
            .list_objects_v2()
            .bucket("far")
            .send()
    };
    assert_refused(list("us-east-1").await, 400, "AuthorizationHeaderMalformed");
    assert_refused(list("ap-south-1").await, 301, "PermanentRedirect");
    list("eu-west-1").await.unwrap();
}

#[tokio::test]
async fn a_bucket_is_created_in_the_region_asked_for() {
    let server = server();
    let constraint = BucketLocationConstraint::EuCentral1;
    let configuration = CreateBucketConfiguration::builder()
        .location_constraint(constraint)
        .build();
    let create = client(&server).create_bucket().bucket("new");
    create
        .create_bucket_configuration(configuration)
        .send()
        .await
        .unwrap();
    let client = client_in(&server, "eu-central-1");
    let location = client
        .get_bucket_location()
        .bucket("new")
        .send()
        .await
        .unwrap();
    assert_eq!(
        location.location_constraint(),
        Some(&BucketLocationConstraint::EuCentral1)
    );
}
