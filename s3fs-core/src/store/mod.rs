//! Object store as the file system uses it: one trait, with S3 and in-memory implementations.
//!
//! Modules above this one do not name the AWS SDK. Modules in it know nothing of inodes or errnos.

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
mod layer;
#[cfg(test)]
pub(crate) mod memory;
mod observed;
mod read_tags;
mod request;
mod retry;
pub mod s3;
#[cfg(test)]
pub(crate) mod served;
#[cfg(test)]
pub(crate) mod slow;
pub(crate) mod warning;

use std::fmt::Debug;
use std::fs::File;

use async_trait::async_trait;

pub(crate) use body::Content;
pub use body::{Body, GetBody};
pub use capabilities::{Capabilities, Capability, Vendor};
pub(crate) use ending::Ending;
pub use error::{Outcome, RequestId, StoreError, StoreErrorKind};
pub(crate) use layer::{Layer, Operation, Request};
pub(crate) use observed::Observed;
pub use observed::{UnfinishedUpload, UploadObserver};
pub use read_tags::{headers_with_tags, properties_with_tags};
pub use request::{
    ChecksumAlgorithm, Condition, CopiedHeaders, CopySource, Described, GetResponse, ListFrom,
    ListPage, ListRequest, ListedObject, MAX_COPY, PartChecksum, PartNumber, PartTag, Precondition,
    UploadId,
};
pub use retry::{RetryLimits, Retrying, Throttle, Throttles};

use crate::object::{ByteRange, ETag, Headers, Key, Tags};

/// Object store of one bucket. Each method is one request (or its retries); its errors name the
/// operation and the object.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Lists one page of keys, in order.
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError>;

    /// Reads the attributes and headers of an object, without its bytes.
    async fn head(&self, key: &Key) -> Result<Described, StoreError>;

    /// Returns the tags of an object, of which HEAD has shown `seen`. They are read only if a new
    /// version would lose them.
    ///
    /// # Errors
    /// The object has tags, and they can't be read.
    async fn tags(&self, key: &Key, seen: &Tags) -> Result<Tags, StoreError>;

    /// Reads an object, or a range of it, if its version meets the condition.
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

    /// Deletes an object; deleting an object that does not exist succeeds.
    async fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// Copies this version of `source`, of at most [`MAX_COPY`] bytes, to `key` on the server.
    /// S3 refuses to copy an object onto itself with the same headers.
    ///
    /// Errors refer to the source: it is missing ([`NoSuchKey`](StoreErrorKind::NoSuchKey)) or has
    /// another version ([`PreconditionFailed`](StoreErrorKind::PreconditionFailed)).
    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<ETag, StoreError>;

    /// Renames this version of `source` to `key`, in one step: the object is never under both keys or
    /// under none. Headers and tags stay. An object of the new key is replaced if the precondition allows
    /// it. Requests with the same `token` are carried out once.
    ///
    /// Errors refer to the source, as those of [`copy`](Self::copy) do, or to the precondition
    /// ([`PreconditionFailed`](StoreErrorKind::PreconditionFailed)). Stores without
    /// [`Capability::Rename`] return [`Unsupported`](StoreErrorKind::Unsupported).
    async fn rename(
        &self,
        source: &Key,
        _etag: &ETag,
        _key: &Key,
        _precondition: &Precondition,
        _token: &str,
    ) -> Result<(), StoreError> {
        let kind = StoreErrorKind::Unsupported(String::new());
        Err(StoreError::new("RenameObject", self.uri(source), kind))
    }

    /// Creates a multipart upload of an object with these headers.
    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError>;

    /// Uploads one part.
    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError>;

    /// Copies a range of a stored object into a part, on the server.
    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError>;

    /// Completes the upload: joins the parts, in order of their numbers, into the object.
    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError>;

    /// Aborts an upload and discards its parts.
    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError>;

    /// Returns the unfinished uploads of a key, up to 1,000. Needs a permission that a mount may
    /// lack.
    async fn uploads(&self, key: &Key) -> Result<Vec<UploadId>, StoreError>;

    /// Returns the keys for which [`create_upload`](Self::create_upload) was not answered: the store
    /// may have an upload of them whose ID nobody knows. Each key is returned once, and only by
    /// stores that send requests again.
    fn take_unanswered(&self) -> Vec<Key> {
        Vec::new()
    }

    /// Returns a local file with all of this version, if there is one. The file never changes;
    /// callers read it instead of sending requests.
    async fn local_copy(&self, _key: &Key, _etag: &ETag) -> Option<File> {
        None
    }

    /// Returns the capabilities of the store, as far as they are known.
    fn capabilities(&self) -> &Capabilities;

    /// Returns `s3://bucket/key`, for messages.
    fn uri(&self, key: &Key) -> String;
}
