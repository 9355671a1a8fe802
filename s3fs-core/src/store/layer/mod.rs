//! Layers: stores that wrap another store. A layer has one hook around all requests, and overrides
//! the methods of requests that it treats differently. All other requests are forwarded here.
//!
//! A request costs one heap-allocated future for each layer: the hooks are compiled into it.

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::fs::File;

use async_trait::async_trait;

use super::{
    Body, Capabilities, Condition, CopiedHeaders, CopySource, Described, GetResponse, ListPage,
    ListRequest, PartNumber, PartTag, Precondition, Store, StoreError, UploadId,
};
use crate::object::{ByteRange, ETag, Headers, Key, Tags};

/// Kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    List,
    Head,
    GetTags,
    Get,
    Put,
    Delete,
    Copy,
    Rename,
    CreateUpload,
    UploadPart,
    CopyPart,
    Complete,
    Abort,
    ListUploads,
}

impl Operation {
    /// Returns S3's name of the operation, for errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::List => "ListObjectsV2",
            Self::Head => "HeadObject",
            Self::GetTags => "GetObjectTagging",
            Self::Get => "GetObject",
            Self::Put => "PutObject",
            Self::Delete => "DeleteObject",
            Self::Copy => "CopyObject",
            Self::Rename => "RenameObject",
            Self::CreateUpload => "CreateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::CopyPart => "UploadPartCopy",
            Self::Complete => "CompleteMultipartUpload",
            Self::Abort => "AbortMultipartUpload",
            Self::ListUploads => "ListMultipartUploads",
        }
    }
}

/// Description of a request, for the hook around all requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: Operation,
    /// Key to read or change, or prefix to list.
    pub(crate) key: &'a str,
    /// Key in errors: the source of a copy, otherwise `key`.
    pub(crate) object: &'a str,
    /// Number of bytes sent.
    pub(crate) length: u64,
    /// Upload that the request continues or ends.
    pub(crate) upload: Option<&'a UploadId>,
}

impl<'a> Request<'a> {
    /// Creates the description of a request for a key, without a body.
    pub(crate) fn new(operation: Operation, key: &'a Key) -> Self {
        Self::about(operation, key.as_str())
    }

    fn about(operation: Operation, key: &'a str) -> Self {
        Self {
            operation,
            key,
            object: key,
            length: 0,
            upload: None,
        }
    }

    /// Adds the length of a body.
    pub(crate) fn sending(self, body: &Body) -> Self {
        let length = body.length();
        Self { length, ..self }
    }

    /// Sets the source of a copy.
    pub(crate) fn copying(self, source: &'a Key) -> Self {
        let object = source.as_str();
        Self { object, ..self }
    }

    fn of_upload(self, upload: &'a UploadId) -> Self {
        let upload = Some(upload);
        Self { upload, ..self }
    }

    /// Returns `s3://bucket/key` of the object in errors.
    pub(crate) fn uri(&self, store: &(impl Store + ?Sized)) -> String {
        store.uri(&Key::new(self.object))
    }
}

