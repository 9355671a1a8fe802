//! Bucket on a server in this process, reached over HTTP: for tests of the S3 store.

#![allow(clippy::unwrap_used, reason = "a failed request is a failed test")]

use s3_local::Server;
use stub_test_support::served;

use crate::config::{Credentials, MountConfig};
use crate::object::BucketName;
use crate::store::s3::{Bucket, HttpClient, connect};

/// Name of the bucket.
pub(crate) const BUCKET: &str = "data";

/// Starts a server with the bucket.
pub(crate) fn server() -> Server {
    served(BUCKET, &[])
}

/// Connects to the bucket of a server with its root key, and a configuration changed by `change`.
pub(crate) async fn connected(server: &Server, change: impl FnOnce(&mut MountConfig)) -> Bucket {
    let mut config = MountConfig {
        endpoint_url: Some(server.endpoint_url()),
        credentials: Credentials::Static {
            access_key_id: server.access_key_id().to_owned(),
            secret_access_key: server.secret_access_key().to_owned(),
            session_token: None,
        },
        ..MountConfig::new(BucketName::new(BUCKET).unwrap())
    };
    change(&mut config);
    connect(&config, &HttpClient::default()).await.unwrap().0
}
