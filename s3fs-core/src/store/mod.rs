//! The object store as a file system needs it: one trait, with S3 and in-memory forms.
//!
//! Nothing above this module names the AWS SDK, and nothing in it knows of inodes or errnos.

mod body;
mod capabilities;
#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
pub(crate) mod disturbed;
mod ending;
mod error;
#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
pub(crate) mod memory;
mod observed;
mod request;
mod retry;
pub mod s3;
#[cfg(test)]
pub(crate) mod slow;
mod warning;

use std::fmt::Debug;
use std::fs::File;

use async_trait::async_trait;

pub use body::{Body, GetBody};
pub use capabilities::{Capabilities, Capability, Vendor};
pub(crate) use ending::Ending;
pub use error::{Outcome, StoreError, StoreErrorKind};
pub(crate) use observed::Observed;
pub use observed::{UnfinishedUpload, UploadObserver};
pub use request::{
    Condition, CopySource, Described, GetResponse, ListFrom, ListPage, ListRequest, ListedObject,
    MAX_COPY, PartNumber, PartTag, Precondition, UploadId,
};
pub use retry::{RetryLimits, Retrying};

use crate::object::{ByteRange, ETag, Headers, Key};

/// One bucket. Every method is one request (or its retries), and names its operation and object in
/// its error.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// One page of keys in order.
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError>;

    /// What is known of an object, without its bytes.
    async fn head(&self, key: &Key) -> Result<Described, StoreError>;

    /// An object's bytes, or a range of them, if its version is as the condition says.
    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError>;

    /// Stores an object in one request.
    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError>;

    /// Deletes an object; deleting what doesn't exist succeeds.
    async fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// Makes this version of an object, of at most [`MAX_COPY`] bytes, into the object `key`,
    /// without moving its bytes through here. `None` keeps the source's headers, which S3 refuses
    /// where source and key are the same.
    ///
    /// Its errors name the source: it is what is missing
    /// ([`NoSuchKey`](StoreErrorKind::NoSuchKey)) or has another version
    /// ([`PreconditionFailed`](StoreErrorKind::PreconditionFailed)).
    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError>;

    /// Begins a multipart upload of an object with these headers.
    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError>;

    /// Sends one part.
    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError>;

    /// Makes a range of a stored object into a part, without moving its bytes through here.
    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError>;

    /// Makes the parts, in order of their numbers, into the object.
    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError>;

    /// Forgets an upload and its parts.
    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError>;

    /// All of this version as a local file that nobody changes, if it is here; for whoever can use
    /// one in place of requests.
    async fn local_copy(&self, _key: &Key, _etag: &ETag) -> Option<File> {
        None
    }

    /// What the store can do, as far as is known.
    fn capabilities(&self) -> &Capabilities;

    /// `s3://bucket/key`, for messages.
    fn uri(&self, key: &Key) -> String;
}