/// Store that wraps another store.
pub(crate) trait Layer: Debug + Send + Sync + 'static {
    /// Type of the wrapped store.
    type Below: Store + ?Sized;

    /// Returns the wrapped store.
    fn below(&self) -> &Self::Below;

    /// Carries out a request. Each call of `send` sends it to the wrapped store.
    fn around<T, F>(
        &self,
        request: Request<'_>,
        send: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let _ = request;
        async move { send().await }
    }

    /// Returns the response to a GET, with its body as the layer changes it.
    fn received(&self, _key: &Key, answer: GetResponse) -> GetResponse {
        answer
    }

    /// Returns the body of a request, as the layer changes it.
    fn sending(&self, body: Body) -> Body {
        body
    }

    /// Gets an object.
    fn forward_get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> impl Future<Output = Result<GetResponse, StoreError>> + Send {
        async move {
            let request = Request::new(Operation::Get, key);
            let sent = self.around(request, || self.below().get(key, range, condition));
            Ok(self.received(key, sent.await?))
        }
    }

    /// Puts an object.
    fn forward_put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> impl Future<Output = Result<ETag, StoreError>> + Send {
        async move {
            let body = self.sending(body);
            let request = Request::new(Operation::Put, key).sending(&body);
            let put = || self.below().put(key, body.clone(), headers, precondition);
            self.around(request, put).await
        }
    }

    /// Copies an object.
    fn forward_copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> impl Future<Output = Result<ETag, StoreError>> + Send {
        async move {
            let request = Request::new(Operation::Copy, key).copying(source);
            let copy = || self.below().copy(source, etag, key, headers);
            self.around(request, copy).await
        }
    }

    /// Creates an upload.
    fn forward_create_upload(
        &self,
        key: &Key,
        headers: &Headers,
    ) -> impl Future<Output = Result<UploadId, StoreError>> + Send {
        async move {
            let request = Request::new(Operation::CreateUpload, key);
            let create = || self.below().create_upload(key, headers);
            self.around(request, create).await
        }
    }

    /// Returns the keys of uploads whose creation was not answered.
    fn forward_take_unanswered(&self) -> Vec<Key> {
        self.below().take_unanswered()
    }

    /// Returns an object as a local file.
    fn forward_local_copy(
        &self,
        key: &Key,
        etag: &ETag,
    ) -> impl Future<Output = Option<File>> + Send {
        async move { self.below().local_copy(key, etag).await }
    }
}

#[async_trait]
impl<L: Layer> Store for L {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        let about = Request::about(Operation::List, request.prefix);
        self.around(about, || self.below().list(request)).await
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        let request = Request::new(Operation::Head, key);
        self.around(request, || self.below().head(key)).await
    }

    async fn tags(&self, key: &Key, seen: &Tags) -> Result<Tags, StoreError> {
        let request = Request::new(Operation::GetTags, key);
        self.around(request, || self.below().tags(key, seen)).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        self.forward_get(key, range, condition).await
    }

    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        self.forward_put(key, body, headers, precondition).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let request = Request::new(Operation::Delete, key);
        self.around(request, || self.below().delete(key)).await
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<ETag, StoreError> {
        self.forward_copy(source, etag, key, headers).await
    }

    async fn rename(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        precondition: &Precondition,
        token: &str,
    ) -> Result<(), StoreError> {
        let request = Request::new(Operation::Rename, key).copying(source);
        let rename = || self.below().rename(source, etag, key, precondition, token);
        self.around(request, rename).await
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        self.forward_create_upload(key, headers).await
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        let body = self.sending(body);
        let request = Request::new(Operation::UploadPart, key).of_upload(upload);
        let send = || self.below().upload_part(key, upload, number, body.clone());
        self.around(request.sending(&body), send).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        let request = Request::new(Operation::CopyPart, key).of_upload(upload);
        let send = || self.below().upload_part_copy(key, upload, number, source);
        self.around(request, send).await
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let request = Request::new(Operation::Complete, key).of_upload(upload);
        let below = self.below();
        let send = || below.complete_upload(key, upload, parts, precondition);
        self.around(request, send).await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        let request = Request::new(Operation::Abort, key).of_upload(upload);
        let send = || self.below().abort_upload(key, upload);
        self.around(request, send).await
    }

    async fn uploads(&self, key: &Key) -> Result<Vec<UploadId>, StoreError> {
        let request = Request::new(Operation::ListUploads, key);
        self.around(request, || self.below().uploads(key)).await
    }

    fn take_unanswered(&self) -> Vec<Key> {
        self.forward_take_unanswered()
    }

    async fn local_copy(&self, key: &Key, etag: &ETag) -> Option<File> {
        self.forward_local_copy(key, etag).await
    }

    fn capabilities(&self) -> &Capabilities {
        self.below().capabilities()
    }

    fn uri(&self, key: &Key) -> String {
        self.below().uri(key)
    }
}
