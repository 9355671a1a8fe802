//! The store over S3's HTTP interface: the only place that names the AWS SDK.

mod answers;
mod bodies;
mod chains;
mod classify;
mod client;
mod connect;
mod connections;
mod copy;
mod endpoint;
mod multipart;
mod objects;
mod pace;
mod presign;
mod profile;
mod put;
mod sending;
mod tags;
mod values;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::RequestPayer;
use tokio::sync::Semaphore;

pub use connect::{Bucket, ConnectError, connect};
pub use connections::HttpClient;
pub use profile::{ProfileError, ProfileKeys, profile_credentials};

use crate::object::{BucketName, Key};
use crate::store::warning::Warning;
use crate::store::{Capabilities, StoreError, StoreErrorKind};
use chains::Chains;
use pace::Pace;

/// One bucket, with the credentials and the region it answers to.
#[derive(Debug)]
pub struct S3Store {
    client: Client,
    bucket: BucketName,
    payer: Option<RequestPayer>,
    /// Bounds the bodies that arrive at once.
    bodies: Arc<Semaphore>,
    payload_signing: PayloadSigning,
    endpoint_url: Option<String>,
    capabilities: Capabilities,
    /// Host that requests go to, for messages.
    host: String,
    /// Maximum silence of a server that was sent a body.
    patience: Duration,
    pace: Pace,
    warning: Warning,
    chains: Chains,
}

/// Whether the bytes of an upload are hashed into its signature. SHA-256 of every byte costs more
/// CPU than all the rest of an upload, and proves nothing where TLS or the loopback device already
/// protects the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PayloadSigning {
    Signed,
    Unsigned,
}

impl S3Store {
    /// The endpoint, where it isn't AWS's own.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    fn failed(&self, operation: &'static str, key: &Key, kind: StoreErrorKind) -> StoreError {
        let kind = classify::with_host(kind, &self.host);
        let kind = match kind {
            StoreErrorKind::PreconditionFailed if !may_be_conditional(operation) => unasked_412(),
            kind => kind,
        };
        StoreError::new(operation, format!("s3://{}/{key}", self.bucket), kind)
    }
}

/// Whether requests of an operation may have a condition.
fn may_be_conditional(operation: &str) -> bool {
    matches!(
        operation,
        "GetObject" | "PutObject" | "CopyObject" | "UploadPartCopy" | "CompleteMultipartUpload"
    )
}

/// A failed condition of a request that had none: Swift's answer to unsigned requests.
fn unasked_412() -> StoreErrorKind {
    StoreErrorKind::AccessDenied("HTTP 412 to a request without conditions".to_owned())
}
