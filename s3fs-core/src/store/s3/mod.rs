//! Store over S3's HTTP interface: the only module that names the AWS SDK.

mod advice;
mod answers;
mod archive;
mod bodies;
mod chains;
mod checksums;
mod classify;
mod client;
mod conditions;
mod connect;
mod connections;
mod copy;
mod directory;
mod endpoint;
mod etags;
mod identity;
mod integrity;
mod kept_tags;
mod multipart;
mod objects;
mod own_marker;
mod owner;
mod pace;
mod presign;
mod profile;
mod properties;
mod put;
#[cfg(test)]
mod recorded_tests;
mod refused;
mod sending;
#[cfg(test)]
mod server_tests;
mod sessions;
mod settings;
mod tag_state;
mod tagging;
mod unfinished;
mod upload_records;
mod values;
mod variants;
#[cfg(test)]
mod verified_tests;
mod written;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::RequestPayer;

pub use advice::ConnectError;
pub use connect::{Bucket, connect};
pub use connections::{HttpClient, bodies};
pub use profile::{ProfileError, ProfileKeys, profile_credentials};

use crate::config::UploadSettings;
use crate::object::{BucketName, Key};
use crate::store::warning::Warning;
use crate::store::{Capabilities, StoreError, StoreErrorKind};
use archive::Archives;
use chains::Chains;
use identity::Identity;
use integrity::Integrity;
use own_marker::OwnMarker;
use pace::Pace;
use properties::Latest;
use refused::RefusedProperties;
use sessions::{NO_SESSION, Sessions};
use tag_state::TagState;

/// Store of one S3 bucket, with its credentials and region.
#[derive(Debug)]
pub struct S3Store {
    client: Client,
    bucket: BucketName,
    payer: Option<RequestPayer>,
    payload_signing: PayloadSigning,
    /// Credentials that are loaded anew when they are refused; `None` if they stay as they are.
    identity: Option<Identity>,
    /// Sessions that sign most requests to a directory bucket.
    sessions: Option<Sessions>,
    endpoint_url: Option<String>,
    capabilities: Capabilities,
    /// Host of requests, for messages.
    host: String,
    /// Maximum silence of a server after it has been sent a body.
    patience: Duration,
    pace: Pace,
    warning: Warning,
    chains: Chains,
    /// Settings of the objects that are written.
    uploads: UploadSettings,
    properties: Latest,
    own_marker: OwnMarker,
    tags: TagState,
    refused_properties: RefusedProperties,
    integrity: Integrity,
    /// Flag that the server has refused conditions of `CompleteMultipartUpload`.
    completes_plainly: AtomicBool,
    archives: Archives,
}

/// Signing of upload bodies. SHA-256 of every byte costs more CPU than the rest of an upload. It
/// proves nothing where TLS or the loopback device already protects the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PayloadSigning {
    Signed,
    Unsigned,
}

impl S3Store {
    /// Returns the endpoint if it is not AWS's own.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    /// Returns whether other keys may follow those that were refused.
    fn is_renewable(&self, words: &str) -> bool {
        let is_of_session = self.sessions.is_some() && !words.starts_with(NO_SESSION);
        self.identity.is_some() || is_of_session
    }

    fn failed(&self, operation: &'static str, key: &Key, kind: StoreErrorKind) -> StoreError {
        let kind = classify::with_host(kind, &self.host);
        let kind = match kind {
            StoreErrorKind::BadCredentials(words) if self.is_renewable(&words) => renewable(words),
            StoreErrorKind::PreconditionFailed if !may_be_conditional(operation) => unasked_412(),
            kind => self.with_restore(kind, key),
        };
        let is_archived = matches!(kind, StoreErrorKind::Archived { .. });
        let error = StoreError::new(operation, format!("s3://{}/{key}", self.bucket), kind);
        if is_archived && self.archives.is_new(key) {
            tracing::warn!("{error}");
        }
        error
    }
}

/// Returns the kind of a refusal of credentials whose source may have other ones by now.
fn renewable(words: String) -> StoreErrorKind {
    let mut words_of_server = words.split(':').map(str::trim);
    let code = words_of_server.find(|word| *word != NO_SESSION);
    let code = code.unwrap_or_default();
    if identity::is_refusal(code) {
        StoreErrorKind::StaleCredentials(words)
    } else {
        StoreErrorKind::BadCredentials(words)
    }
}

/// Returns whether requests of an operation may have a condition.
fn may_be_conditional(operation: &str) -> bool {
    matches!(
        operation,
        "GetObject"
            | "PutObject"
            | "CopyObject"
            | "RenameObject"
            | "UploadPartCopy"
            | "CompleteMultipartUpload"
    )
}

/// Returns the kind of a failed precondition of a request without one: Swift's response to unsigned
/// requests.
fn unasked_412() -> StoreErrorKind {
    StoreErrorKind::AccessDenied("HTTP 412 to a request without conditions".to_owned())
}
